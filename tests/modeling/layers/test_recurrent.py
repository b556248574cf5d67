"""LSTM against torch's: outputs, states and gradients of sequences of several lengths, both ways, and carried on."""

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers.recurrent import LSTM, BidirectionalLSTM

torch = pytest.importorskip("torch", reason="make peers")
LENGTHS, WIDTH, UNITS = [5, 1, 7, 3], 4, 6
NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")
REAL = tf.sequence_mask(LENGTHS)


def pair(backward=False, dtype="float32"):
    """Ours and torch's, of the same weights."""
    ours = LSTM(UNITS, backward=backward, dtype=dtype)
    ours.build(WIDTH)
    draw = np.random.default_rng(0)
    for variable in ours.variables:
        variable.assign(draw.normal(0, 0.5, variable.shape))
    theirs = torch.nn.LSTM(WIDTH, UNITS, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(torch.tensor(np.array(ours.kernel).T))
        theirs.weight_hh_l0.copy_(torch.tensor(np.array(ours.recurrent_kernel).T))
        theirs.bias_ih_l0.copy_(torch.tensor(np.array(ours.bias)))
        theirs.bias_hh_l0.zero_()
    return ours, theirs


def inputs():
    return np.random.default_rng(1).normal(size=(len(LENGTHS), max(LENGTHS), WIDTH)).astype(np.float32)


def theirs_run(theirs, array, backward, state=None):
    """Row by row, so that no padding is there at all; and a loss that every output and state enters unevenly."""
    found, loss, leaf = [], 0.0, torch.tensor(array, requires_grad=True)
    for row, length in enumerate(LENGTHS):
        part = leaf[row : row + 1, :length]
        start = None if state is None else tuple(s[row : row + 1].unsqueeze(0) for s in state)
        outputs, (hidden, cell) = theirs(part.flip(1) if backward else part, start)
        outputs = outputs.flip(1) if backward else outputs
        found.append((outputs[0], hidden[0, 0], cell[0, 0]))
        loss = loss + sum((torch.sin(torch.arange(p.numel())).reshape(p.shape) * p).sum() for p in found[-1])
    return found, loss, leaf


def ours_loss(outputs, state):
    loss = 0.0
    for row, length in enumerate(LENGTHS):
        for part in (outputs[row, :length], state[0][row], state[1][row]):
            loss += tf.reduce_sum(tf.reshape(tf.sin(tf.range(tf.cast(tf.size(part), tf.float32))), part.shape) * part)
    return loss


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("carried", [False, True])
def test_it_is_torchs(backward, carried):
    ours, theirs = pair(backward)
    array, draw = inputs(), np.random.default_rng(2)
    state = [draw.normal(size=(len(LENGTHS), UNITS)).astype(np.float32) for _ in range(2)] if carried else None
    tensors = [torch.tensor(s, requires_grad=True) for s in state] if carried else None
    found, loss, leaf = theirs_run(theirs, array, backward, tensors)
    loss.backward()
    mine, variables = tf.constant(array), [v.value for v in ours.variables]
    starts = [tf.constant(s) for s in state] if carried else None

    @tf.function
    def run(mine, starts):
        with tf.GradientTape() as tape:
            tape.watch([mine, *(starts or [])])
            outputs, after = ours(mine, real=REAL, state=tuple(starts) if starts else None)
            loss = ours_loss(outputs, after)
        return outputs, after, tape.gradient(loss, [mine, *(starts or []), *variables])

    outputs, after, gradients = run(mine, starts)
    for row, length in enumerate(LENGTHS):
        for one, other in zip((outputs[row, :length], after[0][row], after[1][row]), found[row]):
            np.testing.assert_allclose(one, other.detach().numpy(), atol=1e-6)
        assert not outputs[row, length:].numpy().any()
    expected = [leaf.grad.numpy(), *(t.grad.numpy() for t in tensors or [])]
    expected += [theirs.weight_ih_l0.grad.numpy().T, theirs.weight_hh_l0.grad.numpy().T, theirs.bias_ih_l0.grad.numpy()]
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=5e-6)


def test_a_carried_state_equals_one_long_sequence():
    ours, _ = pair()
    array = np.random.default_rng(3).normal(size=(2, 10, WIDTH)).astype(np.float32)
    whole, end = ours(array, real=tf.ones([2, 10], tf.bool))
    state, parts = None, []
    for start in range(0, 10, 5):
        outputs, state = ours(array[:, start : start + 5], real=tf.ones([2, 5], tf.bool), state=state)
        parts.append(outputs)
    np.testing.assert_allclose(tf.concat(parts, 1), whole, atol=1e-6)
    for one, other in zip(state, end):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_bfloat16_is_near():
    half, full = pair(dtype="mixed_bfloat16")[0], pair()[0]
    one, other = (layer(inputs(), real=REAL)[0] for layer in (half, full))
    assert one.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(one, tf.float32), other, atol=0.03)


def test_both_directions_are_torchs():
    ours = BidirectionalLSTM(UNITS)
    ours.build(WIDTH)
    theirs = torch.nn.LSTM(WIDTH, UNITS, bidirectional=True, batch_first=True)
    draw, array = np.random.default_rng(0), inputs()
    with torch.no_grad():
        for lstm, end in zip(ours.directions, ("", "_reverse")):
            for variable, name in zip(lstm.variables, NAMES):
                variable.assign(draw.normal(0, 0.5, variable.shape))
                getattr(theirs, name + end).copy_(torch.tensor(variable.numpy().T))
            getattr(theirs, "bias_hh_l0" + end).zero_()
    leaf = torch.tensor(array, requires_grad=True)
    packed = torch.nn.utils.rnn.pack_padded_sequence(leaf, LENGTHS, batch_first=True, enforce_sorted=False)
    outputs, states = theirs(packed)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    expected_states = [torch.cat(tuple(state), dim=1) for state in states]
    loss = sum(
        (torch.sin(torch.arange(part.numel())).reshape(part.shape) * part).sum()
        for part in (expected, *expected_states)
    )
    loss.backward()
    variables = [v.value for v in ours.variables]

    @tf.function(input_signature=[tf.TensorSpec([None, None, WIDTH])])
    def run(mine):
        with tf.GradientTape() as tape:
            tape.watch(mine)
            outputs, states = ours(mine, real=REAL)
            loss = sum(
                tf.reduce_sum(tf.reshape(tf.sin(tf.range(tf.cast(tf.size(part), tf.float32))), tf.shape(part)) * part)
                for part in (outputs, *states)
            )
        return outputs, states, tape.gradient(loss, [mine, *variables])

    found, found_states, gradients = run(array)
    np.testing.assert_allclose(found, expected.detach(), atol=1e-6)
    for one, other in zip(found_states, expected_states):
        np.testing.assert_allclose(one, other.detach(), atol=1e-6)
    expected = [leaf.grad] + [getattr(theirs, name + end).grad.numpy().T for end in ("", "_reverse") for name in NAMES]
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=5e-6)
