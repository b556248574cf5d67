"""Cross-entropy over a sample of a vocabulary sorted by frequency: cost and memory do not grow with the vocabulary.

Source: Bengio & Senecal 2008, https://doi.org/10.1109/TNN.2007.912312; the distribution and its correction are those of
TensorFlow's `sampled_softmax_loss`, by which bilm-tf trains.
"""

import math
import typing

import numpy as np
import tensorflow as tf

from bertline.modeling.layers.dense import rows_of

HIT = -1e9  # what a sampled word that is the right one is lowered by


class Sample(typing.NamedTuple):
    """int32 [n] words, and how often each is expected to be drawn, as logarithms float32 [n]."""

    ids: tf.Tensor
    log_expected: tf.Tensor


class LogUniform:
    """Words of rank k with probability (log(k + 2) - log(k + 1)) / log(V + 1), as Zipf's law has them.

    Args:
      num_words: int, V.
      size: int, how many different words a sample has on average.
      unique: whether each word is once in a sample, whose size varies then; else it has `size` draws.
    """

    def __init__(self, num_words, size, unique=True):
        self.num_words, self.unique = num_words, unique
        self.draws = self._draws_for(min(size, num_words)) if unique else size

    def _draws_for(self, size):
        """The number of draws that give so many different words on average."""
        if size == self.num_words:
            size -= 0.5
        words = np.arange(self.num_words, dtype=np.float64)
        log_miss = np.log1p(-np.log1p(1.0 / (words + 1.0)) / math.log(self.num_words + 1.0))
        low, high = 1.0, 2.0
        while np.sum(-np.expm1(high * log_miss)) < size:
            low, high = high, 2.0 * high
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if np.sum(-np.expm1(middle * log_miss)) < size else (low, middle)
        return max(1, round(high))

    def draw(self, key):
        """A Sample that is a function of a DropoutKey."""
        uniform = tf.random.stateless_uniform([self.draws], key.next_seed(), dtype=tf.float32)
        ids = tf.cast(tf.exp(uniform * math.log(self.num_words + 1.0)), tf.int32) - 1
        ids = tf.clip_by_value(ids, 0, self.num_words - 1)
        if self.unique:
            ids, _ = tf.unique(ids)
        return Sample(ids, self.log_expected(ids))

    def log_expected(self, ids):
        """Logarithm of how often each of some words is expected in a sample, float32."""
        rank = tf.cast(ids, tf.float32) + 1.0
        probability = tf.math.log1p(1.0 / rank) / math.log(self.num_words + 1.0)
        if not self.unique:
            return tf.math.log(probability * self.draws)
        return tf.math.log(-tf.math.expm1(self.draws * tf.math.log1p(-probability)))


def cross_entropy(rows, table, bias, labels, sample, sampler):
    """Loss of each row among its own word and those of a sample.

    Args:
      rows: [N, H]. table: variable float32 [V, H], and bias, variable float32 [V]: single rows of them are read.
      labels: int32 [N]. sample: Sample. sampler: the LogUniform that drew it.

    Returns:
      float32 [N].
    """
    own = tf.cast(rows_of(table, labels), rows.dtype)
    right = tf.reduce_sum(tf.cast(rows * own, tf.float32), axis=1) + rows_of(bias, labels)
    right -= sampler.log_expected(labels)
    others = tf.matmul(rows, tf.cast(rows_of(table, sample.ids), rows.dtype), transpose_b=True)  # [N, n]
    others = tf.cast(others, tf.float32) + (rows_of(bias, sample.ids) - sample.log_expected)
    others = tf.where(tf.equal(labels[:, None], sample.ids[None]), HIT, others)
    return tf.reduce_logsumexp(tf.concat([right[:, None], others], axis=1), axis=1) - right
