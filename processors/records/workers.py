"""A function over many tasks in processes; results come in order, and few tasks are in memory at once."""

import collections
import contextlib
import itertools
import multiprocessing
import os
import queue
import signal
import threading
import traceback

from bertline.errors import InputError

# A process works on one task while the next one waits for it.
_TASKS_PER_PROCESS = 2
_SECONDS_TO_END = 5


class Workers:
    """Processes that run one function; used as a context, they end with it.

    They are started by a fork server, since forking a process that runs TensorFlow's threads can hang; so they import
    the module of `function` and nothing else. When this process is killed they end, whatever they do.

    Args:
      function: a picklable callable of one picklable task.
      num_processes: int; 1: no process is started, the function runs here.
    """

    def __init__(self, function, num_processes):
        self._function = function
        self._workers = []
        if num_processes > 1:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([getattr(function, "func", function).__module__])
            self._workers = [_Worker(context, function) for _ in range(num_processes)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self._workers:
            worker.close()
        for worker in self._workers:
            worker.join()

    def map(self, tasks):
        """Yields function(task) for each task, in order.

        Raises:
          InputError: a process was killed.
        """
        if not self._workers:
            yield from map(self._function, tasks)
            return
        busy = collections.deque()
        for task, worker in zip(tasks, itertools.cycle(self._workers)):
            worker.send(task)
            busy.append(worker)
            if len(busy) >= _TASKS_PER_PROCESS * len(self._workers):
                yield busy.popleft().receive()
        while busy:
            yield busy.popleft().receive()


class _Worker:
    def __init__(self, context, function):
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self._process.start()
        theirs.close()  # so that its death is the end of the file here

    def send(self, task):
        try:
            self._connection.send(task)
        except OSError:
            raise self._death() from None

    def receive(self):
        try:
            result, error = self._connection.recv()
        except (EOFError, OSError):
            raise self._death() from None
        if error is not None:
            raise RuntimeError(f"in process {self._process.pid}:\n{error}")
        return result

    def _death(self):
        self._process.join(_SECONDS_TO_END)
        status = self._process.exitcode
        how = f"was killed by {signal.Signals(-status).name}" if status and status < 0 else f"ended with {status}"
        return InputError(
            f"process {self._process.pid}, one of those of --num_processes, {how}; if memory was short, take fewer"
        )

    def close(self):
        self._connection.close()
        self._process.terminate()

    def join(self):
        self._process.join(_SECONDS_TO_END)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(connection, function):
    """What a process does until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent decides
    tasks = queue.SimpleQueue()

    def receive():
        # In a thread: whoever is sending always finds a reader here, so that two full pipes cannot block each other.
        with contextlib.suppress(EOFError, OSError):
            while True:
                tasks.put(connection.recv())
        os._exit(0)

    threading.Thread(target=receive, daemon=True).start()
    while True:
        task = tasks.get()
        try:
            answer = function(task), None
        except Exception:
            answer = None, traceback.format_exc()
        with contextlib.suppress(OSError):
            connection.send(answer)
