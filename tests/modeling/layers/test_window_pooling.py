"""Windows' vectors as one, against numpy."""

import numpy as np
import pytest

from bertline.modeling.layers.window_pooling import WindowPooling


def learned(vectors, weights):
    scores = np.exp(vectors @ weights)
    return (scores / scores.sum()) @ vectors


@pytest.mark.parametrize("kind", ("mean", "max", "learned"))
def test_pooling(kind):
    draw = np.random.default_rng(0)
    vectors, counts = draw.normal(-3.0, 1.0, [4, 5, 6]).astype(np.float32), (5, 1, 3, 2)
    mask = np.arange(5) < np.array(counts)[:, None]
    pooling, weights = WindowPooling(kind, 6), draw.normal(size=6).astype(np.float32)
    if kind == "learned":
        begins_as_mean = pooling(vectors, mask).numpy()
        np.testing.assert_allclose(begins_as_mean, WindowPooling("mean", 6)(vectors, mask).numpy(), rtol=1e-6)
        pooling.window_weights.assign(weights)
    by_numpy = {"mean": lambda v: v.mean(0), "max": lambda v: v.max(0), "learned": lambda v: learned(v, weights)}[kind]
    expected = [by_numpy(one[:count]) for one, count in zip(vectors, counts)]
    np.testing.assert_allclose(pooling(vectors, mask).numpy(), expected, rtol=1e-5)
