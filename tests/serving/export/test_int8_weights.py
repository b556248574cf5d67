"""Int8Weights against torch's per-channel quantization."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bertline.serving.export.int8_weights import Int8Weights


@pytest.fixture
def weights():
    draw = np.random.default_rng(3)
    shapes = {"kernel": (48, 32), "word_embeddings": (60, 32), "bias": (32,), "small_kernel": (4, 4)}
    return [keras.Variable(draw.normal(size=shape).astype(np.float32), name=name) for name, shape in shapes.items()]


def test_unpacked_weights_are_those_of_torch(weights):
    torch = pytest.importorskip("torch")
    weights[0].assign(weights[0].numpy() * np.where(np.arange(32) == 5, 0.0, 1.0))  # a unit without any weight
    with Int8Weights(weights).scope():
        found = [tf.convert_to_tensor(one).numpy() for one in weights]
    for one, values, axis in zip(weights[:2], found, (1, 0)):
        matrix = torch.tensor(one.numpy())
        scales = torch.clamp(matrix.abs().amax(dim=1 - axis) / 127, min=1e-30)
        expected = torch.fake_quantize_per_channel_affine(
            matrix, scales, torch.zeros(len(scales), dtype=torch.int32), axis, -127, 127
        )
        np.testing.assert_allclose(values, expected.numpy(), atol=1e-6)
        assert 0 < np.abs(values - one.numpy()).max() <= float(scales.max()) / 2 + 1e-6
    for one, values in zip(weights[2:], found[2:]):
        np.testing.assert_array_equal(values, one.numpy())


def test_what_is_saved(weights):
    packed = Int8Weights(weights)
    kinds = [(v.dtype.name, tuple(v.shape)) for v in packed.variables]
    assert sorted(kinds) == sorted(
        [
            ("float32", (32,)),
            ("float32", (4, 4)),
            ("int8", (48, 32)),
            ("float32", (1, 32)),
            ("int8", (60, 32)),
            ("float32", (60, 1)),
        ]
    )
    assert [tuple(v.shape) for v in packed.trainable_variables] == [(32,), (4, 4)]
