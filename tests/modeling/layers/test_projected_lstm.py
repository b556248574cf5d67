"""ProjectedLSTM against torch's and against a plain restatement: outputs, states, gradients, clips, padding."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers import projected_lstm
from bertline.modeling.layers.projected_lstm import ProjectedLSTM

LENGTHS, WIDTH, UNITS, SIZE = [5, 1, 7, 3], 4, 6, 3
REAL = np.array(tf.sequence_mask(LENGTHS)).T[:, :, None]  # [T, B, 1]
HOLEY = REAL & (np.arange(7) % 3 != 1)[:, None, None]


def layer(size=SIZE, clips=(None, None), dtype="float32", units=UNITS, scale=0.6):
    made = ProjectedLSTM(units, size, *clips, dtype=dtype)
    made.build(WIDTH)
    draw = np.random.default_rng(0)
    for variable in made.variables:
        variable.assign(draw.normal(0, scale, variable.shape))
    return made


def inputs(steps=7, rows=4):
    return np.random.default_rng(1).normal(size=(steps, rows, WIDTH)).astype(np.float32)


def start(size=SIZE, units=UNITS, rows=4):
    draw = np.random.default_rng(2)
    return draw.normal(size=(rows, size)).astype(np.float32) * 0.2, draw.normal(size=(rows, units)).astype(np.float32)


def plain(made, array, real, state, clips, weights):
    """Step by step, as LSTMCell of TensorFlow 1 says it; its gradient is TensorFlow's own."""
    kernel, bias, *projection = weights
    (hidden, cell), outputs = state, []
    for rows, here in zip(tf.unstack(tf.convert_to_tensor(array)), real):
        sums = tf.matmul(tf.concat([rows, hidden], axis=1), kernel) + bias
        i, j, f, o = tf.split(sums, 4, axis=1)
        after = tf.sigmoid(f + 1.0) * cell + tf.sigmoid(i) * tf.tanh(j)
        if clips[0]:
            after = tf.clip_by_value(after, -clips[0], clips[0])
        output = tf.sigmoid(o) * tf.tanh(after)
        if projection:
            output = tf.matmul(output, projection[0])
            if clips[1]:
                output = tf.clip_by_value(output, -clips[1], clips[1])
        cell, hidden = tf.where(here, after, cell), tf.where(here, output, hidden)
        outputs.append(tf.where(here, output, 0.0))
    return tf.stack(outputs), (hidden, cell)


def loss_and_gradients(run, sources):
    with tf.GradientTape() as tape:
        tape.watch(sources)
        found = tf.nest.flatten(run())
        loss = sum(
            tf.reduce_sum(t * tf.reshape(tf.sin(tf.range(tf.cast(tf.size(t), tf.float32))), t.shape)) for t in found
        )
    return found, tape.gradient(loss, sources)


@pytest.mark.slow
@pytest.mark.parametrize("clips", [(None, None), (0.5, 0.2), (0.5, None), (None, 0.2)])
@pytest.mark.parametrize("real", [REAL, HOLEY])
@pytest.mark.parametrize("size", [SIZE, UNITS])
def test_it_is_the_plain_recurrence(size, real, clips):
    made, array, state = layer(size, clips), tf.constant(inputs()), tuple(map(tf.constant, start(size)))
    weights = [variable.value for variable in made.variables]
    sources = [array, *state, *weights]
    found = tf.function(lambda: loss_and_gradients(lambda: made(array, real=real, state=state), sources))()
    expected = loss_and_gradients(lambda: plain(made, array, real, state, clips, weights), sources)
    if clips[0]:
        assert np.mean(np.abs(expected[0][2]) == 0.5) > 0.1  # of the cells at the end
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=5e-6)


def test_it_is_torchs():
    torch = pytest.importorskip("torch", reason="make peers")
    made, array = layer(), inputs()
    theirs = torch.nn.LSTM(WIDTH, UNITS, proj_size=SIZE)
    order = np.concatenate([np.arange(UNITS) + UNITS * gate for gate in (0, 2, 1, 3)])  # input, forget, new, output
    kernel, bias, projection = (np.array(variable) for variable in made.variables)
    bias[2 * UNITS : 3 * UNITS] += 1.0
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.tensor(kernel[:WIDTH, order].T))
        theirs.weight_hh_l0.copy_(torch.tensor(kernel[WIDTH:, order].T))
        theirs.bias_ih_l0.copy_(torch.tensor(bias[order]))
        theirs.bias_hh_l0.zero_()
        theirs.weight_hr_l0.copy_(torch.tensor(projection.T))
        expected, (hidden, cell) = theirs(torch.tensor(array))
    found, state = made(array, real=np.ones([7, 4, 1], bool))
    for one, other in zip((found, *state), (expected, hidden[0], cell[0])):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("rows", [4, 9])
def test_a_formula_in_one_pass_is_the_same(rows, monkeypatch):
    """As it is for the sizes of released models, here from the first number on; 9 rows are compiled as 10."""
    made, array, state = (
        layer(clips=(0.5, 0.2)),
        tf.constant(inputs(rows=rows)),
        tuple(map(tf.constant, start(rows=rows))),
    )
    real = np.resize(HOLEY.transpose(1, 0, 2), [rows, 7, 1]).transpose(1, 0, 2)
    sources = [array, *state, *(variable.value for variable in made.variables)]
    expected = loss_and_gradients(lambda: made(array, real=real, state=state), sources)
    monkeypatch.setattr(projected_lstm, "FEWEST_UNITS", 0)
    found = tf.function(lambda: loss_and_gradients(lambda: made(array, real=real, state=state), sources))()
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_bfloat16_is_near():
    half, full = (layer(dtype=dtype)(inputs(), real=REAL)[0] for dtype in ("mixed_bfloat16", "float32"))
    assert half.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half, tf.float32), full, atol=0.03)
