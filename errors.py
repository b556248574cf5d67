"""The one error that a user can mend, and the exit status that goes with it."""

import contextlib
import sys


class InputError(ValueError):
    """Bad input: says what, where, what was found, what is allowed and how to mend it, in one line.

    Scripts print it without a traceback and leave with status 2; library callers catch it as a ValueError.
    """


@contextlib.contextmanager
def reported():
    """Turns an `InputError` inside the block into one line on stderr and exit status 2."""
    try:
        yield
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
