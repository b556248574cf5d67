"""The layout `questions` as operations of a TensorFlow graph: questions and contexts -> a batch of windows."""

import typing

import tensorflow as tf

from bertline.errors import InputError
from bertline.processors.tokenizers.graph.graph_word_places import GraphWordPlaces


class Windows(typing.NamedTuple):
    """Rows of windows, R of n questions.

    Attributes:
      features: name -> int32 [R, T], what an encoder reads.
      question: int64 [R], the number of the question that a window is of.
      begin: int64 [R], the token of a row at which its window begins.
      starts, ends: RaggedTensor int32 [R, pieces], the characters of the context that each piece stands for.
      has_most_context: RaggedTensor bool [R, pieces], whether no other window gives a piece more of it.
    """

    features: dict
    question: tf.Tensor
    begin: tf.Tensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor
    has_most_context: tf.RaggedTensor


class GraphQuestionRows:
    """string [n] of questions and of contexts -> Windows.

    Args:
      layout: bertline.processors.layouts.questions.QuestionWindows.

    Attributes:
      resources: what a SavedModel has to keep hold of.

    Raises:
      InputError: a tokenizer or a layout that no graph knows.
    """

    def __init__(self, layout):
        tokenizer = layout.tokenizer
        if not tokenizer.cuts_words:
            raise InputError(
                f"a reader of answers with a tokenizer of the kind {tokenizer.kind} cannot be put into a graph, which "
                "finds places of words; use serving.Predictor"
            )
        self._layout, self._places = layout, GraphWordPlaces()
        self._tokenize, self._pack = tokenizer.graph_form(), layout.own.graph_form()
        surfaces = [tokenizer.surface(tokenizer.inv_vocab.get(i, "")) for i in range(tokenizer.vocab_size)]
        self._lengths = tf.constant([-1 if one is None else len(one) for one in surfaces], tf.int32)
        self.resources = self._tokenize.resources

    def __call__(self, questions, contexts):
        layout = self._layout
        asked = self._tokenize(questions)[:, : layout.max_query_length]
        words, starts, ends = self._places(contexts)
        pieces = self._tokenize(words.values)  # [all words, pieces]
        first, last = self._piece_places(pieces, starts.values, ends.values)
        splits = tf.gather(pieces.row_splits, words.row_splits)  # of the pieces of each context
        count = splits[1:] - splits[:-1]
        room = layout.own.frame.room(layout.max_seq_length, 2) - asked.row_lengths()
        stride = tf.minimum(tf.constant(layout.doc_stride, tf.int64), room)
        number = 1 + tf.maximum(count - room + stride - 1, 0) // stride  # of windows
        question = tf.repeat(tf.range(tf.size(count, tf.int64)), number)
        begin = tf.ragged.range(number).values * tf.gather(stride, question)
        length = tf.minimum(tf.gather(room, question), tf.gather(count, question) - begin)
        base = tf.gather(splits, question)
        slots = tf.ragged.range(base + begin, base + begin + length)  # [R, pieces]
        features = self._pack(tf.gather(asked, question), slots.with_values(tf.gather(pieces.values, slots.values)))
        total = tf.reduce_sum(tf.cast(features["input_mask"], tf.int64), axis=1)
        place = total - tf.where(length > 0, length + len(layout.own.frame.after), 0)
        return Windows(
            features,
            question,
            place,
            *(slots.with_values(tf.gather(one, slots.values)) for one in (first, last)),
            slots.with_values(_has_most_context(slots, begin, length, tf.size(pieces.values, tf.int64))),
        )

    def _piece_places(self, pieces, starts, ends):
        """int32 [all pieces], the first character of each, and the one after its last.

        Where the characters of a word are more or fewer than its pieces have, all of it is each piece's.
        """
        word = pieces.value_rowids()
        sizes = pieces.with_values(tf.gather(self._lengths, pieces.values))
        fits = (tf.reduce_sum(sizes, axis=1) == ends - starts) & (tf.reduce_min(sizes, axis=1) > 0)
        sums = tf.cumsum(sizes.values)
        before = tf.gather(tf.concat([[0], sums], axis=0), tf.gather(pieces.row_splits, word))
        end = tf.gather(starts, word) + sums - before
        is_exact = tf.gather(fits, word)
        return (
            tf.where(is_exact, end - sizes.values, tf.gather(starts, word)),
            tf.where(is_exact, end, tf.gather(ends, word)),
        )


def _has_most_context(slots, begin, length, count):
    """bool [all pieces of all windows]: of windows that give a piece equally much the first."""
    row = slots.value_rowids()
    left = slots.values - tf.gather(slots.values, tf.gather(slots.row_splits, row))
    right = tf.gather(length, row) - 1 - left
    # Hundredths, so that whole numbers say which is more.
    score = 100 * tf.minimum(left, right) + tf.gather(length, row)
    best = tf.math.unsorted_segment_max(score, slots.values, count)
    is_best = score == tf.gather(best, slots.values)
    order = tf.range(tf.size(row, tf.int64))
    first = tf.math.unsorted_segment_min(tf.where(is_best, order, tf.size(row, tf.int64)), slots.values, count)
    return order == tf.gather(first, slots.values)
