"""create_pretraining_data.py --engine=spark: on a real cluster of which a machine dies, and what goes wrong.

What the executors did is read from Spark's own event log.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from patience import PATIENCE
from running import ROOT

pyspark = pytest.importorskip("pyspark", reason="make spark")
pytestmark = pytest.mark.skipif(not (os.environ.get("JAVA_HOME") or shutil.which("java")), reason="no Java")

HOST = "127.0.0.1"
MANIFEST = "x.tfrecord.manifest.json"
# A script in blocks that are small for a small corpus. Where a process group is given, it is stopped when the 20th
# result came, so that it has tasks that it will never end, and killed two seconds later.
SMALL_BLOCKS = """
    import os, runpy, signal, sys, threading
    victim = int(sys.argv[1])
    from bertline.processors.text import documents
    from bertline.processors.corpora.making import key_order
    documents.BLOCK_BYTES = 1 << 14
    add, results = key_order.KeyOrder.add, []
    def counted(*args):
        results.append(1)
        if victim and len(results) == 20:
            os.killpg(victim, signal.SIGSTOP)
            threading.Timer(2, os.killpg, (victim, signal.SIGKILL)).start()
        add(*args)
    key_order.KeyOrder.add = counted
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(program, *arguments, **environment):
    """Runs Python code that may start Java; no process of it is left. Returns (status, stdout, stderr)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": HOST, "OMP_NUM_THREADS": "1", **environment}
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        kill(process)
    return process.returncode, out, err


def kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def make(tmp_path_factory, vocabulary):
    """make(*flags, victim=0, **environment) -> folder of the output: the project's own texts, many times over."""
    data = tmp_path_factory.mktemp("data")
    (data / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "samples" / "corpus").glob("*.txt"))]
    (data / "corpus.txt").write_text("\n\n".join(texts * 12), encoding="utf-8")

    def create(*flags, victim=0, **environment):
        folder = tmp_path_factory.mktemp("made")
        status, _, err = run(
            SMALL_BLOCKS,
            victim,
            "create_pretraining_data.py",
            f"--input_file={data / 'corpus.txt'}",
            f"--vocab_file={data / 'vocab.txt'}",
            f"--output_file={folder / 'x.tfrecord'}",
            "--max_seq_length=64",
            "--dupe_factor=5",
            *flags,
            **environment,
        )
        assert status == 0 and "Traceback" not in err, err[-3000:]
        return folder

    return create


