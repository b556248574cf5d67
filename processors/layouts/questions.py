"""Questions and the text that may answer them, laid out for an encoder: a window of the text in each row.

Source: google-research/bert, `run_squad.py:convert_examples_to_features`.
"""

import numpy as np

import registry
from errors import InputError
from processors.context_words import context_words
from processors.layouts.base import Layout

# Question, window and three special tokens: fewer tokens than this leave no room for a text.
LEAST_ROOM = 8


@registry.register("layout", "questions")
class QuestionWindows(Layout):
    """[CLS] question [SEP] window of the context [SEP], by the template of the encoder's own layout for two texts.

    A row has beside its features what leads back to the text: `words` of the context; `word_of_token` int64 [tokens],
    -1 outside of the window; `has_most_context` bool [tokens], whether no other window gives a token more of it; and
    `answer`, the first and last token of the first right answer, (0, 0) where it does not lie in the window, None where
    none is known.

    Args:
      own: the encoder's own layout.
      doc_stride: pieces from the begin of a window to that of the next.
      max_query_length: pieces of a question that are read.
    """

    name, makes_parts, is_over_own = "questions", True, True

    def __init__(self, own, doc_stride=128, max_query_length=64):
        self.own, self.doc_stride, self.max_query_length = own, doc_stride, max_query_length
        self.tokenizer, self.max_seq_length, self.spec = own.tokenizer, own.max_seq_length, own.spec
        if max_query_length + LEAST_ROOM > self.max_seq_length:
            raise InputError(
                f"--max_seq_length={self.max_seq_length} has no room for a question of --max_query_length="
                f"{max_query_length} and a window of the text; raise the first or lower the second"
            )

    def check(self, examples):
        self.own.check(examples)

    def fingerprint(self):
        return [self.name, self.doc_stride, self.max_query_length, *self.own.fingerprint()]

    def features(self, examples):
        """Yields a list of rows per Question, a window each."""
        context, words, first_pieces, pieces = None, None, None, None
        for example in examples:
            if example.context != context:  # several questions are asked about one text
                context, words = example.context, context_words(example.context)
                ids, splits = self.tokenizer.encode_batch(words.words) if words.words else _NOTHING
                first_pieces, pieces = splits, ids
            yield self._rows(example, words, pieces, first_pieces)

    def _rows(self, example, words, ids, splits):
        question, _ = self.tokenizer.encode_batch([example.question])
        question = question[: self.max_query_length]
        word_of_piece = np.repeat(np.arange(len(words.words)), np.diff(splits))
        room = self.own.frame.room(self.max_seq_length, 2) - len(question)
        windows = _windows(len(ids), room, self.doc_stride)
        best = _best_windows(windows, len(ids))
        answer = None if example.label is None else self._answer_pieces(example.label, words, ids, splits)
        return [
            self._row(words.words, question, ids[first : first + length], first, word_of_piece, best == number, answer)
            for number, (first, length) in enumerate(windows)
        ]

    def _row(self, words, question, window, first, word_of_piece, is_best, answer):
        rows = self.own.pack((question, np.array([0, len(question)])), (window, np.array([0, len(window)])))
        total, length = int(rows.row_splits[-1]), len(window)
        offset = total - length - len(self.own.frame.after) if length else total
        word_of_token, has_most_context = np.full(total, -1), np.zeros(total, bool)
        word_of_token[offset : offset + length] = word_of_piece[first : first + length]
        has_most_context[offset : offset + length] = is_best[first : first + length]
        return {
            **rows.values, "words": words, "word_of_token": word_of_token, "has_most_context": has_most_context,
            "answer": _in_window(answer, first, length, offset),
        }  # fmt: skip

    def _answer_pieces(self, label, words, ids, splits):
        """(first, last) piece of the first right answer; () where there is none."""
        span = words.span(label[0]) if label else None
        if span is None:
            return ()
        first, last = int(splits[span[0]]), int(splits[span[1] + 1]) - 1
        wanted, _ = self.tokenizer.encode_batch([label[0].text])
        return _narrowed(ids, first, last, wanted)


_NOTHING = np.zeros(0, np.int32), np.zeros(1, np.int64)


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
    places = np.arange(count)
    scores = np.full([len(windows), count], -np.inf)
    for number, (first, length) in enumerate(windows):
        inside = slice(first, first + length)
        left, right = places[inside] - first, first + length - 1 - places[inside]
        scores[number, inside] = np.minimum(left, right) + 0.01 * length
    return scores.argmax(axis=0) if count else places


def _narrowed(ids, first, last, wanted):
    """The first part of the pieces first to last that equals the answer's, the longest end first; else all of them.

    White space separates words only, so a word may be more than the answer: "(1895-1943)" and "1895".
    """
    for begin in range(first, last + 1):
        for end in range(last, begin - 1, -1):
            if end - begin + 1 == len(wanted) and np.array_equal(ids[begin : end + 1], wanted):
                return begin, end
    return first, last


def _in_window(answer, first, length, offset):
    if answer is None:
        return None
    if answer == () or not (answer[0] >= first and answer[1] < first + length):
        return 0, 0
    return answer[0] - first + offset, answer[1] - first + offset
