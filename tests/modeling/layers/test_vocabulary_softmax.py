"""The shortened cross-entropy against TensorFlow's own operations and their gradients."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers import vocabulary_softmax

N, H, V = 37, 24, 203


def inputs(dtype, scale=1.0):
    draw = np.random.default_rng(0)
    rows = tf.cast(draw.normal(size=(N, H)) * scale, dtype)
    table, bias = (tf.constant(draw.normal(size=shape), tf.float32) for shape in ((V, H), (V,)))
    return rows, table, bias, tf.constant(draw.integers(0, V, N), tf.int32), tf.constant(draw.random(N), tf.float32)


def plain(rows, table, bias, labels):
    logits = tf.cast(tf.matmul(rows, tf.cast(table, rows.dtype), transpose_b=True), tf.float32) + bias
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), logits


def gradients(function, rows, table, bias, labels, weights):
    with tf.GradientTape() as tape:
        tape.watch([rows, table, bias])
        loss = tf.reduce_sum(function(rows, table, bias, labels)[0] * weights)
    return tape.gradient(loss, [rows, table, bias])


@pytest.mark.parametrize("dtype, tolerance", [(tf.float32, 1e-5), (tf.bfloat16, 2e-2), (tf.float16, 3e-3)])
def test_losses_and_gradients(dtype, tolerance):
    *tensors, weights = inputs(dtype)
    losses, is_highest = tf.function(vocabulary_softmax.cross_entropy)(*tensors)
    expected, logits = plain(*tensors)
    np.testing.assert_allclose(losses, expected, rtol=tolerance, atol=tolerance * float(tf.reduce_max(expected)))
    if dtype == tf.float32:
        np.testing.assert_array_equal(is_highest, np.argmax(logits, 1) == tensors[3])
    found = tf.function(gradients)(vocabulary_softmax.cross_entropy, *tensors, weights)
    for one, other in zip(found, gradients(plain, *tensors, weights)):
        assert one.dtype == other.dtype and one.shape == other.shape
        difference = np.linalg.norm(tf.cast(one - other, tf.float32)) / np.linalg.norm(tf.cast(other, tf.float32))
        assert difference < tolerance


def test_a_label_without_any_probability_has_a_large_loss_and_a_right_gradient():
    rows, table, bias, labels, weights = inputs(tf.float32, scale=100.0)
    losses, _ = vocabulary_softmax.cross_entropy(rows, table, bias, labels)
    expected, _ = plain(rows, table, bias, labels)
    assert float(tf.reduce_max(expected)) > 100.0
    np.testing.assert_allclose(losses, np.minimum(expected, -np.log(vocabulary_softmax.TINY)), rtol=1e-4, atol=1e-3)
    found = gradients(vocabulary_softmax.cross_entropy, rows, table, bias, labels, weights)
    for one, other in zip(found, gradients(plain, rows, table, bias, labels, weights)):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_no_row_at_all():
    rows, table, bias, labels, weights = inputs(tf.float32)
    found = gradients(vocabulary_softmax.cross_entropy, rows[:0], table, bias, labels[:0], weights[:0])
    assert found[0].shape == (0, H) and not np.any(found[1]) and not np.any(found[2])
