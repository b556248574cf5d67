"""Runs of different lengths in one array."""

import numpy as np


def slots(starts, lengths):
    """int64 [sum of lengths]: start, start + 1, ... of each run in turn."""
    ends = np.cumsum(lengths)
    found = np.arange(ends[-1] if len(ends) else 0)
    found += np.repeat(starts - ends + lengths, lengths)
    return found


def beginnings(values, splits, lengths):
    """The first so many values of each run."""
    whole = int(lengths.sum()) == len(values)  # mostly nothing is cut off
    return values if whole else values[slots(splits[:-1], lengths)]
