"""Compiled formulas give what numpy gives, at sizes on both sides of the threshold, padded or not."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers.dense import gelu_in_training, gelu_new_in_training
from bertline.modeling.speed import one_pass as module
from bertline.modeling.speed.one_pass import MINIMUM_ELEMENTS, one_pass, padded_length

torch = pytest.importorskip("torch", reason="make peers")


def formula(rows, more, bias, factor):
    return rows * factor + bias, tf.reduce_sum(rows * more, axis=1)


FORMULAS = [one_pass(worth_padding)(formula) for worth_padding in (False, True)]


# Small; one below the threshold; large and of a length that is compiled; large and of other lengths.
@pytest.mark.slow
@pytest.mark.parametrize("num_rows", [0, 1, 7, MINIMUM_ELEMENTS // 128 - 1, MINIMUM_ELEMENTS // 128, 5120, 5121, 7777])
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("scaled", FORMULAS)
def test_results_are_those_of_the_formula(scaled, num_rows, jit_compile):
    draw = np.random.default_rng(num_rows)
    rows, more, bias = (draw.normal(size=s).astype(np.float32) for s in ((num_rows, 128), (num_rows, 128), (128,)))
    signature = [tf.TensorSpec([None, 128])] * 2
    graph = tf.function(lambda a, b: scaled(a, b, bias=bias, factor=3.0), signature, jit_compile=jit_compile)
    for call in (graph, lambda a, b: scaled(tf.constant(a), tf.constant(b), bias=bias, factor=3.0)):
        first, second = call(rows, more)
        np.testing.assert_allclose(first, rows * 3.0 + bias, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(second, np.sum(rows * more, axis=1), rtol=1e-5, atol=2e-5)


def test_few_lengths_are_compiled_and_little_is_wasted():
    counts = np.arange(1, 70_000)
    lengths = padded_length(tf.constant(counts, tf.int32)).numpy()
    assert np.all(lengths >= counts) and np.all(lengths < 1.26 * counts + 1)
    assert len(set(lengths[counts > 2**12])) <= 4 * 5  # up to 2^17, in octaves of 4
    powers = 2 ** np.arange(17)
    assert np.array_equal(lengths[powers - 1], powers)


def test_without_xla_the_formula_is_left_to_tensorflow(monkeypatch):
    def refusing(*arguments, **options):
        raise tf.errors.InvalidArgumentError(None, None, "Function invoked by the following node is not compilable")

    with monkeypatch.context() as patched:
        patched.setattr(tf, "function", refusing)
        assert not module._xla_is_there.__wrapped__()
    assert module._xla_is_there()
    monkeypatch.setattr(module, "_xla_is_there", lambda: False)
    seen = []
    one_pass(worth_padding=True)(lambda rows: seen.append(rows) or rows)(rows := tf.zeros([3, 4]))
    assert seen[0] is rows  # not a graph's placeholder


@pytest.mark.slow
@pytest.mark.parametrize("rows", [40, 2048, 2100])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("activation, approximate", [(gelu_in_training, "none"), (gelu_new_in_training, "tanh")])
def test_gelu_with_bias(activation, approximate, dtype, rows):
    draw = np.random.default_rng(1)
    arrays = [tf.cast(draw.normal(size=s) * 3, dtype) for s in ((rows, 256), (256,), (rows, 256))]
    product, bias, upstream = arrays
    with tf.GradientTape() as tape:
        tape.watch([product, bias])
        found = activation(product, bias)
    found = [found, *tape.gradient(found, [product, bias], upstream)]
    inputs = [torch.tensor(tf.cast(a, tf.float32).numpy(), requires_grad=True) for a in arrays]
    expected = torch.nn.functional.gelu(inputs[0] + inputs[1], approximate=approximate)
    expected.backward(inputs[2].detach())
    tolerance = {"float32": 5e-6, "bfloat16": 1e-2, "float16": 2e-3}[dtype]
    for one, other in zip(found, (expected, inputs[0].grad, inputs[1].grad)):
        other = other.detach().numpy()
        atol = tolerance * np.abs(other).max()
        np.testing.assert_allclose(tf.cast(one, tf.float32), other, rtol=tolerance, atol=atol)
