"""The one error that a user can mend, and the exit status that goes with it."""

import contextlib
import signal
import sys

EXIT_DIVERGED = 3  # the loss of a training became NaN


class InputError(ValueError):
    """Bad input: says what, where, what was found, what is allowed and how to mend it, in one line.

    Scripts print it without a traceback and leave with status 2; library callers catch it as a ValueError.
    """


@contextlib.contextmanager
def naming(subject):
    """An InputError inside the block, or the function that this decorates, begins with what it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{subject}: {error}") from error


@contextlib.contextmanager
def report_errors(after_stop="the same command continues from the last checkpoint, if there is one"):
    """Turns an `InputError` inside the block into one line on stderr and exit status 2; Ctrl-C into status 130.

    `after_stop`: what to know after Ctrl-C.
    """
    try:
        yield
    except InputError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"stopped by SIGINT; {after_stop}", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
