"""TensorFlow's import without its C++ part's lines on drivers and instructions, whoever imports it."""

import contextlib
import importlib.util
import os
import sys
import tempfile

CPP_LOG_LEVEL, FATAL_ONLY = "TF_CPP_MIN_LOG_LEVEL", "3"


def prepare():
    """From now on TensorFlow says nothing when it is imported, by us or by the user.

    A user's own TF_CPP_MIN_LOG_LEVEL is left to decide. Two of the lines come before TensorFlow reads that setting, so
    stderr is turned away while it loads; should it fail, what was said is shown.
    """
    if os.environ.setdefault(CPP_LOG_LEVEL, FATAL_ONLY) == FATAL_ONLY and _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


class _Finder:
    """Python asks it first for every module that is not imported yet."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(_Finder)
        found = importlib.util.find_spec(name)
        if found is not None and found.loader is not None:
            load = found.loader.exec_module

            def load_in_silence(module):
                with stderr_without():
                    load(module)

            found.loader.exec_module = load_in_silence
        return found


@contextlib.contextmanager
def stderr_without(start=b""):
    """Leaves out the lines that the block writes to stderr and that begin with `start`; none where it fails."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without stderr
        yield
        return
    with tempfile.TemporaryFile() as held:
        _flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            start = None
            raise
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held:
                if start is None or not line.startswith(start):
                    os.write(2, line)


def _flush():
    if sys.stderr is not None:
        sys.stderr.flush()
