"""Dropout whose masks are a pure function of a seed: the same run, the same weights; each replica its own masks."""

import tensorflow as tf


class DropoutKey:
    """A source of seeds for one training step. Each `dropout` that is traced takes the next one.

    Args:
      seed: int32 [2]. Two keys of the same seed give the same masks.
    """

    def __init__(self, seed):
        self.seed = seed
        self._count = 0

    @classmethod
    def fresh(cls):
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
    # 16 random bits decide about each element: half the work of a float each, the rate right to 2^-17.
    size = tf.size(x)
    drawn = tf.random.stateless_uniform([(size + 1) // 2], key.next_seed(), minval=None, maxval=None, dtype=tf.uint32)
    bits = tf.reshape(tf.reshape(tf.bitcast(drawn, tf.uint16), [-1])[:size], tf.shape(x))
    mask = tf.cast(bits >= round(rate * 65536), x.dtype) * tf.cast(1.0 / (1.0 - rate), x.dtype)
    return x * mask
