"""Where the windows of documents begin and end."""

import dataclasses

import numpy as np

from bertline.processors.layouts.truncation import LONGEST, SECOND
from bertline.processors.records.ragged import slots


@dataclasses.dataclass(frozen=True)
class TextPlaces:
    """Of one text of each of n documents, R windows in all.

    Attributes:
      kept: int64 [n], tokens that remain of the text.
      begins, lengths: int64 [R], of the windows among these.
    """

    kept: np.ndarray
    begins: np.ndarray
    lengths: np.ndarray


@dataclasses.dataclass(frozen=True)
class WindowPlaces:
    """Attributes:
    counts: int64 [n], windows of each document.
    first, second: TextPlaces, of the first texts and of the second ones.
    """

    counts: np.ndarray
    first: TextPlaces
    second: TextPlaces

    @property
    def document(self):
        """int64 [R], the document of each window."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def cut(self, truncation, ids, splits, text):
        """(ids int32, row_splits int64 [R + 1]) of the windows of one text of each document.

        Args:
          ids, splits: of the texts, as `encode_batch` gives them. text: TextPlaces, `first` or `second`.
        """
        starts = np.cumsum(text.kept) - text.kept
        taken = slots(starts[self.document] + text.begins, text.lengths)
        return truncation.cut(ids, splits, text.kept)[taken], np.append(0, np.cumsum(text.lengths))


def window_places(length_a, length_b, layout):
    """The WindowPlaces of n documents.

    Args:
      length_a, length_b: int64 [n], tokens of their texts; 0 where there is no second one.
      layout: a bertline.processors.layouts.document_windows.DocumentWindows.
    """
    room = layout.own.frame.room(layout.max_seq_length, 1 + (length_b > 0))
    is_second = cuts_second(layout.own.truncation, length_a, length_b)
    cut, whole = np.where(is_second, [length_b, length_a], [length_a, length_b])
    kept_whole = np.minimum(whole, np.maximum(room // 2, room - cut))
    room = room - kept_whole
    stride = np.maximum(1, room if layout.stride is None else np.minimum(layout.stride, room))
    kept = np.minimum(cut, room + (layout.max_windows - 1) * stride)
    counts = 1 + np.maximum(0, -(-(kept - room) // stride))
    document = np.repeat(np.arange(len(counts)), counts)
    begins = slots(np.zeros_like(counts), counts) * stride[document]
    lengths = np.minimum(room[document], kept[document] - begins)
    in_windows = TextPlaces(kept, begins, lengths)
    is_whole = TextPlaces(kept_whole, np.zeros_like(begins), kept_whole[document])
    first, second = (
        TextPlaces(
            np.where(is_there, in_windows.kept, is_whole.kept),
            np.where(is_there[document], in_windows.begins, is_whole.begins),
            np.where(is_there[document], in_windows.lengths, is_whole.lengths),
        )
        for is_there in (~is_second, is_second)
    )
    return WindowPlaces(counts, first, second)


def cuts_second(truncation, length_a, length_b):
    """bool [n]: whether the second text is the one that stands in windows."""
    if truncation.text == LONGEST:
        return (length_b > 0) & (length_b >= length_a)  # as BERT cuts the second one where both are equal
    return (length_b > 0) & (truncation.text == SECOND)
