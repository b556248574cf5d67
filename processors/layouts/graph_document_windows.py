"""The layout `windows` as operations of a TensorFlow graph: ids of texts -> a batch of documents."""

import tensorflow as tf

from bertline.processors.layouts import graph_layouts
from bertline.processors.layouts.window_places import cuts_second
from bertline.processors.records.feature_spec import WINDOW_LENGTHS


def pack(layout, first, second=None):
    """What `bertline.processors.layouts.document_windows` and `window_places` make, padded.

    Args:
      layout: a DocumentWindows.
      first, second: RaggedTensor int32 [n, tokens].

    Returns:
      input_ids, input_mask, segment_ids: int32 [n, T]; window_lengths: int32 [n, W].
    """
    own, length_a = layout.own, first.row_lengths()
    length_b = second.row_lengths() if second is not None else tf.zeros_like(length_a)
    is_second = cuts_second(own.truncation, length_a, length_b)
    cut, whole = tf.where(is_second, length_b, length_a), tf.where(is_second, length_a, length_b)
    room = own.frame.room(layout.max_seq_length, 1 + tf.cast(length_b > 0, tf.int64))
    kept_whole = tf.minimum(whole, tf.maximum(room // 2, room - cut))
    room -= kept_whole
    stride = tf.maximum(
        tf.ones_like(room), room if layout.stride is None else tf.minimum(0 * room + layout.stride, room)
    )
    kept = tf.minimum(cut, room + (layout.max_windows - 1) * stride)
    counts = 1 + tf.nn.relu(kept - room + stride - 1) // stride
    document = tf.repeat(tf.range(tf.size(counts, tf.int64)), counts)
    begins = tf.ragged.range(counts).values * tf.gather(stride, document)
    lengths = tf.minimum(tf.gather(room, document), tf.gather(kept, document) - begins)

    def windows(ids, moves):
        """RaggedTensor [windows, tokens] of one text of each document; moves: bool [n], whether it is cut."""
        remaining = graph_layouts.cut(own.truncation, ids, tf.where(moves, kept, kept_whole))
        moves = tf.gather(moves, document)
        starts = tf.gather(remaining.row_starts(), document) + tf.where(moves, begins, tf.zeros_like(begins))
        places = tf.ragged.range(starts, starts + tf.where(moves, lengths, tf.gather(kept_whole, document)))
        return places.with_values(tf.gather(remaining.values, places.values))

    rows = graph_layouts.pack(own, windows(first, ~is_second), None if second is None else windows(second, is_second))
    return _join(rows, counts, document)


def _join(rows, counts, document):
    """Rows of windows as rows of documents."""
    real = rows["input_mask"] > 0
    sizes = tf.reduce_sum(tf.cast(real, tf.int64), axis=1)
    totals = tf.math.segment_sum(sizes, document)

    def of_documents(values, lengths):
        return tf.RaggedTensor.from_row_lengths(values, lengths, validate=False).to_tensor()

    found = {name: of_documents(tf.boolean_mask(values, real), totals) for name, values in rows.items()}
    return {**found, WINDOW_LENGTHS: of_documents(tf.cast(sizes, tf.int32), counts)}
