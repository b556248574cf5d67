"""The layouts of this folder as operations of a TensorFlow graph: ids of texts -> a batch of features."""

import tensorflow as tf

from bertline.processors.layouts.truncation import FIRST, LONGEST


def pack(layout, first, second=None):
    """One text or two with special tokens around them; a second text of which no token is left is none.

    Args:
      layout: bertline.processors.layouts.packed.Packed.
      first, second: RaggedTensor int32 [n, tokens].

    Returns:
      input_ids, input_mask, segment_ids: int32 [n, T].
    """
    length_a = first.row_lengths()
    length_b = second.row_lengths() if second is not None else tf.zeros_like(length_a)
    paired = tf.cast(length_b > 0, tf.int64)
    frame, longest = layout.frame, layout.max_seq_length
    truncation = layout.truncation
    kept_a, kept_b = _truncate_lengths(truncation, length_a, length_b, frame.room(longest, 1 + paired))
    paired = tf.cast(kept_b > 0, tf.int64)  # nothing may be left of b
    always = tf.ones_like(paired)
    parts = [*_special(frame.before, always), cut(truncation, first, kept_a)]
    if second is not None:
        parts += [*_special(frame.between, paired), cut(truncation, second, kept_b)]
    ids = tf.concat([*parts, *_special(frame.after, always)], axis=1)
    lengths = ids.row_lengths()
    input_ids = ids.to_tensor()
    # Where there are no special tokens all rows may be empty; an encoder gets a place of padding then.
    input_ids = tf.pad(input_ids, [[0, 0], [0, tf.maximum(1 - tf.shape(input_ids)[1], 0)]])
    place = tf.range(tf.shape(input_ids, tf.int64)[1])[None]
    real = place < lengths[:, None]
    of_second = (paired[:, None] > 0) & (place >= len(frame.before) + kept_a[:, None] + len(frame.between))
    return {
        "input_ids": input_ids,
        "input_mask": tf.cast(real, tf.int32),
        "segment_ids": tf.cast(real & of_second, tf.int32) * layout.tokenizer.second_segment_id,
    }


def _truncate_lengths(truncation, length_a, length_b, limit):
    """As `bertline.processors.layouts.truncation.Truncation.lengths`."""
    over = tf.maximum(tf.zeros_like(length_a), length_a + length_b - limit)
    if truncation.text != LONGEST:
        of_a = tf.minimum(over, length_a) if truncation.text == FIRST else over - tf.minimum(over, length_b)
        return length_a - of_a, length_b - (over - of_a)
    from_a = tf.minimum(over, tf.nn.relu(length_a - length_b))
    from_b = tf.minimum(over, tf.nn.relu(length_b - length_a))
    over = over - from_a - from_b
    return length_a - from_a - over // 2, length_b - from_b - (over + 1) // 2


def _special(numbers, counts):
    """Yields each of the numbers so many times in each row, 0 or 1."""
    for number in numbers:
        values = tf.fill([tf.reduce_sum(counts)], tf.constant(number, tf.int32))
        yield tf.RaggedTensor.from_row_lengths(values, counts, validate=False)


def cut(truncation, ids, kept):
    """As `bertline.processors.layouts.truncation.Truncation.cut`: RaggedTensor int32 [n, kept].

    Args:
      ids: RaggedTensor int32 [n, tokens]. kept: int64 [n].
    """
    head = truncation.head_of(kept)
    place = tf.ragged.range(kept)
    row = place.value_rowids()
    behind = tf.where(place.values < tf.gather(head, row), 0 * place.values, tf.gather(ids.row_lengths() - kept, row))
    return place.with_values(tf.gather(ids.values, tf.gather(ids.row_starts(), row) + place.values + behind))
