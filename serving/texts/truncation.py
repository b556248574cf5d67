"""Texts that are longer than a model reads: who is told."""

import os
import sys
import warnings

import numpy as np

_HERE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")  # serving/


class TruncationWarning(UserWarning):
    """Of some texts the model read the beginning alone."""


def warn(truncated, length="what the model reads", name="texts"):
    """Says where the caller's own code stands how many texts were truncated; nothing where none was.

    Args:
      truncated: bool of each text.
      length: how long a text may be, in words. name: of the list of texts.
    """
    rows = np.flatnonzero(truncated)
    if len(rows):
        counted = f"{len(rows)} of {len(truncated)} {name} {'is' if len(rows) == 1 else 'are'}"
        message = f"{counted} longer than {length}, the rest was not read; the first is {name}[{rows[0]}]"
        warnings.warn(message, TruncationWarning, stacklevel=_levels_here())


def _levels_here():
    """The stacklevel of the first frame outside serving/, so that the warning names a line of the user."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_HERE):
        frame, level = frame.f_back, level + 1
    return level
