"""A pool of texts -> rows for the encoder, and what it takes to find texts and words in them again."""

import itertools
import re

import numpy as np

from bertline.errors import InputError
from bertline.processors.records.ragged import slots
from bertline.processors.tagging.word_offsets import split_words
from bertline.serving.encoder.windows import Windows

# What ends a word for BERT's tokenizer: a word by itself has the same tokens as in its text.
_BETWEEN_WORDS = re.compile("[ \t\n\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def words_of(text):
    """The words of a text, as white space separates them."""
    return [word for word in _BETWEEN_WORDS.split(text) if word]


def words_by_rules(text):
    """The words of a text as taggers of raw text find them: clitics and signs are words of their own."""
    return [text[start:end] for start, end in split_words(text)]


class Prepared:
    """A pool of n texts as rows: one each, or one for each window of a long text.

    Args:
      texts: list of str, or of pairs of str.
      layout: of bertline.processors.layouts.
      stride: of windows; None: long texts are cut.
      by_words: whether words are to be found again.

    Attributes:
      rows: bertline.processors.layouts.base.Rows.
      windows: None where every text is one row.
      cut: bool [n], whether tokens of the text were dropped.
      words: of all texts, list of str, and word_splits int64 [n + 1]; None without `by_words`,
        unless the layout reads words.
      word_of_slot: int64, for each slot of the rows the number of its word, -1 for special tokens; likewise.
    """

    def __init__(self, texts, layout, stride=None, by_words=False):
        self._layout = layout
        first = [text if isinstance(text, str) else text[0] for text in texts]
        second = ["" if isinstance(text, str) else text[1] for text in texts]
        second = second if any(second) else None
        self.words = self.word_splits = self.word_of_slot = None
        if by_words or not layout.packs_ids:
            find = words_of if by_words else words_by_rules
            a, b, word_numbers = self._by_words(first, second or [""] * len(texts), find)
        else:
            a, b = (layout.tokenizer.encode_batch(part) if part else None for part in (first, second))
        pairs = np.diff(b[1]) > 0 if b else np.zeros(len(texts), bool)
        room = layout.frame.room(layout.max_seq_length, 1)
        self.windows = None
        if stride and np.any(~pairs & (np.diff(a[1]) > room)):
            self.windows = Windows(a[1], layout.frame, room, stride, whole=pairs)
        self.rows = self._pack(a, b)
        self.cut = self.rows.cut
        if self.windows:
            self.cut = np.bincount(self.windows.text, self.rows.cut, len(texts)) > 0
        if self.words is not None:
            # Packed as if they were ids; below 0, so that no special token looks like one.
            numbers = self._pack(*((-1 - n, splits) for n, (_, splits) in zip(word_numbers, (a, b))))
            numbers = -1 - numbers.values["input_ids"].astype(np.int64)
            self.word_of_slot = np.maximum(numbers, -1)
            self.rows = layout.with_words(self.rows, self.words, self.word_of_slot)

    def _pack(self, a, b):
        if self.windows is None:
            return self._layout.pack(a, b)
        if b:
            lengths = np.diff(b[1])[self.windows.text]  # of a text of several windows 0
            b = b[0], np.concatenate([[0], np.cumsum(lengths)])
        return self._layout.pack(self.windows.ids(a[0]), b)

    def _by_words(self, first, second, find):
        """Tokens of the first and of the second texts, and for each token the number of its word."""
        added = self._layout.tokenizer.added_tokens
        if added and added.with_blanks:
            raise InputError(
                f"--unit=word: the added token {added.with_blanks[0]!r} reaches over words; ask for --unit=token"
            )
        rows = [[find(text) for text in part] for part in (first, second)]
        counts = np.array([[len(words) for words in part] for part in rows])  # [2, n]
        self.word_splits = np.concatenate([[0], np.cumsum(counts.sum(axis=0))])
        self.words = [word for pair in zip(*rows) for words in pair for word in words]
        starts = self.word_splits[:-1], self.word_splits[:-1] + counts[0]
        tokens, numbers = [], []
        for part, count, start in zip(rows, counts, starts):
            ids, splits = self._layout.tokenizer.encode_words(list(itertools.chain.from_iterable(part)))
            tokens.append((ids, splits[np.concatenate([[0], np.cumsum(count)])]))
            numbers.append(np.repeat(slots(start, count), np.diff(splits)))
        return *tokens, numbers
