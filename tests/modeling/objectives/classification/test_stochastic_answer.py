"""The stochastic answer network against the equations of MT-DNN, stated again row by row; its folder."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.objectives.classification.stochastic_answer import StochasticAnswer
from bertline.weights.load_save import save_huggingface
from bertline.weights.open_model import open_model

SECOND = (4, 0, 5, 2, 7, 1, 3)  # tokens of the second text of each row; 0: there is none


def network(**options):
    found = StochasticAnswer(small_models.encoder("bert", num_hidden_layers=1), 3, **options)
    small_models.randomize(found)
    return found


def pairs():
    batch = small_models.classification_batch()
    lengths = batch["input_mask"].sum(axis=1)
    places = np.arange(batch["input_ids"].shape[1])
    batch["segment_ids"] = (places >= (lengths - SECOND)[:, None]).astype(np.int32) * batch["input_mask"]
    return batch


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def answer(weights, first, second, steps):
    """Probabilities, by the paper's equations: float [T1, H] and [T2, H] states of the two texts."""
    width = first.shape[1]
    w_r, w_z, w_n = np.split(weights["gru_kernel"], 3, axis=1)
    u_r, u_z, u_n = np.split(weights["gru_recurrent_kernel"], 3, axis=1)
    b, c = weights["gru_bias"], weights["gru_recurrent_bias"]
    s, found = softmax(second @ weights["answer_query"]) @ second, []
    for _ in range(steps):
        x = softmax(s @ weights["answer_attention"] @ first.T) @ first
        both = np.concatenate([s, x, np.abs(s - x), s * x])
        found.append(softmax(weights["answer_weights"] @ both + weights["answer_bias"]))
        r = sigmoid(x @ w_r + b[:width] + s @ u_r + c[:width])
        z = sigmoid(x @ w_z + b[width : 2 * width] + s @ u_z + c[width : 2 * width])
        n = np.tanh(x @ w_n + b[2 * width :] + r * (s @ u_n + c[2 * width :]))
        s = (1 - z) * n + z * s
    return np.mean(found, axis=0)


def test_answers_are_those_of_the_equations():
    model, batch = network(answer_steps=3), pairs()
    features = small_models.tensors(batch)
    states = model.encoder(features)["sequence_output"].numpy().astype(np.float64)
    weights = {name: value.numpy().astype(np.float64) for name, value in model.named_weights().items()}
    outputs = model(features)
    found = model.predictions(outputs)["probabilities"].numpy()
    expected = []
    for row, length, count in zip(states, batch["input_mask"].sum(axis=1), SECOND):
        texts = row[: length - count], row[length - count : length]
        expected.append(answer(weights, texts[0], texts[1] if count else row[:length], 3))
    np.testing.assert_allclose(found, expected, atol=2e-5)
    losses = model.losses(features, outputs)["loss"].numpy()
    picked = np.array(expected)[np.arange(len(expected)), batch["label_ids"]]
    np.testing.assert_allclose(losses, -np.log(picked), atol=1e-4)


def test_training_leaves_predictions_out_and_never_all():
    model = network(answer_steps=2, answer_dropout=0.5)
    kept = model._kept(4000, DropoutKey(tf.constant([1, 2]))).numpy() > 0
    # Each is kept by a half; of the quarter of rows that would keep none, both are.
    shares = [np.mean(kept.sum(axis=1) == count) for count in range(3)]
    assert shares[0] == 0 and shares[1:] == pytest.approx([0.5, 0.5], abs=0.03)
    outputs = [
        model(small_models.tensors(pairs()), dropout_key=DropoutKey(tf.constant([1, i])))["logits"] for i in (2, 3)
    ]
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


def test_a_folder_keeps_it(tmp_path):
    model = network(answer_steps=2)
    names = {"id2label": {str(i): name for i, name in enumerate("abc")}}
    save_huggingface(model, tmp_path, None, {**model.saved_entries(), **names})
    head, labels = open_model(tmp_path, vocab_required=False).read_head(model.encoder)
    assert head.answer_steps == 2 and labels.names == ["a", "b", "c"]
    features = small_models.tensors(pairs())
    np.testing.assert_array_equal(head(features)["logits"], model(features)["logits"])


def test_an_encoder_without_segments_is_refused():
    with pytest.raises(InputError, match="does not tell the texts of a pair apart"):
        StochasticAnswer(small_models.encoder("awd_lstm"), 3)
