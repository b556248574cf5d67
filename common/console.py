"""What a person sees on stderr: plain lines of our own, and not what other libraries say of their insides."""

import contextlib
import logging
import os
import warnings

from absl import logging as absl_logging

from bertline.common import quiet_tensorflow


def start():
    """For a script: log lines without absl's prefix of letter, time, process and file; warnings say that they are."""
    absl_logging.get_absl_handler().setFormatter(_PlainLines())
    logging.getLogger("absl").setLevel(logging.WARNING)  # TensorFlow logs its own details there
    warnings.showwarning = _log_warning


def import_tensorflow():
    """Imports TensorFlow without its lines of start-up; a user's own TF_CPP_MIN_LOG_LEVEL is left to decide."""
    quiet_tensorflow.prepare()
    import tensorflow  # noqa: F401


@contextlib.contextmanager
def foreign_warnings():
    """What libraries warn of inside the block is a line of ours each, in a script and in a Python session alike.

    Python's own way shows a path of the library and a line of its source.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _log_warning
        yield


def _log_warning(message, category, filename, lineno, file=None, line=None):
    """Has the arguments of `warnings.showwarning`."""
    folders = os.path.normpath(filename).split(os.sep)
    library = folders[folders.index("site-packages") + 1] if "site-packages" in folders[:-1] else ""
    logging.warning("%s%s", f"{library}: " if library else "", " ".join(str(message).split()))


class _PlainLines(logging.Formatter):
    def format(self, record):
        line = super().format(record)
        return f"{record.levelname.lower()}: {line}" if record.levelno >= logging.WARNING else line
