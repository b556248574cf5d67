"""Dropout whose masks are a pure function of a seed: the same run, the same weights; each replica its own masks."""

import tensorflow as tf

from bertline.modeling.layers.dense import add_bias_in_training, column_sums
from bertline.modeling.speed.one_pass import one_pass


class DropoutKey:
    """A source of seeds for one training step. Each `dropout` that is traced takes the next one.

    Args:
      seed: int32 [2]. Two keys of the same seed give the same masks.
    """

    def __init__(self, seed):
        self.seed = seed
        self._count = 0

    @classmethod
    def draw(cls):
        """A key drawn from TensorFlow's global generator, for callers that do not care."""
        return cls(tf.random.uniform([2], maxval=2**31 - 1, dtype=tf.int32))

    def child(self, index):
        """A key of its own for part `index`, which may be traced again (rematerialisation) with the same result."""
        return DropoutKey(tf.random.experimental.stateless_fold_in(self.seed, index))

    def next_seed(self):
        # Hashed, not added: `child` puts its index into the seed's second number, so that sums of siblings would meet,
        # and neighbouring layers would draw the same masks.
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self.seed, self._count)


def dropout(x, rate, key):
    """Sets a share `rate` of x to 0 and scales the rest; `key` None means inference."""
    if key is None or rate == 0.0:
        return x
    bits = draw_bits(tf.size(x), key)

    @tf.custom_gradient
    def apply(x):
        def drop(array):
            return tf.reshape(_dropped(tf.reshape(array, [-1]), bits, rate=rate), tf.shape(array))

        return drop(x), drop

    return apply(x)


def same_mask(rows, rate, key):
    """Dropout of [B, T, H] whose mask is the same at all steps of a sequence.

    Source: Gal & Ghahramani 2015, https://arxiv.org/abs/1512.05287
    """
    if key is None or rate == 0.0:
        return rows
    shape = tf.shape(rows)
    return rows * dropout(tf.ones([shape[0], 1, shape[2]], rows.dtype), rate, key)


def residual(dense, inputs, rows, rate, key):
    """dropout(dense(inputs)) + rows, with bias, mask and sum in one pass.

    Args:
      dense: a Dense of a linear activation. inputs: [N, in]. rows: [N, units]. rate, key: see `dropout`.
    """
    if key is None:
        return dense(inputs) + rows
    kernel, bias = (tf.cast(weight, dense.compute_dtype) for weight in (dense.kernel, dense.bias))
    product = tf.matmul(inputs, kernel)
    if rate == 0.0:
        return add_bias_in_training(product, bias) + rows
    bits = tf.reshape(draw_bits(tf.size(product), key), tf.shape(product))

    @tf.custom_gradient
    def apply(product, bias, rows):
        def gradient(upstream):
            to_product = _dropped(upstream, bits, rate=rate)
            return to_product, column_sums(to_product), upstream

        return _drop_onto(product, bits, rows, bias=bias, rate=rate), gradient

    return apply(product, bias, rows)


def draw_bits(size, key):
    """uint16 [size]: 16 bits decide about an element, half the work of a float each, the rate right to 2^-17."""
    drawn = tf.random.stateless_uniform([(size + 1) // 2], key.next_seed(), minval=None, maxval=None, dtype=tf.uint32)
    return tf.reshape(tf.bitcast(drawn, tf.uint16), [-1])[:size]


def _drop(array, bits, rate):
    scale = tf.cast(1.0 / (1.0 - rate), array.dtype)
    return tf.where(bits >= round(rate * 65536), array * scale, tf.zeros([], array.dtype))


_dropped = one_pass(worth_padding=False)(_drop)


@one_pass(worth_padding=False)
def _drop_onto(product, bits, rows, bias, rate):
    return _drop(product + bias, bits, rate) + rows
