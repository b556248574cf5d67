"""Gradients of weights: dense tensors, or tf.IndexedSlices of single rows, through sums and clipping."""

import tensorflow as tf


def zeros(variable, rows):
    """What sums of gradients begin with. rows: whether they are those of single rows."""
    if not rows:
        return tf.zeros(variable.shape)
    return tf.IndexedSlices(tf.zeros([0, *variable.shape[1:]]), tf.zeros([0], tf.int32))


def as_rows(gradient):
    """The gradient as tf.IndexedSlices; of a dense one all rows."""
    if not isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient, tf.range(tf.shape(gradient)[0]))
    return tf.IndexedSlices(gradient.values, tf.cast(gradient.indices, tf.int32))


def add(one, other):
    """The sum of two gradients of the same kind; of rows a list of both, in which a row may be twice."""
    if not isinstance(one, tf.IndexedSlices):
        return one + other
    values, indices = tf.concat([one.values, other.values], 0), tf.concat([one.indices, other.indices], 0)
    return tf.IndexedSlices(values, indices)


def keep_apart(gradient):
    """The gradient, in a form that TensorFlow's graph optimizers do not merge with sums around it.

    Of a sum of three or more they make temporary variables, where memory is short, and these fail in a loop within a
    loop (AlreadyExistsError).
    """
    if isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.ensure_shape(gradient, gradient.shape)


def sum_duplicates(gradient):
    """Rows that occur several times summed up; a dense gradient as it is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
    return tf.IndexedSlices(values, rows)


def map_values(gradient, function):
    """`function` of the numbers of a gradient."""
    if not isinstance(gradient, tf.IndexedSlices):
        return function(gradient)
    return tf.IndexedSlices(function(gradient.values), gradient.indices)


def specification(variable, rows):
    """The shapes that a sum of gradients may take in a loop, for tf.while_loop."""
    if not rows:
        return tf.TensorSpec(variable.shape)
    return tf.IndexedSlicesSpec(variable.shape, indices_dtype=tf.int32)
