"""AWD-LSTM and its language model against torch's LSTMs: golden logits, and a training step with its masks given."""

import math

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.recurrent.awd_lstm import AwdLstm, AwdLstmConfig
from bertline.modeling.layers import dropout
from bertline.modeling.layers.dropout import DropoutKey
from bertline.training.optimizers.sgd import SGD
from bertline.training.steps.step import TrainStep

LANES, STEPS = 3, 5


def language_model(config):
    objective = registry.get("objective", "causal_lm")(AwdLstm(config))
    small_models.randomize(objective)
    return objective


def assign(objective, table, lstms, bias):
    """Weights of torch: lstms are (weight_ih, weight_hh, bias_ih, bias_hh), bottom to top."""
    objective.encoder.word_embeddings.assign(table)
    objective.output_bias.assign(bias)
    for ours, (inputs, recurrent, bias_in, bias_recurrent) in zip(objective.encoder.lstms, lstms, strict=True):
        ours.kernel.assign(inputs.T)
        ours.recurrent_kernel.assign(recurrent.T)
        ours.bias.assign(bias_in + bias_recurrent)


def test_golden(golden_dir):
    arrays = np.load(golden_dir / "techniques" / "torch_golden" / "awd_lstm_eval.npz")
    objective = language_model(AwdLstmConfig(vocab_size=61, embedding_size=16, hidden_size=28, num_layers=3))
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    lstms = [[arrays[f"w/l{i}.{name}"] for name in names] for i in (1, 2, 3)]
    assign(objective, arrays["w/emb.weight"], lstms, arrays["w/bias"])
    ids, state, losses = arrays["input_ids"].astype(np.int32), None, []
    for part, expected in ((slice(0, 9), "logits_first9"), (slice(9, 18), "logits_next9")):
        batch = {"input_ids": ids[:, part], "input_mask": np.ones_like(ids[:, part])}
        outputs = objective(batch, state=state if state is not None else objective.zero_state(3))
        state = outputs["state"]
        found = tf.reshape(objective.logits(outputs), [3, 9, 61]).numpy()
        np.testing.assert_allclose(found, arrays[expected], atol=1e-5)
        losses.append(found)
    last = tf.reshape(outputs["rows"], [3, 9, 16])
    np.testing.assert_allclose(last, arrays["last_hidden"], atol=1e-5)
    scores = tf.nn.log_softmax(np.concatenate(losses, axis=1))[:, :-1]
    entropy = -float(tf.reduce_mean(tf.gather(scores, ids[:, 1:], batch_dims=2)))
    expected = float(arrays["ce"])
    assert math.isclose(entropy, expected, rel_tol=1e-5) or math.isclose(
        math.exp(expected), float(arrays["perplexity"])
    )


def drawn(shape, rate, key):
    """The mask that `dropout` draws, scale included, as torch has it."""
    import torch

    return torch.tensor(dropout.dropout(tf.ones(shape), rate, key).numpy())


@pytest.mark.slow
def test_a_training_step_equals_torch_with_the_masks_given():
    torch = pytest.importorskip("torch", reason="make peers")
    rates = dict(embedding_dropout=0.1, input_dropout=0.2, weight_dropout=0.3, hidden_dropout=0.25, output_dropout=0.15)
    config = AwdLstmConfig(vocab_size=30, embedding_size=8, hidden_size=10, num_layers=2, **rates)
    objective, draw = language_model(config), np.random.default_rng(0)
    weights = {name: variable.numpy() for name, variable in objective.named_weights().items()}
    ids, following = (draw.integers(0, 30, (LANES, STEPS)).astype(np.int32) for _ in range(2))
    batch = {"input_ids": ids, "input_mask": np.ones_like(ids), "next_ids": following}
    optimizer = SGD(objective.named_weights(), lambda step: tf.constant(0.5))
    step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), 7, max_grad_norm=0.0, lanes=LANES)
    for variable in tf.nest.flatten(step.state):
        variable.assign(draw.normal(size=variable.shape).astype(np.float32))
    before = [[v.numpy() for v in pair] for pair in step.state]
    loss = float(tf.function(step)(small_models.tensors(batch))["loss"])

    key = DropoutKey(tf.constant([7, 0])).child(0)  # of replica 0 in step 0
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
    own = {name.removeprefix("awd_lstm/"): leaf for name, leaf in leaves.items()}
    words = drawn([30], 0.1, key.child(0))[torch.tensor(ids, dtype=torch.long)][:, :, None]
    states = (
        own["word_embeddings"][torch.tensor(ids, dtype=torch.long)] * words * drawn([LANES, 1, 8], 0.2, key.child(1))
    )
    for i, (size, rate) in enumerate(((10, 0.25), (8, 0.15))):
        kernel, recurrent, bias = (own[f"layer_{i}/{part}"] for part in ("kernel", "recurrent_kernel", "bias"))
        recurrent = recurrent * drawn(recurrent.shape, 0.3, key.child(10 * i + 10))
        hidden, cell = map(torch.tensor, before[i])
        outputs = []
        for t in range(STEPS):
            admit, keep, new, give = (states[:, t] @ kernel + hidden @ recurrent + bias).chunk(4, dim=1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(admit) * torch.tanh(new)
            hidden = torch.sigmoid(give) * torch.tanh(cell)
            outputs.append(hidden)
        for kept, expected in zip(step.state[i], (hidden, cell)):
            np.testing.assert_allclose(kept, expected.detach().numpy(), atol=1e-5)
        states = torch.stack(outputs, dim=1) * drawn([LANES, 1, size], rate, key.child(10 * i + 11))
    logits = states @ own["word_embeddings"].T + own["lm_bias"]
    expected = torch.nn.functional.cross_entropy(
        logits.reshape(-1, 30), torch.tensor(following.ravel(), dtype=torch.long)
    )
    expected.backward()
    assert math.isclose(loss, float(expected), rel_tol=1e-5)
    for name, variable in objective.named_weights().items():
        moved = weights[name] - 0.5 * leaves[name].grad.numpy()
        np.testing.assert_allclose(variable.numpy(), moved, atol=2e-5, err_msg=name)


def test_the_future_is_not_seen():
    encoder, batch = small_models.encoder("awd_lstm"), small_models.features((8, 8))
    changed = {**batch, "input_ids": batch["input_ids"].copy()}
    changed["input_ids"][:, 5] = (changed["input_ids"][:, 5] + 7) % 59 + 1
    one, other = (encoder(b)["sequence_output"].numpy() for b in (batch, changed))
    np.testing.assert_array_equal(one[:, :5], other[:, :5])
    assert np.max(np.abs(one[:, 5:] - other[:, 5:])) > 1e-3


def test_a_bidirectional_encoder_is_refused():
    with pytest.raises(InputError, match="the encoder bert sees the tokens that are to be predicted"):
        registry.get("objective", "causal_lm")(small_models.encoder("bert"))
