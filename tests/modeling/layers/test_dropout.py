"""Masks of the right share, reproducible, and of each place its own."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoder import policy
from bertline.modeling.layers import dropout as dropout_module
from bertline.modeling.layers.dense import Dense, add_bias_in_training
from bertline.modeling.layers.dropout import DropoutKey, draw_bits, dropout, residual


def key(*numbers):
    return DropoutKey(tf.constant(numbers, tf.int32))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_share_and_scale(rate, dtype):
    shape = [301, 333]  # 100,233: an odd number
    found = tf.cast(dropout(tf.ones(shape, dtype), rate, key(1, 2)), tf.float32).numpy()
    assert abs(np.mean(found == 0) - rate) < 5 * np.sqrt(rate * (1 - rate) / found.size)
    np.testing.assert_allclose(found[found != 0], 1 / (1 - rate), rtol=0.01)
    # No row and no column is favoured, and neighbours know nothing of each other.
    zeros = (found == 0) - np.mean(found == 0)
    for axis in (0, 1):
        assert np.max(np.abs(zeros.mean(axis))) < 6 * np.sqrt(rate * (1 - rate) / 301)
        moved = np.mean(zeros * np.roll(zeros, 1, axis)) / np.mean(zeros**2)
        assert abs(moved) < 5 / np.sqrt(found.size)


def test_no_key_or_no_rate_changes_nothing():
    x = tf.random.normal([3, 4])
    assert dropout(x, 0.5, None) is x and dropout(x, 0.0, key(1, 2)) is x
    assert dropout(tf.ones([0, 5]), 0.5, key(1, 2)).shape == (0, 5)


def test_gradient_passes_through_the_mask():
    x = tf.random.normal([50])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = dropout(x, 0.5, key(3, 4))
    np.testing.assert_allclose(tape.gradient(y, x) * x, y, rtol=1e-6)


def test_each_draw_of_each_child_has_a_seed_of_its_own():
    """Of replicas, micro-batches and layers, three draws each."""
    seeds = []
    for seed in range(2):
        for step in range(3):
            for replica in range(2):
                replicas_key = key(seed, step).child(replica)
                for micro_batch in (replicas_key.child(i) for i in range(2)):
                    layers = [micro_batch.child(i) for i in range(4)]
                    seeds += [tuple(k.next_seed().numpy()) for k in (micro_batch, *layers) for _ in range(3)]
    assert len(set(seeds)) == len(seeds)


def test_no_two_places_of_a_model_share_a_mask(monkeypatch):
    found = []

    def recording(size, dropout_key):
        bits = draw_bits(size, dropout_key)
        found.append(bits.numpy()[:200] >= 2**15)
        return bits

    monkeypatch.setattr(dropout_module, "draw_bits", recording)
    rates = {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}
    small_models.encoder(**rates)(small_models.features((20, 20)), dropout_key=key(1, 2))
    assert len(found) == 1 + 3 * small_models.SIZES["num_hidden_layers"]
    for i, one in enumerate(found):
        for other in found[:i]:
            assert 0.25 < np.mean(one == other) < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize("num_rows", [9, 2048])  # left to TensorFlow; compiled
def test_residual_is_dropout_of_the_dense_layer_plus_rows(num_rows, rate, dtype):
    dense = Dense(256, dtype=policy(dtype, for_training=True))
    dense.build(32)
    dense.bias.assign(tf.random.stateless_normal([256], [1, 2]))
    inputs, rows, upstream = (
        tf.cast(tf.random.stateless_normal([num_rows, width], [3, i]), dtype) for i, width in enumerate((32, 256, 256))
    )
    weights = [dense.kernel.value, dense.bias.value]

    @tf.function
    def both(inputs, rows):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([inputs, rows])
            found = residual(dense, inputs, rows, rate, key(5, 6))
            product = tf.matmul(inputs, tf.cast(dense.kernel, dtype))
            expected = dropout(add_bias_in_training(product, tf.cast(dense.bias, dtype)), rate, key(5, 6)) + rows
        return [(y, *tape.gradient(y, [inputs, rows, *weights], upstream)) for y in (found, expected)]

    for name, found, expected in zip(("value", "inputs", "rows", "kernel", "bias"), *both(inputs, rows)):
        found, expected = tf.cast(found, tf.float32).numpy(), tf.cast(expected, tf.float32).numpy()
        tolerance = np.max(np.abs(expected)) * {"float32": 1e-6, "bfloat16": 2e-2}[dtype]
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=name)
    assert np.array_equal(residual(dense, inputs, rows, rate, None), dense(inputs) + rows)


@pytest.mark.parametrize("said, rate", [(None, 0.1), (0.5, 0.5), (0.0, 0.0)])
def test_the_dropout_of_a_head_is_that_of_its_configuration(said, rate):
    """None is the original's; what a folder of transformers calls classifier_dropout is obeyed."""
    encoder = small_models.encoder(classifier_dropout=said)
    width = encoder.config.hidden_size
    objective = registry.get("objective", "sequence_classification")(encoder, width)
    objective.named_weights()["output_weights"].assign(tf.eye(width))
    batch = small_models.features([5] * 400)
    logits = objective(batch, dropout_key=key(1, 2))["logits"].numpy()
    assert abs(np.mean(logits == 0) - rate) < 0.02
