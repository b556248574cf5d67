"""Rows that parts of an encoder read by layouts of their own, beside the shared ones, and how the two meet: by words.

Each part has its own vocabulary and special tokens. A token of the shared row gets what the part has at the first piece
of the same word; a special token gets nothing.

Source: first pieces as in Devlin et al. 2018, https://arxiv.org/abs/1810.04805, section 5.3.
"""

import dataclasses

import numpy as np

from bertline.errors import InputError
from bertline.processors.layouts.base import Layout
from bertline.processors.layouts.of_words import OfWords
from bertline.processors.layouts.pieces import fit, pieces_of, row_splits_of
from bertline.processors.records.feature_spec import Feature

PLACES = "places"


class Aligned(OfWords, Layout):
    """The rows of `own`; under its prefix those of each part; and `<prefix>places` int32 [tokens].

    A place is 1 for the first token of the part's row, and 0 where a token is of no word.

    Args:
      own: the layout that the other parts share.
      parts: prefix -> layout.

    Raises:
      InputError: more words fit into a row than into that of a part.
    """

    name = "aligned"
    without_pairs = 'a configuration without the parts that have a "prefix"'

    def __init__(self, own, parts):
        self.own, self.parts = own, parts
        self.tokenizer, self.max_seq_length = own.tokenizer, own.max_seq_length
        self.spec = dict(own.spec)
        for prefix, part in parts.items():
            self._check_room(prefix, part)
            self.spec |= {prefix + name: _of_part(prefix, feature) for name, feature in part.spec.items()}
            self.spec[prefix + PLACES] = Feature("int32", ("tokens",))

    def _check_room(self, prefix, part):
        words, room = self.own.template.room(self.max_seq_length, 1), part.template.room(part.max_seq_length, 1)
        if words > room:
            raise InputError(
                f"--max_seq_length={self.max_seq_length}: a row may have {words} words, and the part with the prefix "
                f"{prefix!r} reads {room}; lower it by {words - room}"
            )

    @property
    def template(self):
        """templates.Template of the shared row."""
        return self.own.template

    @property
    def frame(self):
        """templates.Frame of the shared row."""
        return self.own.frame

    def check(self, examples):
        super().check(examples)
        for layout in (self.own, *self.parts.values()):
            layout.check(examples)

    def fingerprint(self):
        parts = {prefix: part.fingerprint() for prefix, part in self.parts.items()}
        return [self.name, *self.own.fingerprint(), parts]

    def config_entries(self):
        return self.own.config_entries()

    def pack(self, first, second=None):
        """The shared rows alone; see Packed."""
        return self.own.pack(first, second)

    def with_words(self, rows, words, word_of_slot):
        """See Packed. The words of a shared row are those that a part reads."""
        rows = self.own.with_words(rows, words, word_of_slot)
        there = np.flatnonzero(word_of_slot >= 0)
        pairs = np.stack([np.repeat(np.arange(len(rows.lengths)), rows.lengths)[there], word_of_slot[there]])
        is_first = np.any(np.diff(pairs, axis=1, prepend=-1), axis=0)  # slot of a word in its row
        row_of_word, numbers = pairs[:, is_first]
        splits = np.searchsorted(row_of_word, np.arange(len(rows.lengths) + 1))
        here = [words[number] for number in numbers]
        for prefix, part in self.parts.items():
            room = part.frame.room(part.max_seq_length, 1)
            pieces = fit(pieces_of(part.tokenizer, here, room), splits, room)
            rows.apart[prefix] = part.pack_words(pieces, here, splits)
            places = np.zeros(len(word_of_slot), np.int32)
            places[there] = _first_places(part, pieces, splits)[np.cumsum(is_first) - 1]
            rows.values[prefix + PLACES] = places
        return rows


def _of_part(prefix, feature):
    """The Feature of a part's row: its axes are apart from those of the shared one."""
    axes = tuple(axis if isinstance(axis, int) else prefix + axis.replace("tokens", "pieces") for axis in feature.axes)
    return dataclasses.replace(feature, axes=axes)


def _first_places(layout, pieces, splits):
    """int64 [words]: where the first piece of each word stands in its row, from 1."""
    ends = row_splits_of(pieces, splits)
    before = pieces.splits[:-1] - np.repeat(ends[:-1], np.diff(splits))  # pieces of earlier words
    return before + len(layout.frame.before) + 1
