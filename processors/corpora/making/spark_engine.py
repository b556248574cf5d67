"""Makes instances on a Spark cluster: its executors do what processes of one machine do (`processors.records.workers`).

This process reads, tokenizes and writes, as it does without Spark; each task is a Spark job of one task, so many of
them at a time that the executors are busy. Spark repeats what a lost executor had; the results come in order.
"""

import collections
import concurrent.futures
import contextlib
import functools
import importlib.util
import logging
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import urllib.parse
import zipfile

import numpy as np

from bertline.errors import InputError

MASTERS = ("local[N]", "spark://host:port", "yarn", "k8s://address")
_ROOT = pathlib.Path(__file__).resolve().parents[3]
# What executors import, beside numpy.
_SHIPPED = ("__init__.py", "errors.py", "options.py", "plugins.py", "registry.py", "common/*.py", "processors/**/*.py")
# An executor's core works on one task while the next one is sent.
_TASKS_PER_CORE = 2
# Of tasks and results, each some megabytes, Java holds no more than these, however many cores the cluster has.
_MOST_TASKS = 64
_SECONDS_TO_CONNECT = 5
_SECONDS_WITHOUT_EXECUTOR = 60
_ENDED = "its Java process on this machine has ended; was memory short (spark.driver.memory)?"


def check(master):
    """Looks for what can be missing before anything starts.

    Raises:
      InputError: there is no pyspark, no Java, or no cluster at that address.
    """
    if not master:
        raise InputError(f"--engine=spark: --spark_master is needed: {', '.join(MASTERS)}")
    if importlib.util.find_spec("pyspark") is None:
        raise InputError("--engine=spark: pyspark is not installed: pip install pyspark (`make spark` in a clone)")
    home = os.environ.get("JAVA_HOME")
    if not shutil.which(os.path.join(home, "bin", "java") if home else "java"):
        where = f"in JAVA_HOME={home}" if home else "on the PATH"
        raise InputError(f"--engine=spark: there is no Java {where}; Spark needs Java 17 or newer, JAVA_HOME names it")
    if not master.startswith(("local", "spark://", "yarn", "k8s://")):
        raise InputError(f"--spark_master={master}: one of {', '.join(MASTERS)} is needed")
    if master.startswith("spark://"):
        _check_answers(master)


def _check_answers(master):
    """Spark itself would try for minutes."""
    reason = "no address"
    for address in filter(None, master.removeprefix("spark://").split(",")):
        try:
            parts = urllib.parse.urlsplit(f"//{address}")
            socket.create_connection((parts.hostname, parts.port or 7077), _SECONDS_TO_CONNECT).close()
            return
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
    raise InputError(f"--spark_master={master}: no cluster answers there ({reason}); the master's page shows its URL")


