"""Sentences that are words already, laid out for an encoder: where the first piece of each word stands."""

import numpy as np

from bertline import registry
from bertline.processors.layouts.base import Layout
from bertline.processors.layouts.pieces import Pieces, pieces_of
from bertline.processors.records.feature_spec import Feature

EXAMPLES_AT_ONCE = 1024


@registry.register("layout", "words")
class Words(Layout):
    """The words of a TaggedWords between the special tokens of the encoder's own layout.

    A sentence longer than a row is several rows, which overlap: each row answers for the words that have the most
    context in it, so that each word is answered for once. `word_positions` are the first pieces of these words, and
    `first_word` is the number of the first of them in the sentence. A word without a piece is one unknown token, or
    one of padding where the vocabulary has none. Where a sentence leaves room in its row, words of the document stand
    around it, as many on both sides as there are.

    Args:
      own: the encoder's own layout, for one text.
    """

    name, makes_parts, is_over_own, cuts_texts = "words", True, True, False

    def __init__(self, own):
        self.own = own
        self.tokenizer, self.max_seq_length = own.tokenizer, own.max_seq_length
        self.spec = {
            **own.spec,
            "word_positions": Feature("int32", ("words",), points_into="tokens"),
            "word_mask": Feature("int32", ("words",), absent=1),
            "first_word": Feature("int32", absent=0),
        }

    def check(self, examples):
        self.own.check(examples)

    def fingerprint(self):
        return [self.name, *self.own.fingerprint()]

    def features(self, examples):
        """Yields a list of rows per TaggedWords."""
        for start in range(0, len(examples), EXAMPLES_AT_ONCE):
            part = examples[start : start + EXAMPLES_AT_ONCE]
            # No word has fewer pieces than one, so that more context than this never has room.
            around = [(one.before[-self._room :], one.after[: self._room]) for one in part]
            words = [(*before, *one.words, *after) for one, (before, after) in zip(part, around)]
            pieces = pieces_of(self.tokenizer, [word for sentence in words for word in sentence], self._room)
            ends = np.cumsum([len(sentence) for sentence in words])
            for one, sentence, (before, _), end in zip(part, words, around, ends):
                splits = pieces.splits[end - len(sentence) : end + 1]
                yield self._rows(Pieces(pieces.ids, splits), sentence, len(before), len(one.words))

    @property
    def _room(self):
        return self.own.frame.room(self.max_seq_length, 1)

    def _rows(self, pieces, words, before, count):
        """The rows of a sentence of `count` words, behind `before` words of its document."""
        sentence = pieces.splits[before : before + count + 1]
        spare = self._room - int(sentence[-1] - sentence[0])
        if spare < 0:
            windows = [
                tuple(before + place for place in window)
                for window in windows_of_words(sentence - sentence[0], self._room)
            ]
        else:
            windows = [(*words_around(pieces.splits, before, before + count, spare), before, before + count)]
        return [self._row(pieces, words, before, *window) for window in windows]

    def _row(self, pieces, words, before, first, end, answers_from, answers_to):
        """One row: the words first to end, which answers for the words answers_from to answers_to."""
        splits = pieces.splits[first : end + 1]
        here = Pieces(pieces.ids[splits[0] : splits[-1]], splits - splits[0])
        rows = self.own.pack_words(here, words[first:end])
        positions = pieces.splits[answers_from:answers_to] - splits[0] + len(self.own.frame.before)
        row = {**rows.row(0), "word_positions": positions.astype(np.int32)}
        return {**row, "first_word": np.int32(answers_from - before)} if answers_from > before else row


def words_around(splits, first, end, spare):
    """(first, end) of the words that stand around the words first to end, in no more than `spare` pieces.

    Each side gets half of them, and what the other one leaves.
    """
    before, after = splits[first] - splits[0], splits[-1] - splits[end]
    left = min(before, max(spare // 2, spare - after))
    start = int(np.searchsorted(splits, splits[first] - left, side="left"))
    right = spare - (splits[first] - splits[start])
    return start, int(np.searchsorted(splits, splits[end] + right, side="right")) - 1


def windows_of_words(splits, room):
    """Windows over words, each of `room` pieces at most: list of (first word, end, answers from, answers to).

    Windows begin about half a row apart; in the middle of an overlap both windows give a word as much context.

    Args:
      splits: int64 [words + 1], where each word begins, in pieces.
    """
    count, windows, first = len(splits) - 1, [], 0
    while True:
        end = int(np.searchsorted(splits, splits[first] + room, side="right")) - 1
        windows.append((first, end))
        if end == count:
            break
        half = int(np.searchsorted(splits, splits[first] + room // 2, side="left"))
        first = max(first + 1, min(half, end))
    borders = [0, *((after[0] + before[1] + 1) // 2 for before, after in zip(windows, windows[1:])), count]
    return [(*window, *answered) for window, answered in zip(windows, zip(borders, borders[1:]))]
