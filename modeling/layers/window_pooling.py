"""The vectors of a document's windows become one: their mean, their largest numbers, or a mean by learned weights.

Source: mean, max and attention over fractions of a document as in Sun et al. 2019, https://arxiv.org/abs/1905.05583,
section 5.3.1 (hierarchical methods); the weight of a window is the softmax of a learned product, as in Yang et al.
2016, https://aclanthology.org/N16-1174, equation 9, without its hidden layer.
"""

import keras
import tensorflow as tf


class WindowPooling(keras.layers.Layer):
    """float32 [B, W, H] and which of the windows are there, bool [B, W], one of each document at least -> [B, H].

    Args:
      kind: "mean", "max" or "learned", which begins as the mean.
      width: H.
    """

    def __init__(self, kind, width):
        # In any precision of the encoder: there are few of these numbers.
        super().__init__(name="window_pooling", dtype="float32")
        self._pool = {"mean": _mean, "max": _largest, "learned": self._learned_mean}[kind]
        if kind == "learned":
            self.window_weights = self.add_weight(name="window_weights", shape=(width,), initializer="zeros")
        self.built = True

    def call(self, vectors, mask):
        return self._pool(vectors, mask)

    def _learned_mean(self, vectors, mask):
        scores = tf.linalg.matvec(vectors, self.window_weights)  # [B, W]
        shares = tf.nn.softmax(tf.where(mask, scores, scores.dtype.min))
        return tf.reduce_sum(vectors * shares[:, :, None], axis=1)


def _mean(vectors, mask):
    kept = tf.cast(mask, vectors.dtype)
    return tf.reduce_sum(vectors * kept[:, :, None], axis=1) / tf.reduce_sum(kept, axis=1, keepdims=True)


def _largest(vectors, mask):
    return tf.reduce_max(tf.where(mask[:, :, None], vectors, vectors.dtype.min), axis=1)
