"""Weights of 8 bits in an export: a quarter of the bytes on disk and in memory, computed with in float32.

Source: Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 2.1, for weights alone and symmetric: a weight is
scale * an integer from -127 to 127.
"""

import keras
import numpy as np
import tensorflow as tf

SMALLEST = 1024  # numbers of a matrix that is worth it
LARGEST_INTEGER = 127


class Int8Weights:
    """The matrices among some variables, each as integers with a scale per unit, or per row of a table.

    Attributes:
      variables: tf.Variables: the integers, their scales, and what is no large matrix as it was.
      trainable_variables: those that were left as they were.

    Args:
      variables: Keras variables, float32.
    """

    def __init__(self, variables):
        large = [v for v in variables if len(v.shape) == 2 and np.prod(v.shape) >= SMALLEST]
        self._integers = [(v, *map(_constant_variable, _round(v.numpy(), _axis(v.path)))) for v in large]
        chosen = {id(v) for v in large}
        self.trainable_variables = [v.value for v in variables if id(v) not in chosen and v.trainable]
        frozen = [v.value for v in variables if id(v) not in chosen and not v.trainable]
        self.variables = [*self.trainable_variables, *frozen, *(one for _, *pair in self._integers for one in pair)]

    def scope(self):
        """Within it the Keras variables are products of integers and scales, made anew at each call of a graph."""
        made = [(v, tf.cast(integers, tf.float32) * scales) for v, integers, scales in self._integers]
        return keras.StatelessScope(state_mapping=made)


def _axis(path):
    """The axis along which numbers share a scale: the inputs of a unit; of a table, the numbers of a row."""
    return 1 if path.endswith("_embeddings") else 0


def _round(matrix, axis):
    """float32 [A, B] -> (int8 [A, B], float32 scales [1, B] or [A, 1])."""
    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), np.finfo(np.float32).tiny) / LARGEST_INTEGER
    return np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)


def _constant_variable(array):
    return tf.Variable(array, trainable=False)
