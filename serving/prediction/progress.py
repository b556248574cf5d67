"""What a person sees of a call from Python that takes long."""

import importlib.util
import sys

from bertline.common import progress

SECONDS_BEFORE_BAR = 3.0  # what is done sooner needs none


def of_a_call(total, wanted):
    """A progress.Progress for a call from Python, or None.

    Args:
      total: texts; None where that is not known.
      wanted: True: at once, and as plain lines on stderr where there is neither a terminal nor a notebook; None: a bar
        where there is one of them, after some seconds; False: nothing.
    """
    if not (wanted or (wanted is None and progress.has_spectator())):
        return None
    if importlib.util.find_spec("tqdm") is None:  # a Client does without it
        return None
    if wanted:
        return progress.Progress("encoding", total, "text", say=_to_stderr)
    return progress.Progress("encoding", total, "text", delay_seconds=SECONDS_BEFORE_BAR)


def _to_stderr(line):
    print(line, file=sys.stderr, flush=True)
