"""The original's own answers for a tiny model: every layer, losses, gradients, 20 steps of its optimizer."""

import json

import numpy as np
import pytest
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.speed.switches import rematerialization, static_shapes
from bertline.training.optimizers.adamw import AdamW
from bertline.training.schedules.linear import Linear
from bertline.training.steps.step import TrainStep
from bertline.weights.load_save import load_weights


@pytest.fixture(scope="module")
def folder(golden_dir):
    return golden_dir / "tiny_bert"


@pytest.fixture(scope="module")
def outputs(folder):
    return dict(np.load(folder / "outputs.npz"))


@pytest.fixture(scope="module")
def batch(outputs):
    kinds = dict.fromkeys(
        ["input_ids", "input_mask", "segment_ids", "masked_lm_positions", "masked_lm_ids", "next_sentence_labels"],
        np.int32,
    )
    arrays = {name: outputs[name].astype(kind) for name, kind in {**kinds, "masked_lm_weights": np.float32}.items()}
    arrays["next_sentence_labels"] = arrays["next_sentence_labels"].reshape(-1)
    return {name: tf.constant(array) for name, array in arrays.items()}


def load(folder, checkpoint="bert_model.ckpt", static=False, rematerialize=False):
    config = BertConfig.from_json_file(str(folder / "bert_config.json"))
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    with static_shapes(static), rematerialization(rematerialize):
        objective = registry.get("objective", "masked_lm")(registry.get("encoder", "bert")(config))
    report = load_weights(objective, str(folder / checkpoint))
    assert not (report.missing or report.unused or report.reshaped)
    return objective


@pytest.fixture(scope="module", params=[False, True], ids=["packed", "static"])
def objective(folder, request):
    return load(folder, static=request.param)


def largest_difference(found, expected):
    assert found.shape == expected.shape
    return np.max(np.abs(np.asarray(found) - expected))


def test_variables_are_named_as_in_the_original(folder, objective):
    shapes = tf.train.load_checkpoint(str(folder / "weights_only.ckpt")).get_variable_to_shape_map()
    shapes.pop("global_step", None)
    assert {name: list(v.shape) for name, v in objective.named_weights().items()} == shapes


def test_every_layer(objective, outputs, batch):
    found, real = objective.encoder(batch, all_layers=True), outputs["input_mask"][:, :, None]
    assert 0 < real.mean() < 0.95, "the golden batch has padding"
    layers = [outputs["embedding_output"], *outputs["all_encoder_layers"]]
    assert len(found["all_layers"]) == len(layers)
    for state, expected in zip(found["all_layers"], layers):
        assert largest_difference(state * real, expected * real) < 1e-5
    assert largest_difference(found["pooled_output"], outputs["pooled_output"]) < 1e-5


def test_heads_and_losses(objective, outputs, batch):
    found = objective(batch)
    words, slots = tf.nn.log_softmax(objective.masked_lm_logits(found)), found["masked_lm_slots"]
    counted = np.flatnonzero(outputs["masked_lm_weights"])
    assert set(counted) <= set(slots.numpy()) and len(counted) < outputs["masked_lm_weights"].size
    expected = outputs["masked_lm_log_probs"].reshape(-1, words.shape[-1])[slots.numpy()]
    assert largest_difference(words, expected) < 1e-5
    order = tf.nn.log_softmax(found["next_sentence_logits"])
    assert largest_difference(order, outputs["next_sentence_log_probs"]) < 1e-5
    values, weights = objective.losses(batch, found), objective.loss_weights(batch)
    for term in objective.terms:
        mean = np.sum(values[term] * weights[term]) / np.sum(weights[term])
        assert abs(mean - outputs[term]) < 1e-5


def test_gradients(objective, folder, batch):
    expected = np.load(folder / "gradients.npz")
    step = TrainStep(objective, AdamW(objective.named_weights(), Linear(1.0, 1)), tf.Variable(0, dtype=tf.int64), 0)
    totals = {term: tf.reduce_sum(w) for term, w in objective.loss_weights(batch).items()}
    _, found = step._forward_backward(batch, totals, DropoutKey(tf.constant([0, 0])))
    assert set(found) == set(expected.files)
    for name, gradient in found.items():
        # A key's bias moves all scores of a query alike: its gradient is 0 but for rounding.
        limit = 1e-6 if name.endswith("self/key/bias") else 1e-4 * np.max(np.abs(expected[name]))
        assert largest_difference(gradient, expected[name]) < limit, name


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"static": True, "rematerialize": True}], ids=["packed", "static"])
def test_twenty_steps_of_the_optimizer(folder, batch, options):
    objective, expected = load(folder, "weights_only.ckpt", **options), np.load(folder / "after_20_steps.npz")
    training = json.loads((folder / "training.json").read_text())
    schedule = Linear(training["learning_rate"], training["num_train_steps"], training["num_warmup_steps"])
    optimizer = AdamW(objective.named_weights(), schedule)
    step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), 0, max_grad_norm=training["clip_norm"])
    run = tf.function(step)
    losses = [float(run(batch)["loss"]) for _ in range(training["num_train_steps"])]
    weights = {name: variable.numpy() for name, variable in objective.named_weights().items()}
    losses.append(float(run(batch)["loss"]))
    np.testing.assert_allclose(losses, training["total_loss_before_each_step_and_at_end"], rtol=1e-4)
    assert set(weights) == set(expected.files)
    for name, weight in weights.items():
        assert largest_difference(weight, expected[name]) < 1e-4 * np.max(np.abs(expected[name])), name
