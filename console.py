"""What a script says on stderr: plain lines of its own, and not what TensorFlow's C++ part says of drivers."""

import contextlib
import logging
import os
import sys
import tempfile

from absl import logging as absl_logging

CPP_LOG_LEVEL, FATAL_ONLY = "TF_CPP_MIN_LOG_LEVEL", "3"


def start():
    """Log lines without absl's prefix of letter, time, process and file; warnings say that they are."""
    absl_logging.get_absl_handler().setFormatter(_PlainLines())
    logging.getLogger("absl").setLevel(logging.WARNING)  # TensorFlow logs its own details there


def import_tensorflow():
    """Imports TensorFlow without its lines of start-up; a user's own TF_CPP_MIN_LOG_LEVEL is left to decide.

    Two of the lines come before TensorFlow reads that setting, so stderr is turned away while it loads.
    """
    if os.environ.setdefault(CPP_LOG_LEVEL, FATAL_ONLY) != FATAL_ONLY:
        return
    with _stderr_held_back():
        import tensorflow  # noqa: F401


@contextlib.contextmanager
def _stderr_held_back():
    """What the block writes to stderr is shown only where it fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


class _PlainLines(logging.Formatter):
    def format(self, record):
        line = super().format(record)
        return f"{record.levelname.lower()}: {line}" if record.levelno >= logging.WARNING else line
