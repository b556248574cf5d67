"""Questions and the text that may answer them, laid out for an encoder: a window of the text in each row.

Source: google-research/bert, `run_squad.py:convert_examples_to_features`.
"""

import dataclasses

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.answering.context_words import context_words
from bertline.processors.answering.token_offsets import token_offsets
from bertline.processors.layouts.base import Layout

# Question, window and three special tokens: fewer tokens than this leave no room for a text.
LEAST_ROOM = 8


@dataclasses.dataclass(frozen=True)
class ContextPieces:
    """The pieces of a context.

    Attributes:
      ids: int32 [pieces].
      words: list of str, the words of the context.
      word_of_piece: int64 [pieces].
      offsets: int64 [pieces, 2], the first character of each in the context and the one after its last.
    """

    ids: np.ndarray
    words: list
    word_of_piece: np.ndarray
    offsets: np.ndarray

    def of_answer(self, answer):
        """(first, last) piece that has characters of an Answer; () where none has."""
        begins, ends = self.offsets[:, 0], self.offsets[:, 1]
        inside = np.flatnonzero((ends > answer.start) & (begins < answer.start + len(answer.text)))
        return (int(inside[0]), int(inside[-1])) if answer.start >= 0 and len(inside) else ()


def context_pieces(context, tokenizer):
    """The ContextPieces of a text, each word of which is cut by itself."""
    words = context_words(context)
    ids, splits = tokenizer.encode_batch(words.words) if words.words else _NOTHING
    offsets = [np.zeros([0, 2], np.int64)]
    for word, start, first, end in zip(words.words, words.starts, splits, splits[1:]):
        offsets.append(start + token_offsets(word, tokenizer.convert_ids_to_tokens(ids[first:end]), tokenizer))
    word_of_piece = np.repeat(np.arange(len(words.words)), np.diff(splits))
    return ContextPieces(ids, words.words, word_of_piece, np.concatenate(offsets))


_NOTHING = np.zeros(0, np.int32), np.zeros(1, np.int64)


@registry.register("layout", "questions")
class QuestionWindows(Layout):
    """[CLS] question [SEP] window of the context [SEP], by the template of the encoder's own layout for two texts.

    A row has beside its features what leads back to the text: `words` of the context; `word_of_token` int64 [tokens],
    -1 outside of the window; `offsets` int64 [tokens, 2], the characters of the context that a token stands for, -1
    outside of the window; `has_most_context` bool [tokens], whether no other window gives a token more of it; and
    `answer`, the first and last token with characters of the first right answer, (0, 0) where it does not lie in the
    window, None where none is known.

    Where an answer begins or ends inside a piece, the whole piece belongs to it, as in the scripts of `transformers`;
    the original takes the whole word.

    Args:
      own: the encoder's own layout.
      doc_stride: pieces from the begin of a window to that of the next.
      max_query_length: pieces of a question that are read.
    """

    name, makes_parts, is_over_own, cuts_texts = "questions", True, True, False

    def __init__(self, own, doc_stride=128, max_query_length=64):
        self.own, self.doc_stride, self.max_query_length = own, doc_stride, max_query_length
        self.tokenizer, self.max_seq_length, self.spec = own.tokenizer, own.max_seq_length, own.spec
        if not own.packs_ids:
            raise InputError(
                f"questions in a text are ids of tokens alone; the layout {own.name} of this encoder reads words, too: "
                "leave the part with characters, or with a prefix, out of the configuration"
            )
        if max_query_length + LEAST_ROOM > self.max_seq_length:
            raise InputError(
                f"--max_seq_length={self.max_seq_length} has no room for a question of --max_query_length="
                f"{max_query_length} and a window of the text; raise the first or lower the second"
            )

    def check(self, examples):
        self.own.check(examples)

    def config_entries(self):
        """See base class."""
        return {"question_windows": {"doc_stride": self.doc_stride, "max_query_length": self.max_query_length}}

    @classmethod
    def saved_options(cls, config, max_seq_length):
        """See base class. Without an entry windows overlap by half at least, and half a row is left for the text."""
        said = config.get("question_windows")
        half = max(1, max_seq_length // 2)
        if said is None:
            return {"doc_stride": min(128, half), "max_query_length": min(64, max(1, half - LEAST_ROOM))}
        names = {"doc_stride", "max_query_length"}
        is_whole = isinstance(said, dict) and said.keys() == names
        if not is_whole or any(type(number) is not int or number < 1 for number in said.values()):
            raise InputError(
                f"question_windows is {json_files.excerpt(said)}; {' and '.join(sorted(names))} above 0 are needed"
            )
        return said

    def fingerprint(self):
        return [self.name, self.doc_stride, self.max_query_length, *self.own.fingerprint()]

    def features(self, examples):
        """Yields a list of rows per Question, a window each."""
        context, pieces = None, None
        for example in examples:
            if example.context != context:  # several questions are asked about one text
                context, pieces = example.context, context_pieces(example.context, self.tokenizer)
            yield self._rows(example, pieces)

    def _rows(self, example, pieces):
        question, _ = self.tokenizer.encode_batch([example.question])
        question = question[: self.max_query_length]
        count = len(pieces.ids)
        windows = _windows(count, self.own.frame.room(self.max_seq_length, 2) - len(question), self.doc_stride)
        best = _best_windows(windows, count)
        answer = None if example.label is None else _first_place(example.label, pieces)
        return [
            self._row(pieces, question, first, length, best[first : first + length] == number, answer)
            for number, (first, length) in enumerate(windows)
        ]

    def _row(self, pieces, question, first, length, is_best, answer):
        window = slice(first, first + length)
        rows = self.own.pack((question, np.array([0, len(question)])), (pieces.ids[window], np.array([0, length])))
        total = int(rows.row_splits[-1])
        place = total - length - len(self.own.frame.after) if length else total
        word_of_token, offsets = np.full(total, -1), np.full([total, 2], -1)
        has_most_context, there = np.zeros(total, bool), slice(place, place + length)
        word_of_token[there], offsets[there] = pieces.word_of_piece[window], pieces.offsets[window]
        has_most_context[there] = is_best
        return {
            **rows.values,
            "words": pieces.words,
            "word_of_token": word_of_token,
            "offsets": offsets,
            "has_most_context": has_most_context,
            "answer": _in_window(answer, first, length, place),
        }


def _first_place(label, pieces):
    """(first, last) piece of the first answer that has a place; () where none has."""
    return next(filter(None, map(pieces.of_answer, label)), ())


def _windows(count, room, stride):
    """(first piece, pieces) of each window; one that is empty where there is no piece."""
    windows, first = [], 0
    while first < count:
        length = min(room, count - first)
        windows.append((first, length))
        if first + length == count:
            break
        first += min(length, stride)
    return windows or [(0, 0)]


def _best_windows(windows, count):
    """int64 [count]: the window in which each piece has most context; of equal ones the first."""
    best, highest = np.zeros(count, np.int64), np.full(count, -np.inf)
    for number, (first, length) in enumerate(windows):
        there, left = slice(first, first + length), np.arange(length)
        scores = np.minimum(left, left[::-1]) + 0.01 * length
        is_better = scores > highest[there]
        best[there][is_better], highest[there][is_better] = number, scores[is_better]
    return best


def _in_window(answer, first, length, place):
    if answer is None:
        return None
    if answer == () or not (answer[0] >= first and answer[1] < first + length):
        return 0, 0
    return answer[0] - first + place, answer[1] - first + place
