"""A document as windows, all in one row: an encoder reads each by itself, and their vectors become the document's."""

import functools

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.layouts.base import ENCODING_BATCH, Layout
from bertline.processors.layouts.window_places import window_places
from bertline.processors.records.feature_spec import WINDOW_LENGTHS, Feature

POOLINGS = ("mean", "max", "learned")
MAX_WINDOWS = 8
ENTRY = "document_windows"  # of config.json


@registry.register("layout", "windows")
class DocumentWindows(Layout):
    """Rows of the encoder's own layout, one for each window, end to end; `window_lengths` says where each ends.

    A window begins `stride` tokens after the one before. A document that fits into one row is that row. Of one that has
    more tokens than `max_windows` windows hold the truncation of `own` says which remain. Of a pair one text is cut
    into windows, the one that the truncation cuts first. The other one stands whole in each of them, or with as many
    tokens as the first text leaves it, half of a row at least.

    Args:
      own: the encoder's own layout.
      pooling: of POOLINGS, how the windows' vectors become the document's; rows do not depend on it.
      stride: tokens from the begin of a window to that of the next; None: windows do not overlap.
      max_windows: of a document.

    Raises:
      InputError: the layout reads more than ids of tokens, or windows leave tokens out.
    """

    name, is_over_own, reads_whole_texts = "windows", True, True

    def __init__(self, own, pooling="mean", stride=None, max_windows=MAX_WINDOWS):
        self.own, self.pooling, self.stride, self.max_windows = own, pooling, stride, max_windows
        self.tokenizer, self.max_seq_length = own.tokenizer, own.max_seq_length
        if not own.packs_ids:
            raise InputError(
                f"windows are ids of tokens alone; the layout {own.name} of this encoder reads words, too: leave the "
                "part with characters, or with a prefix, out of the configuration"
            )
        least = own.frame.num_special(2) + 2
        if own.max_seq_length < least:
            raise InputError(f"--max_seq_length={own.max_seq_length}: windows need {least} tokens at least")
        room = own.frame.room(own.max_seq_length, 1)
        if stride is not None and not 0 < stride <= room:
            raise InputError(
                f"--window_stride={stride}: a number from 1 to {room} is needed, so that windows of "
                f"--max_seq_length={own.max_seq_length} leave no token out"
            )
        self.spec = {**own.spec, WINDOW_LENGTHS: Feature("int32", ("windows",))}

    @property
    def max_row_tokens(self):
        """See base class."""
        return self.max_windows * self.max_seq_length

    @property
    def limit(self):
        """See base class."""
        return f"--max_windows={self.max_windows} windows of --max_seq_length={self.max_seq_length}"

    def check(self, examples):
        self.own.check(examples)

    def fingerprint(self):
        return [self.name, self.stride, self.max_windows, *self.own.fingerprint()]

    def config_entries(self):
        """See base class."""
        said = {"pooling": self.pooling, "stride": self.stride, "max_windows": self.max_windows}
        return {**self.own.config_entries(), ENTRY: said}

    def graph_form(self):
        """See base class."""
        from bertline.processors.layouts import graph_document_windows

        return functools.partial(graph_document_windows.pack, self)

    @classmethod
    def saved_options(cls, config, max_seq_length):
        """See base class."""
        return saved_windows(config) or {}

    def features(self, examples):
        """Yields [row] per InputExample."""
        for start in range(0, len(examples), ENCODING_BATCH):
            part = examples[start : start + ENCODING_BATCH]
            second = [example.text_b or "" for example in part]
            yield from self._rows(
                self.tokenizer.encode_batch([example.text_a for example in part]),
                self.tokenizer.encode_batch(second) if any(second) else None,
            )

    def _rows(self, first, second):
        """Yields [row] of each of n texts, or pairs; arguments as of `Packed.pack`."""
        length_a = np.diff(first[1])
        length_b = np.diff(second[1]) if second else np.zeros_like(length_a)
        places = window_places(length_a, length_b, self)
        cut = functools.partial(places.cut, self.own.truncation)
        rows = self.own.pack(cut(*first, places.first), cut(*second, places.second) if second else None)
        full = length_a + length_b + self.own.frame.num_special(1 + (length_b > 0))
        is_cut = places.first.kept + places.second.kept < length_a + length_b
        end = 0
        for count, uncut_length in zip(places.counts, np.where(is_cut, full, 0)):
            first, end = end, end + count
            tokens = slice(rows.row_splits[first], rows.row_splits[end])
            row = {name: values[tokens] for name, values in rows.values.items()}
            row[WINDOW_LENGTHS] = rows.lengths[first:end].astype(np.int32)
            yield [{**row, "uncut_length": np.int32(uncut_length)} if uncut_length else row]

    def cost(self, split, num_examples, windows, batch_size=None):
        """What the log says of the windows of a split.

        Args:
          windows: record_files.WindowCounts. batch_size: documents of a step; None: there are no steps.
        """
        mean = windows.total / num_examples
        said = (
            f"{split}: {windows.long} of {num_examples} documents are longer than {self.max_seq_length} tokens; "
            f"{mean:.1f} windows a document, at most {windows.most}"
        )
        step = f"; a step of {batch_size} documents encodes {mean * batch_size:.0f} windows" if batch_size else ""
        return said + step


def saved_windows(config):
    """What config.json says of windows, arguments of DocumentWindows; None where a model reads no windows.

    Raises:
      InputError: a damaged entry.
    """
    said = config.get(ENTRY)
    if said is None:
        return None
    is_whole = isinstance(said, dict) and said.keys() == {"pooling", "stride", "max_windows"}
    if (
        not is_whole
        or said["pooling"] not in POOLINGS
        or not _is_count(said["max_windows"])
        or not (said["stride"] is None or _is_count(said["stride"]))
    ):
        raise InputError(
            f"{ENTRY} is {json_files.excerpt(said)}; pooling ({', '.join(POOLINGS)}), stride and max_windows above 0 "
            "are needed; copy the folder again"
        )
    return said


def _is_count(number):
    return type(number) is int and number > 0
