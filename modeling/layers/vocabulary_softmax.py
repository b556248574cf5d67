"""Cross-entropy over a vocabulary, from hidden rows and the table of word embeddings, without its usual detours.

The logits [N, V] are by far the largest array of a language model's step. TensorFlow's own road writes and reads it
about ten times: to float32, plus bias, the loss and its gradient, times the upstream gradient, back to half precision,
and sums for the bias. Here the softmax is written once, in the rows' precision (its sums are in float32 inside); the
upstream gradient multiplies the rows [N, H], and the bias's gradient is a column of the table's product.
"""

import tensorflow as tf

TINY = 1e-30  # the smallest probability whose logarithm is taken, in float32
COLUMNS_FOR_BIAS = 32  # one is used; the others keep the width a multiple that matrix kernels like


def logits(rows, table, bias):
    """rows [N, H], table [V, H], bias float32 [V] -> [N, V] in the rows' precision."""
    return tf.matmul(rows, tf.cast(table, rows.dtype), transpose_b=True) + tf.cast(bias, rows.dtype)


def cross_entropy(rows, table, bias, labels):
    """Loss of each row, and whether its label is the most likely one.

    Args:
      rows: [N, H]. table: float32 [V, H]. bias: float32 [V]. labels: int32 [N].

    Returns:
      losses float32 [N] (at most 69, but for float16); is_highest float32 [N], 1 where no other probability is above.
    """

    @tf.custom_gradient
    def apply(rows, table, bias):
        scores = logits(rows, table, bias)
        probabilities = tf.nn.softmax(scores)  # [N, V]
        own, highest = tf.gather(probabilities, labels, batch_dims=1), tf.reduce_max(probabilities, axis=1)
        is_highest = tf.cast(own >= highest, tf.float32)
        if rows.dtype == tf.float16:  # whose smallest numbers are too large for probabilities
            above = tf.cast(tf.reduce_max(scores, axis=1) - tf.gather(scores, labels, batch_dims=1), tf.float32)
            losses = above - tf.math.log(tf.cast(highest, tf.float32))
        else:
            losses = -tf.math.log(tf.cast(own, tf.float32) + TINY)

        def gradient(upstream, _):
            places = tf.stack([tf.range(tf.size(labels)), labels], axis=1)
            # Of the logits, but for the factor `upstream` of each row.
            slope = tf.tensor_scatter_nd_sub(probabilities, places, tf.ones_like(own))
            factor = tf.cast(upstream[:, None], rows.dtype)
            ones = tf.pad(factor, [[0, 0], [0, COLUMNS_FOR_BIAS - 1]])
            joint = tf.matmul(slope, tf.concat([rows * factor, ones], axis=1), transpose_a=True)  # [V, H + 32]
            width = tf.shape(rows)[1]
            return factor * tf.matmul(slope, table), joint[:, :width], tf.cast(joint[:, width], tf.float32)

        return (losses, is_highest), gradient

    return apply(rows, tf.cast(table, rows.dtype), tf.convert_to_tensor(bias))
