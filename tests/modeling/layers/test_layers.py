"""Activations and layer norm, forward and backward, in the forms for inference and for training, against torch."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.encoder import policy
from bertline.modeling.layers.dense import Dense, LayerNorm, add_bias_in_training
from bertline.modeling.speed.switches import weights_follow

torch = pytest.importorskip("torch", reason="make peers")
functional = torch.nn.functional

REFERENCES = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "tanh": torch.tanh,
    "linear": lambda x: x,
}
TOLERANCES = {"float32": 1e-6, "bfloat16": 2e-2, "float16": 2e-3}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("activation", REFERENCES)
def test_dense(activation, training, dtype):
    """Through the unit matrix: the activation's value and gradient from -8 to 8."""
    points = np.linspace(-8, 8, 400, dtype=np.float32).reshape(100, 4)
    weighting = np.linspace(0.5, 1.5, 400, dtype=np.float32).reshape(100, 4)
    dense = Dense(4, activation, dtype=policy(dtype, for_training=True))
    dense.build(4)
    dense.kernel.assign(np.eye(4))
    rows = tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        found = dense(rows, training=training)
        total = tf.reduce_sum(tf.cast(found, tf.float32) * weighting)
    expected_rows = torch.tensor(tf.cast(tf.cast(points, dtype), tf.float32).numpy(), requires_grad=True)
    expected = REFERENCES[activation](expected_rows)
    (expected * torch.tensor(weighting)).sum().backward()
    tolerance = TOLERANCES[dtype]
    np.testing.assert_allclose(tf.cast(found, tf.float32), expected.detach(), rtol=tolerance, atol=tolerance)
    tolerance = max(2 * tolerance, 1e-5)
    np.testing.assert_allclose(tape.gradient(total, rows), expected_rows.grad, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("rows", [7, 0])
def test_layer_norm(dtype, rows):
    draw = np.random.default_rng(0)
    # float32 rows of half-precision numbers: what the layer gets from its neighbours.
    x, gamma, beta, weighting = (draw.normal(size=s).astype(np.float32) for s in ((rows, 48), (48,), (48,), (rows, 48)))
    x = tf.cast(3.0 * x + 5.0, dtype)
    norm = LayerNorm(1e-5, dtype=policy(dtype, for_training=True))
    norm.build(48)
    norm.gamma.assign(gamma)
    norm.beta.assign(beta)
    with tf.GradientTape() as tape:
        tape.watch(x)
        found = norm(x)
        total = tf.reduce_sum(tf.cast(found, tf.float32) * weighting)
    assert found.dtype == dtype
    inputs = [torch.tensor(a, requires_grad=True) for a in (tf.cast(x, tf.float32).numpy(), gamma, beta)]
    expected = functional.layer_norm(inputs[0], (48,), inputs[1], inputs[2], eps=1e-5)
    (expected * torch.tensor(weighting)).sum().backward()
    tolerance = {"float32": 1e-5, "bfloat16": 3e-2, "float16": 3e-3}[dtype]
    np.testing.assert_allclose(tf.cast(found, tf.float32), expected.detach(), rtol=tolerance, atol=tolerance)
    for gradient, other in zip(tape.gradient(total, [x, norm.gamma.value, norm.beta.value]), inputs):
        np.testing.assert_allclose(tf.cast(gradient, tf.float32), other.grad, rtol=tolerance, atol=3 * tolerance)


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_gradient_of_a_bias_is_summed_in_float32(dtype):
    upstream = tf.cast(np.random.default_rng(0).normal(size=(4096, 24)), dtype)
    product, bias = tf.zeros([4096, 24], dtype), tf.zeros([24], dtype)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        found = add_bias_in_training(product, bias)
    found = tf.cast(tape.gradient(found, bias, upstream), tf.float64).numpy()
    expected = tf.cast(upstream, tf.float64).numpy().sum(axis=0)
    precision = {"float32": 1e-5, "bfloat16": 2**-8, "float16": 2**-11}[dtype]  # one rounding at the end
    assert np.linalg.norm(found - expected) < precision * np.linalg.norm(expected)


def test_layers_whose_weights_follow_start_at_zero():
    with weights_follow():
        blank = Dense(3)
        blank.build(4)
    drawn = Dense(3)
    drawn.build(4)
    assert not np.any(blank.kernel.numpy()) and np.all(drawn.kernel.numpy())
