"""Runs a script as a process of its own, many times a minute."""

import multiprocessing
import os
import pathlib
import resource
import runpy
import signal
import sys
import time

from patience import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[1]
# Importing TensorFlow takes longer than all else that a tiny run does. A server that imported it, and ran nothing, is
# forked for each run; the script itself is executed anew as __main__.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # as the scripts do before they import it
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["tensorflow", "keras", "tensorflow_text", "tqdm", "sklearn.metrics", "scipy.stats", "matplotlib.pyplot"]
)


class Script:
    """A running script, whose stdout and stderr go to files."""

    def __init__(self, name, flags, folder, limits=None, env=None, work_in=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.err = folder / "stdout", folder / "stderr"
        self.out.touch(), self.err.touch()
        args = (name, list(flags), str(self.out), str(self.err), limits or {}, env or {}, work_in or os.getcwd())
        self.process = _context.Process(target=_execute, args=args)
        self.process.start()

    def wait(self, timeout=PATIENCE):
        """The exit status."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"still running after {timeout} s: {self.stderr[-500:]}"
        return self.process.exitcode

    def send(self, number):
        os.kill(self.process.pid, number)

    def wait_for(self, condition, timeout=PATIENCE):
        """Waits until condition() holds, or the script ended."""
        end = time.monotonic() + timeout
        while not condition() and self.process.is_alive():
            assert time.monotonic() < end, self.stderr[-500:]
            time.sleep(0.002)

    @property
    def stdout(self):
        return self.out.read_text(encoding="utf-8")

    @property
    def stderr(self):
        return self.err.read_text(encoding="utf-8")


def _execute(name, flags, out, err, limits, env, work_in):
    """In the forked process: becomes the script."""
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    os.environ.update(env)
    os.chdir(work_in)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for limit, value in limits.items():
        resource.setrlimit(getattr(resource, limit), (value, value))
    sys.argv = [str(ROOT / name), *flags]
    sys.path.insert(0, str(ROOT))
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(status)
