"""What a script says on stderr: plain lines of its own, and not what TensorFlow's C++ part says of drivers."""

import logging

from absl import logging as absl_logging

import quiet_tensorflow


def start():
    """Log lines without absl's prefix of letter, time, process and file; warnings say that they are."""
    absl_logging.get_absl_handler().setFormatter(_PlainLines())
    logging.getLogger("absl").setLevel(logging.WARNING)  # TensorFlow logs its own details there


def import_tensorflow():
    """Imports TensorFlow without its lines of start-up; a user's own TF_CPP_MIN_LOG_LEVEL is left to decide."""
    quiet_tensorflow.prepare()
    import tensorflow  # noqa: F401


class _PlainLines(logging.Formatter):
    def format(self, record):
        line = super().format(record)
        return f"{record.levelname.lower()}: {line}" if record.levelno >= logging.WARNING else line
