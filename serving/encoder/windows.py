"""Texts longer than the model takes: overlapping windows, and one sequence of states out of theirs.

Source: the windows of google-research/bert `run_squad.py`; a token's state is taken from the window in which it has
most context.
"""

import numpy as np

from bertline.processors.records.ragged import slots


class Windows:
    """Tokens of n texts cut into windows.

    Args:
      splits: int64 [n + 1], of the tokens.
      frame: bertline.processors.layouts.templates.Frame, of each window.
      size, stride: tokens of the longest window, and from one window's begin to the next one's.
      whole: bool [n], texts that are one window whatever their length.

    Attributes:
      text: int64 [windows], the text of each.
      first: int64 [n], the first window of each text. several: bool [n], which texts have more than one.
    """

    def __init__(self, splits, frame, size, stride, whole):
        self._before, self._after = len(frame.before), len(frame.after)
        tokens = np.diff(splits)
        self._counts = np.where(whole, 1, 1 + np.maximum(0, -(-(tokens - size) // stride)))
        self.first = np.cumsum(self._counts) - self._counts
        self.text = np.repeat(np.arange(len(tokens)), self._counts)
        self.several = self._counts > 1
        number = slots(np.zeros_like(self._counts), self._counts)  # 0, 1, 2, ... within a text
        self._starts = splits[self.text] + number * stride
        lengths = splits[self.text + 1] - self._starts
        self._lengths = np.where(whole[self.text], lengths, np.minimum(size, lengths))

    def ids(self, ids):
        """(ids, row_splits) of the windows, from the ids of the texts."""
        return ids[slots(self._starts, self._lengths)], np.concatenate([[0], np.cumsum(self._lengths)])

    def merge(self, text, row_splits):
        """Where the states of a text of several windows lie, with the special tokens of the first and of the last.

        Args:
          row_splits: int64 [windows + 1], of the packed rows: windows with their special tokens.

        Returns:
          int64 [tokens + special ones].
        """
        rows = self.first[text] + np.arange(self._counts[text])
        begins = self._starts[rows] - self._starts[rows[0]]
        ends = begins + self._lengths[rows]
        # In the middle of an overlap both windows give a token as much context.
        borders = np.concatenate([[0], (begins[1:] + ends[:-1]) // 2, ends[-1:]])
        inner = slots(row_splits[rows] + self._before + borders[:-1] - begins, np.diff(borders))
        first = row_splits[rows[0]] + np.arange(self._before)
        last = row_splits[rows[-1] + 1] - self._after + np.arange(self._after)
        return np.concatenate([first, inner, last])