class SparkWorkers:
    """Executors that run one function; used as a context, the Spark application ends with it.

    Further settings of Spark come from where it looks for them: `spark-defaults.conf`, PYSPARK_SUBMIT_ARGS.

    Args:
      function: a picklable callable of one picklable task.
      master: Spark's master URL.

    Raises:
      InputError: Spark cannot be started.
    """

    def __init__(self, function, master):
        check(master)
        self._master = master
        self._function = functools.partial(_on_executor, function=function, numpy_version=np.__version__)
        # Executors run the Python that runs here, unless told otherwise: another one may draw other numbers.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        self._folder = tempfile.mkdtemp(prefix="bertline-spark-")
        self._log, self._keeps_log = os.path.join(self._folder, "spark.log"), False
        self._threads = concurrent.futures.ThreadPoolExecutor(_MOST_TASKS, thread_name_prefix="spark-job")
        self._context = None
        try:
            with _keep_interrupts(), _stderr_in(self._log), self._errors("Spark cannot be started"):
                self._start()
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        from pyspark import SparkConf, SparkContext

        logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each connection
        conf = SparkConf().setMaster(self._master).setAppName("create_pretraining_data")
        conf.setIfMissing("spark.ui.showConsoleProgress", "false")
        self._context = SparkContext(conf=conf)
        # Where Java ends, this would print a traceback into the line that says so.
        self._context._accumulatorServer.handle_error = lambda *_: None
        modules = os.path.join(self._folder, "bertline.zip")  # fetched from here by executors that come later, too
        with zipfile.ZipFile(modules, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for pattern in _SHIPPED for path in _ROOT.glob(pattern)):
                archive.write(path, f"bertline/{path.relative_to(_ROOT).as_posix()}")
        self._context.addPyFile(modules)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._context is not None:
            # Ends the jobs, and so the threads that wait for them; where Java has ended, they have.
            with contextlib.suppress(ConnectionError):
                self._context.stop()
        self._threads.shutdown()
        if not self._keeps_log:
            shutil.rmtree(self._folder, ignore_errors=True)

    def map(self, tasks):
        """Yields function(task) for each task, in order.

        Raises:
          InputError: the job failed, or the cluster has no executor for it.
        """
        busy = collections.deque()
        for task in tasks:
            busy.append(self._threads.submit(self._run, task))
            if len(busy) >= self._capacity():
                yield self._result(busy.popleft())
        while busy:
            yield self._result(busy.popleft())

    def _capacity(self):
        with self._errors("Spark does not answer"):
            return min(_TASKS_PER_CORE * self._context.defaultParallelism, _MOST_TASKS)

    def _run(self, task):
        return self._context.parallelize([task], 1).map(self._function).collect()[0]

    def _result(self, future):
        with self._errors("the Spark job failed"):
            while not concurrent.futures.wait([future], _SECONDS_WITHOUT_EXECUTOR).done:
                if not self._has_executor():
                    raise InputError(
                        f"{self._master}: no executor for {_SECONDS_WITHOUT_EXECUTOR} seconds; are there workers with "
                        "free cores and memory (spark.executor.memory)?"
                    )
            return future.result()

    def _has_executor(self):
        # This process is counted too.
        known = self._context._jsc.sc().getExecutorMemoryStatus().size()
        return known > 1 or self._master.startswith("local")

    @contextlib.contextmanager
    def _errors(self, what):
        """Makes one line of what Spark raises, of whatever class; a job's own error is a hundred lines of Java's."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            # Empty where Java was running before: what it says goes where its stderr went then.
            self._keeps_log = os.path.getsize(self._log) > 0
            log = f"; Spark's own log: {self._log}" if self._keeps_log else ""
            reason = _reason(error) if self._java_answers() else _ENDED
            raise InputError(f"{self._master}: {what}: {reason}{log}") from error

    def _java_answers(self):
        """Whether Java is there; where it is not, an error may be any that broken connections and clean-up have."""
        from py4j.protocol import Py4JError

        try:
            return self._context is None or self._context._jsc.sc() is not None
        except (Py4JError, OSError):
            return False


def _on_executor(task, function, numpy_version):
    if np.__version__ != numpy_version:
        raise InputError(
            f"numpy {np.__version__} in {sys.executable}: {numpy_version} is needed, as where the job was started, for "
            "another one may draw other numbers; PYSPARK_PYTHON names the Python of the executors"
        )
    return function(task)


def _reason(error):
    """The line that counts: of an error in Python the last one of its traceback, else Java's first."""
    text = str(error)
    text = re.split(r"\n\s+at |\n SQLSTATE|\nDriver stacktrace", text.partition("\n: ")[2] or text)[0]
    if "Traceback" in text:
        text = re.sub(r"(?s)^.*\n  File [^\n]*\n(?:    [^\n]*\n)*", "", text)
    return " ".join(text.split())


@contextlib.contextmanager
def _stderr_in(path):
    """Sends stderr into a file: Java, when it is started here, keeps it, and is not quiet."""
    sys.stderr.flush()
    kept, log = os.dup(2), os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept), os.close(log)


@contextlib.contextmanager
def _keep_interrupts():
    """Puts Ctrl-C's handler back: Spark's would outlive the application and fail then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
