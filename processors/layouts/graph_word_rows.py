"""The layout `words` as operations of a TensorFlow graph: words of sentences -> a batch of features."""

import tensorflow as tf


def word_rows(layout, tokenize, words):
    """A row for each sentence; words that find no room in it are not in it.

    Args:
      layout: bertline.processors.layouts.words.Words.
      tokenize: of its tokenizer's `graph_form`.
      words: RaggedTensor string [n, words].

    Returns:
      name -> int32 [n, T] and [n, W], of all that an encoder and a head of words read.
    """
    own, room = layout.own, layout.own.frame.room(layout.max_seq_length, 1)
    pieces = _one_at_least(tokenize(words.values)[:, :room], layout.tokenizer)
    lengths = words.with_values(pieces.row_lengths())  # [n, words]
    begins = lengths.with_values(_sums_before(lengths))
    fits = begins.values + lengths.values <= room
    splits = tf.gather(pieces.row_splits, words.row_splits)
    rows = tf.RaggedTensor.from_row_splits(pieces.values, splits, validate=False)
    kept = tf.reduce_sum(words.with_values(tf.where(fits, lengths.values, 0)), axis=1)
    features = own.graph_form()(tf.ragged.boolean_mask(rows, tf.ragged.range(rows.row_lengths()) < kept[:, None]))
    positions = tf.ragged.boolean_mask(begins, words.with_values(fits)) + len(own.frame.before)
    word_mask = tf.ones_like(positions)
    return {
        **features,
        "word_positions": _at_least_one(positions),
        "word_mask": _at_least_one(word_mask),
        "first_word": tf.zeros([words.nrows()], tf.int32),
    }


def _one_at_least(pieces, tokenizer):
    """A word without a piece is an unknown one."""
    unknown = tokenizer.pad_id if tokenizer.unk_id is None else tokenizer.unk_id
    lacks = tf.cast(pieces.row_lengths() == 0, tf.int64)
    filled = tf.fill([tf.reduce_sum(lacks)], tf.constant(unknown, tf.int32))
    return tf.concat([pieces, tf.RaggedTensor.from_row_lengths(filled, lacks, validate=False)], axis=1)


def _sums_before(lengths):
    """int64 [all words], the pieces that stand before each word of its sentence."""
    sums = tf.cumsum(lengths.values, exclusive=True)
    firsts = tf.gather(tf.concat([sums, tf.zeros([1], tf.int64)], axis=0), lengths.row_splits[:-1])
    return sums - tf.gather(firsts, lengths.value_rowids())


def _at_least_one(ragged):
    """int32 [n, W], W at least 1."""
    dense = tf.cast(ragged.to_tensor(), tf.int32)
    return tf.pad(dense, [[0, 0], [0, tf.maximum(1 - tf.shape(dense)[1], 0)]])
