"""Documents by windows, against the same windows one by one, and against the same rows without windows."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.modeling.objectives.classification.stochastic_answer import StochasticAnswer
from bertline.modeling.windows_encoder import WindowsEncoder
from bertline.training.optimizers.sgd import SGD
from bertline.training.steps.step import TrainStep
from bertline.training.terms.layer_matching import LayerMatching

POOLINGS = ("mean", "max", "learned")
LEARNED = [pytest.param("mean", marks=pytest.mark.long), pytest.param("max", marks=pytest.mark.long), "learned"]
COUNTS = ((4, 7), (5,), (3, 2, 6))  # of the tokens of each window of three documents


def document_batch(counts=COUNTS, extra_windows=0, extra_tokens=0):
    """Documents, whose windows are one after the other; random ids stand in the padding too."""
    features = small_models.features([sum(one) for one in counts], max(map(sum, counts)) + extra_tokens)
    lengths = np.zeros([len(counts), max(map(len, counts)) + extra_windows], np.int32)
    for row, one in zip(lengths, counts):
        row[: len(one)] = one
    return {**features, "window_lengths": lengths, "label_ids": np.arange(len(counts), dtype=np.int32) % 3}


def objective(pooling=None, dropout=0.0, cls=SequenceClassification):
    """Equal ones have equal weights, whatever reads windows or not."""
    encoder = small_models.encoder("bert", dropout=dropout)
    model = cls(encoder if pooling is None else WindowsEncoder(encoder, pooling), 3)
    small_models.randomize(model)
    return model


def gradients(model, batch, key=None):
    batch = small_models.tensors(batch)
    weights = model.named_weights()
    with tf.GradientTape() as tape:
        outputs = model(batch, dropout_key=key)
        loss = tf.reduce_sum(model.losses(batch, outputs)["loss"])
    found = tape.gradient(loss, list(weights.values()), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return outputs["logits"].numpy(), {name: tf.convert_to_tensor(g).numpy() for name, g in zip(weights, found)}


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_vector_of_each_window_by_itself(pooling):
    model, batch = objective(pooling), document_batch()
    rows = [
        {name: batch[name][i : i + 1, end - length : end] for name in ("input_ids", "segment_ids", "input_mask")}
        for i, one in enumerate(COUNTS)
        for length, end in zip(one, np.cumsum(one))
    ]
    vectors = np.concatenate([model.encoder.encoder(small_models.tensors(row))["pooled_output"] for row in rows])
    ends = np.cumsum([len(one) for one in COUNTS])
    of_documents = [vectors[end - len(one) : end] for one, end in zip(COUNTS, ends)]
    if pooling == "learned":
        weights = model.named_weights()["window_weights"].numpy()
        scores = [np.exp(one @ weights) for one in of_documents]
        expected = [score / score.sum() @ one for score, one in zip(scores, of_documents)]
    else:
        expected = [getattr(one, pooling)(axis=0) for one in of_documents]
    found = model(small_models.tensors(batch))["vectors"].numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", LEARNED)
def test_documents_of_one_window_are_rows_without_windows(pooling):
    batch = document_batch(((4,), (9,), (6,)))
    plain = {name: array for name, array in batch.items() if name != "window_lengths"}
    logits, found = gradients(objective(pooling, dropout=0.2), batch, DropoutKey(tf.constant([3, 1])))
    expected_logits, expected = gradients(objective(dropout=0.2), plain, DropoutKey(tf.constant([3, 1])))
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-5, atol=1e-6)
    assert np.abs(found.pop("window_weights", 0.0)).max() < 1e-6
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert np.max(np.abs(found[name] - gradient)) <= 1e-5 * max(1.0, np.max(np.abs(gradient))), name


@pytest.mark.parametrize("pooling", LEARNED)
def test_padding_of_windows_and_of_tokens_changes_nothing(pooling):
    logits, expected = gradients(objective(pooling), document_batch())
    padded = document_batch(extra_windows=2, extra_tokens=3)
    padded["input_ids"][:, :-3], padded["segment_ids"][:, :-3] = (
        document_batch()[name] for name in ("input_ids", "segment_ids")
    )
    found_logits, found = gradients(objective(pooling), padded)
    np.testing.assert_allclose(found_logits, logits, rtol=1e-5)
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.long
def test_accumulated_micro_batches_make_the_step_of_the_whole_batch(monkeypatch):
    monkeypatch.setattr("bertline.modeling.objectives.classification.sequence_classification.HEAD_DROPOUT", 0.0)
    weights = []
    for micro_batches in (1, 2):
        model = objective("learned")
        optimizer = SGD(model.named_weights(), lambda step: tf.constant(0.5))
        step = tf.Variable(0, dtype=tf.int64)
        TrainStep(model, optimizer, step, 7, gradient_accumulation_steps=micro_batches)(
            small_models.tensors(document_batch())
        )
        weights.append({name: variable.numpy() for name, variable in model.named_weights().items()})
    start = objective("learned").named_weights()["window_weights"].numpy()
    assert small_models.relative_difference(weights[0]["window_weights"], start) > 1e-3
    for name, weight in weights[0].items():
        assert small_models.relative_difference(weights[1][name], weight) < 1e-5, name


def test_its_weights_are_those_of_the_encoder():
    model = objective("learned")
    assert model.encoder.named_weights().keys() == model.encoder.encoder.named_weights().keys()
    assert {*model.named_weights()} - {*objective().named_weights()} == {"window_weights"}
    assert model.layout == "windows" and objective().layout is None


def test_an_objective_that_reads_the_states_of_tokens_cannot_have_windows():
    with pytest.raises(ValueError, match="reads more than the vector of a document"):
        objective("mean", cls=StochasticAnswer)


def test_layers_of_a_teacher_are_not_compared_by_windows():
    encoder = small_models.encoder("bert")
    with pytest.raises(InputError, match="several windows of it; leave them out, or --windows"):
        LayerMatching(WindowsEncoder(encoder, "mean"), encoder, "teacher", 1.0, 0.0)
