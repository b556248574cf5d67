"""The layouts of `processors.layouts` as operations of a TensorFlow graph: ids of texts -> a batch of features."""

import tensorflow as tf

from errors import InputError


def packed(tokenizer, max_seq_length, first, second=None):
    """[CLS] a [SEP] or [CLS] a [SEP] b [SEP]; a second text of which no token is left is none.

    Args:
      tokenizer: its cls_id, sep_id and second_segment_id are used.
      first, second: RaggedTensor int32 [n, tokens].

    Returns:
      input_ids, input_mask, segment_ids: int32 [n, T].
    """
    length_a = first.row_lengths()
    length_b = second.row_lengths() if second is not None else tf.zeros_like(length_a)
    paired = tf.cast(length_b > 0, tf.int64)
    kept_a, kept_b = _truncated_lengths(length_a, length_b, max_seq_length - 2 - paired)
    paired = tf.cast(kept_b > 0, tf.int64)  # nothing may be left of b
    parts = [_special(tokenizer.cls_id, tf.ones_like(paired)), _cut(first, kept_a, max_seq_length)]
    parts.append(_special(tokenizer.sep_id, tf.ones_like(paired)))
    if second is not None:
        parts += [_cut(second, kept_b, max_seq_length), _special(tokenizer.sep_id, paired)]
    ids = tf.concat(parts, axis=1)
    lengths = ids.row_lengths()
    input_ids = ids.to_tensor()
    place = tf.range(tf.shape(input_ids, tf.int64)[1])[None]
    real = place < lengths[:, None]
    return {
        "input_ids": input_ids,
        "input_mask": tf.cast(real, tf.int32),
        "segment_ids": tf.cast(real & (place >= kept_a[:, None] + 2), tf.int32) * tokenizer.second_segment_id,
    }


def _truncated_lengths(length_a, length_b, limit):
    """As `processors.layouts.truncated_lengths`."""
    over = tf.maximum(tf.zeros_like(length_a), length_a + length_b - limit)
    from_a = tf.minimum(over, tf.nn.relu(length_a - length_b))
    from_b = tf.minimum(over, tf.nn.relu(length_b - length_a))
    over = over - from_a - from_b
    return length_a - from_a - over // 2, length_b - from_b - (over + 1) // 2


def _special(number, counts):
    """`number` so many times in each row."""
    values = tf.fill([tf.reduce_sum(counts)], tf.constant(number, tf.int32))
    return tf.RaggedTensor.from_row_lengths(values, counts, validate=False)


def _cut(ids, kept, longest):
    """The first `kept` of each row."""
    return tf.RaggedTensor.from_tensor(ids[:, :longest].to_tensor(), lengths=kept)


_LAYOUTS = {"packed": packed}


def get(name):
    """The function of a layout. Raises InputError for one that no graph knows."""
    if name not in _LAYOUTS:
        raise InputError(f"the layout {name} of this encoder cannot be put into a graph; known: {', '.join(_LAYOUTS)}")
    return _LAYOUTS[name]
