"""Element-wise formulas in one pass over memory: compiled by XLA where that pays.

TensorFlow computes a formula operation by operation, each a pass over memory of its own: gelu with its derivative takes
a dozen. XLA makes one loop of them, but compiles anew for each shape (50 to 90 ms on a CPU). So arrays are compiled at
four lengths an octave only, and small ones are left to TensorFlow.
"""

import functools
import logging
import math

import tensorflow as tf

MINIMUM_ELEMENTS = 2**19  # of the first array; below, a compilation is not earned back soon


def one_pass(worth_padding):
    """Decorator of formula(*rows, **others) -> tensor or tuple of tensors [N, ...], element by element or row by row.

    `rows` are tensors [N, ...]; what is computed for a row may not depend on other rows. `others` are tensors without
    rows (a bias) or Python values (a rate, a dtype). No gradient: call it inside of a tf.custom_gradient.

    Args:
      worth_padding: whether the formula has so many operations that a copy of `rows`, padded to the next length that is
        compiled, is worth it. If not, other lengths are left to TensorFlow.
    """

    def decorate(formula):
        compiled = tf.function(formula, jit_compile=True, autograph=False)

        @tf.function(autograph=False)  # traced once for all layers
        def by_size(*rows, **others):
            count = tf.shape(rows[0])[0]
            missing = padded_length(count) - count

            def in_one():
                results = compiled(*(_pad(rows, missing) if worth_padding else rows), **others)
                return tf.nest.map_structure(lambda result: result[:count], results)

            pays = (tf.size(rows[0]) >= MINIMUM_ELEMENTS) & (worth_padding | (missing == 0))
            return tf.cond(pays, in_one, lambda: formula(*rows, **others))

        @functools.wraps(formula)
        def call(*rows, **others):
            return (by_size if few_compilations() else formula)(*rows, **others)

        return call

    return decorate


def on_cpu():
    """Whether forms that were measured on a CPU only are to be used."""
    return not tf.config.list_physical_devices("GPU") and not tf.config.list_physical_devices("TPU")


def few_compilations():
    """Whether compiled formulas pay here: replicas are threads of one process, which would compile side by side."""
    return on_cpu() and tf.distribute.get_strategy().num_replicas_in_sync == 1 and _xla_is_there()


@functools.cache
def _xla_is_there():
    """TensorFlow is built without it for some systems."""
    try:
        with tf.init_scope():
            tf.function(tf.negative, jit_compile=True, autograph=False)(tf.zeros([1]))
    except tf.errors.OpError as error:
        logging.getLogger(__name__).info("training without XLA's one-pass formulas: %s", str(error).splitlines()[0])
        return False
    return True


def padded_length(count):
    """int32 -> the least length that is compiled and has `count` rows: four an octave, at most a quarter more."""
    octave = tf.cast(tf.math.log(tf.cast(tf.maximum(count, 1), tf.float32)) / math.log(2.0), tf.int32)
    step = tf.bitwise.left_shift(1, tf.maximum(0, octave - 2))
    return (count + step - 1) // step * step


def _pad(rows, missing):
    def pad(array):
        return tf.pad(array, [[0, missing], *[[0, 0]] * (array.shape.rank - 1)])

    return tf.cond(missing > 0, lambda: [pad(array) for array in rows], lambda: list(rows))
