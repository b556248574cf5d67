"""Element-wise formulas in one pass over memory: compiled by XLA where that pays.

TensorFlow computes a formula operation by operation, each a pass over memory of its own: gelu with its derivative takes
a dozen. XLA makes one loop of them, but compiles anew for each shape (50 to 90 ms on a CPU). So arrays are padded to
one of four lengths an octave, and small ones are left to TensorFlow.
"""

import functools
import math

import tensorflow as tf

MINIMUM_ELEMENTS = 2**18  # of the first array; below, a compilation is not earned back soon


def one_pass(formula):
    """Decorator: formula(*rows, **others) -> tensor or tuple of tensors [N, ...], element by element or row by row.

    `rows` are tensors [N, ...]; what is computed for a row may not depend on other rows. `others` are tensors without
    rows (a bias) or Python values (a rate, a dtype). No gradient: call it inside of a tf.custom_gradient.
    """
    compiled = tf.function(formula, jit_compile=True)

    @tf.function  # traced once for all layers
    def by_size(*rows, **others):
        def in_one():
            count = tf.shape(rows[0])[0]
            results = compiled(*_padded(rows, count), **others)
            return tf.nest.map_structure(lambda result: result[:count], results)

        large = tf.size(rows[0]) >= MINIMUM_ELEMENTS
        return tf.cond(large, in_one, lambda: formula(*rows, **others))

    @functools.wraps(formula)
    def call(*rows, **others):
        return (by_size if _worthwhile() else formula)(*rows, **others)

    return call


def on_cpu():
    """Whether forms that were measured on a CPU only are to be used."""
    return not tf.config.list_physical_devices("GPU") and not tf.config.list_physical_devices("TPU")


def _worthwhile():
    """Replicas are threads of one process, which would compile side by side."""
    return on_cpu() and tf.distribute.get_strategy().num_replicas_in_sync == 1


def padded_length(count):
    """int32 scalar -> the length that `count` rows are padded to: four an octave, at most a quarter more."""
    octave = tf.cast(tf.math.log(tf.cast(tf.maximum(count, 1), tf.float32)) / math.log(2.0), tf.int32)
    step = tf.bitwise.left_shift(1, tf.maximum(0, octave - 2))
    return (count + step - 1) // step * step


def _padded(rows, count):
    missing = padded_length(count) - count

    def pad(array):
        return tf.pad(array, [[0, missing], *[[0, 0]] * (array.shape.rank - 1)])

    # No copy where nothing is missing, as for full sequences.
    return tf.cond(missing > 0, lambda: [pad(array) for array in rows], lambda: list(rows))
