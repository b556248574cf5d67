"""Poolings against their definitions in numpy, and without regard to padding."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers import pooling
from bertline.serving.encoder import vector_options

LENGTHS = (5, 1, 7, 3)
draw = np.random.default_rng(0)
STATES = draw.normal(0.0, 1.0, [len(LENGTHS), max(LENGTHS), 2, 6]).astype(np.float32)  # [B, T, L, W]
MASK = (np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, None]).astype(np.int32)
EXPECTED = {
    "cls": lambda rows: rows[0],
    "mean": lambda rows: rows.mean(0),
    "max": lambda rows: rows.max(0),
    "mean_sqrt_len": lambda rows: rows.sum(0) / np.sqrt(len(rows)),
    "weighted_mean": lambda rows: np.average(rows, axis=0, weights=np.arange(1, len(rows) + 1)),
    "last": lambda rows: rows[-1],
    "mean+max": lambda rows: np.concatenate([rows.mean(0), rows.max(0)], axis=-1),
}


def test_options_and_poolings_know_the_same_names():
    assert set(vector_options.POOLINGS) == set(pooling.POOLINGS)
    assert set(EXPECTED) - {"mean+max"} == set(pooling.POOLINGS)


@pytest.mark.parametrize("name", EXPECTED)
def test_pooling(name):
    found = pooling.pool(tf.constant(STATES), tf.constant(MASK), name).numpy()
    for row, states, length in zip(found, STATES, LENGTHS):
        np.testing.assert_allclose(row, EXPECTED[name](states[:length].astype(np.float64)), atol=1e-6)


def test_states_below_zero_beside_padding():
    found = pooling.pool(tf.constant(-1.0 - np.abs(STATES)), tf.constant(MASK), "max").numpy()
    assert found.max() <= -1.0


def test_mixes():
    layers = [STATES[:, :, 0], STATES[:, :, 1], STATES[:, :, 0] ** 2]
    mixed = {mix: pooling.mix_layers(layers, mix).numpy() for mix in vector_options.MIXES}
    np.testing.assert_array_equal(mixed["none"], np.stack(layers, axis=2))
    np.testing.assert_allclose(mixed["mean"][:, :, 0], np.mean(layers, axis=0), atol=1e-6)
    np.testing.assert_array_equal(mixed["concat"][:, :, 0], np.concatenate(layers, axis=-1))
    scalars, gamma = (0.3, -1.0, 2.0), 1.7
    shares = np.exp(scalars) / np.exp(scalars).sum()
    learned = pooling.mix_layers(layers, "learned", (scalars, gamma)).numpy()[:, :, 0]
    np.testing.assert_allclose(learned, gamma * sum(s * x for s, x in zip(shares, layers)), rtol=1e-5, atol=1e-6)


def test_layers_are_numbered_as_in_the_original():
    outputs = {"sequence_output": STATES, "all_layers": [tf.fill([1, 1, 1], float(i)) for i in range(4)]}
    states = pooling.layer_states(outputs, (-1, -3, 0, 2, -4))
    assert [float(s[0, 0, 0]) for s in states] == [3.0, 1.0, 1.0, 3.0, 0.0]


def test_normalized():
    vectors = np.concatenate([STATES[:, 0, 0] * 1e-3, np.zeros([1, 6], np.float32)])
    found = pooling.normalize(vectors).numpy()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 1, 0], atol=1e-6)