def contents(folder):
    """name -> bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Cluster:
    """A master and workers of one core, each the leader of a process group, as a machine of its own.

    An executor is in the group of its worker.
    """

    def __init__(self, folder, num_workers):
        self.events, self.processes, self._folder = folder / "events", [], folder
        self._num_workers = num_workers
        self.events.mkdir()
        settings = {
            "spark.executor.memory": "512m",
            "spark.driver.memory": "512m",
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": HOST,
            "spark.cores.max": 2,
            # No task before both executors are there.
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "90s",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": self.events.as_uri(),
            "spark.eventLog.compress": "false",
            "spark.eventLog.rolling.enabled": "false",
        }
        lines = [f"{name} {value}" for name, value in settings.items()]
        (folder / "spark-defaults.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.environment = {"SPARK_CONF_DIR": str(folder), "SPARK_LOCAL_DIRS": str(folder / "local")}

    def __enter__(self):
        try:
            master = self._start("master.Master")
            self.url = self._wait_for(master, r"Starting Spark master at (spark://\S+)")[0]
            for i in range(self._num_workers):
                work = self._folder / f"work-{i}"
                self._start("worker.Worker", "--cores", 1, "--memory", "512m", "--work-dir", work, self.url)
            self._wait_for(master, "Registering worker", self._num_workers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process, log in self.processes:
            kill(process)
            log.close()

    def _start(self, name, *arguments):
        log = open(self._folder / f"log-{len(self.processes)}", "w+", encoding="utf-8")
        command = [
            pathlib.Path(pyspark.__file__).parent / "bin" / "spark-class",
            f"org.apache.spark.deploy.{name}",
            "--host",
            HOST,
            "--port",
            0,
            "--webui-port",
            0,
            *arguments,
        ]
        environment = {**os.environ, **self.environment, "SPARK_LOCAL_IP": HOST, "SPARK_DAEMON_MEMORY": "256m"}
        process = subprocess.Popen(
            [str(word) for word in command],
            env=environment,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.processes.append((process, log))
        return process, log

    def _wait_for(self, started, pattern, count=1):
        process, log = started
        end = time.monotonic() + PATIENCE
        while len(found := re.findall(pattern, pathlib.Path(log.name).read_text(encoding="utf-8"))) < count:
            assert process.poll() is None and time.monotonic() < end, pathlib.Path(log.name).read_text()[-2000:]
            time.sleep(0.1)
        return found

    def workers(self):
        """Process groups."""
        return [process.pid for process, _ in self.processes[1:]]

    def log(self):
        """kind of event -> events of the one application that ran."""
        (path,) = self.events.iterdir()
        events = collections.defaultdict(list)
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            events[event["Event"].removeprefix("SparkListener")].append(event)
        return events


def test_a_worker_dies_in_the_middle(make, tmp_path):
    expected = contents(make("--num_processes=2"))
    assert len(expected["x.tfrecord"]) > 1e6 and json.loads(expected[MANIFEST])["num_instances"] > 10_000
    with Cluster(tmp_path, num_workers=2) as cluster:
        victim = cluster.workers()[1]
        made = make("--engine=spark", f"--spark_master={cluster.url}", victim=victim, **cluster.environment)
        assert cluster.processes[2][0].wait(10) == -signal.SIGKILL
        assert cluster.processes[1][0].poll() is None
    assert contents(made) == expected

    events = cluster.log()
    (removed,) = events["ExecutorRemoved"]
    done, lost = collections.Counter(), []
    for event in events["TaskEnd"]:
        if event["Task End Reason"]["Reason"] == "Success":
            done[event["Task Info"]["Executor ID"]] += 1
        else:
            lost.append(event)
    assert {event["Task End Reason"]["Reason"] for event in lost} == {"ExecutorLostFailure"}
    assert {event["Task Info"]["Executor ID"] for event in lost} == {removed["Executor ID"]}
    # Both worked; what was lost was done again; much was still to do.
    assert len(done) == 2 and min(done.values()) >= 3, done
    assert sum(done.values()) == len(events["JobStart"]) == len(events["JobEnd"]) > 60
    later = [event for event in events["TaskEnd"] if event["Task Info"]["Finish Time"] > removed["Timestamp"]]
    assert len(later) > 20


def test_a_cluster_without_workers(tmp_path):
    """Spark alone would wait for ever."""
    program = """
        import sys
        from bertline.errors import report_errors
        from bertline.processors.corpora.making import spark_engine
        spark_engine._SECONDS_WITHOUT_EXECUTOR = 2
        with report_errors(), spark_engine.SparkWorkers(print, sys.argv[1]) as workers:
            list(workers.map(iter([7])))
    """
    with Cluster(tmp_path, num_workers=0) as cluster:
        more = "--conf spark.scheduler.maxRegisteredResourcesWaitingTime=1s pyspark-shell"
        status, _, err = run(program, cluster.url, PYSPARK_SUBMIT_ARGS=more, **cluster.environment)
    assert status == 2 and len(err.splitlines()) == 1 and "no executor for 2 seconds" in err, err


def test_local_master_and_other_flags(make):
    flags = ("--instances=sentence_order", "--masking=whole_word", "--num_output_shards=3", "--dupe_factor=2")
    expected = contents(make("--num_processes=1", *flags))
    assert len(expected) == 4
    assert contents(make("--engine=spark", "--spark_master=local[2]", *flags)) == expected


def test_order_bounds_and_a_failing_job(tmp_path):
    """One Java for all of it. Functions of the main module travel by value."""
    program = """
        import os, sys, time
        from bertline.errors import InputError
        from bertline.processors.corpora.making import spark_engine

        def squared(number):
            time.sleep(0.1 * (number % 3))
            return number * number

        def failing(number):
            raise ValueError(f"no {number}\\nand no more")

        taken = []
        def tasks():
            for number in range(12):
                taken.append(number)
                yield number

        try:
            with spark_engine.SparkWorkers(failing, "local[2]") as workers:
                list(workers.map(iter([7])))
        except InputError as error:
            print(error)
        left = os.listdir(sys.argv[1])
        with spark_engine.SparkWorkers(squared, "local[2]") as workers:
            results = workers.map(tasks())
            assert next(results) == 0 and len(taken) == 4, taken
            assert list(results) == [number * number for number in range(1, 12)]
        assert os.listdir(sys.argv[1]) == left
        spark_engine.np.__version__ = "0.1"  # of the driver
        try:
            with spark_engine.SparkWorkers(squared, "local[2]") as workers:
                list(workers.map(iter([7])))
        except InputError as error:
            print(error)
    """
    status, out, err = run(program, tmp_path, TMPDIR=str(tmp_path))
    assert status == 0 and err == "", err
    failed, other_numpy = out.splitlines()
    found = re.fullmatch(
        r"local\[2\]: the Spark job failed: ValueError: no 7 and no more; Spark's own log: (\S+)", failed
    )
    assert found and "no 7" in pathlib.Path(found[1]).read_text(encoding="utf-8"), failed
    assert "0.1 is needed" in other_numpy and "PYSPARK_PYTHON" in other_numpy, other_numpy


@pytest.mark.parametrize("where", ["while a task is sent", "while results are awaited"])
def test_java_dies(where, tmp_path):
    """One line among what Spark's own threads log."""
    program = """
        import os, signal, sys, threading, time
        from bertline.errors import report_errors
        from bertline.processors.corpora.making import spark_engine

        def slow(number):
            time.sleep(0.2)
            return number

        def tasks():
            for number in range(12):
                if number == 8:
                    from pyspark import SparkContext
                    kill = threading.Timer(0.3, os.kill, (SparkContext._gateway.proc.pid, signal.SIGKILL))
                    kill.start()
                    kill.join(5 * (sys.argv[1] == "while a task is sent"))
                yield number

        with report_errors(), spark_engine.SparkWorkers(slow, "local[2]") as workers:
            list(workers.map(tasks()))
    """
    status, _, err = run(program, where, TMPDIR=str(tmp_path))
    assert status == 2 and err.count("its Java process on this machine has ended; was memory short") == 1, err


def test_java_that_does_not_start(tmp_path):
    """One line, and Spark's log is kept."""
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'this Java is too old' >&2\nexit 1\n", encoding="utf-8")
    java.chmod(0o755)
    status, _, err = run(
        "from bertline.errors import report_errors\n"
        "from bertline.processors.corpora.making import spark_engine\n"
        "with report_errors(): spark_engine.SparkWorkers(print, 'local[2]')",
        JAVA_HOME=str(tmp_path),
        TMPDIR=str(tmp_path),
    )
    assert status == 2 and len(err.splitlines()) == 1 and "Spark cannot be started" in err, err
    (log,) = re.findall(r"\S+/spark\.log", err)
    assert "this Java is too old" in pathlib.Path(log).read_text(encoding="utf-8")
