"""Label smoothing of every objective that has probabilities: values and gradients against torch and Keras."""

import types

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.training.terms.term import make_terms

DRAW = np.random.default_rng(3)
SHARE = 0.2
ENCODER = small_models.encoder(num_hidden_layers=1)


def objective(name, *arguments, **options):
    return registry.get("objective", name)(ENCODER, *arguments, **options)


def smoothed(made, features, outputs):
    """(the objective's loss with the term, its gradients) of outputs that are given: name -> array."""
    [term] = make_terms(made, {"terms": "label_smoothing", "label_smoothing": SHARE})
    variables = {name: tf.Variable(value) for name, value in outputs.items()}
    with tf.GradientTape() as tape:
        given = {name: tf.convert_to_tensor(variable) for name, variable in variables.items()}
        losses = made.losses(features, given)
        [added] = term.losses(types.SimpleNamespace(features=features, outputs=given, losses=losses)).values()
        total = losses["loss"] + added
    gradients = tape.gradient(total, variables)
    return total.numpy(), {name: found.numpy() for name, found in gradients.items() if found is not None}


def of_torch(labels, logits):
    """(the loss less the entropy of the even distribution, its gradient) of torch."""
    torch = pytest.importorskip("torch", reason="make peers")
    given = torch.tensor(logits, requires_grad=True)
    found = torch.nn.functional.cross_entropy(
        given, torch.tensor(labels, dtype=torch.int64), reduction="none", label_smoothing=SHARE
    )
    found.sum().backward()
    return found.detach().numpy() - SHARE * np.log(logits.shape[1]), given.grad.numpy()


def test_of_classes_it_is_torchs():
    logits, labels = DRAW.normal(0.0, 3.0, (7, 4)).astype(np.float32), DRAW.integers(0, 4, 7).astype(np.int32)
    found, gradients = smoothed(objective("sequence_classification", 4), {"label_ids": labels}, {"logits": logits})
    expected, gradient = of_torch(labels, logits)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradients["logits"], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("class_weights", (None, [10.0, 1.0, 0.5, 2.0]))
def test_of_several_labels_it_is_that_of_keras(class_weights):
    logits = DRAW.normal(0.0, 3.0, (7, 4)).astype(np.float32)
    labels = DRAW.integers(0, 2, (7, 4)).astype(np.float32)
    made = objective("sequence_classification", 4, "multi_label_classification", class_weights)
    found, _ = smoothed(made, {"label_ids": labels}, {"logits": logits})
    each = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=SHARE, reduction=None)
    expected = each(labels[..., None], logits[..., None]).numpy() - SHARE * np.log(2.0)
    np.testing.assert_allclose(found, (expected * (class_weights or 1.0)).mean(axis=1), rtol=1e-5, atol=1e-5)


def test_of_tags_it_is_torchs_of_each_word():
    logits, labels = DRAW.normal(0.0, 3.0, (3, 5, 4)).astype(np.float32), DRAW.integers(0, 4, (3, 5)).astype(np.int32)
    found, gradients = smoothed(objective("token_classification", 4), {"label_ids": labels}, {"logits": logits})
    expected, gradient = of_torch(labels.ravel(), logits.reshape(15, 4))
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradients["logits"].reshape(15, 4), gradient, rtol=1e-4, atol=1e-6)


def test_of_answers_the_share_is_spread_over_the_text_and_not_over_padding():
    mask, places = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32), np.array([4, 0], np.int32)
    low = np.where(mask > 0, 0.0, -1e4).astype(np.float32)
    logits = DRAW.normal(0.0, 2.0, (2, 5)).astype(np.float32) + low
    features = {"input_mask": mask, "start_positions": places, "end_positions": places}
    found, gradients = smoothed(objective("span_extraction"), features, {"start_logits": logits, "end_logits": logits})
    for row, count in enumerate((5, 3)):
        expected, gradient = of_torch(places[row : row + 1], logits[row : row + 1, :count])
        np.testing.assert_allclose(found[row], expected[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(2 * gradients["end_logits"][row, :count], gradient[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(gradients["end_logits"][row, count:], 0.0)


def test_of_candidates_it_is_spread_over_those_that_are_there():
    scores, is_there = np.array([[2.0, -1.0, -1e9], [0.5, 1.0, 3.0]], np.float32), np.array([[1, 1, 0], [1, 1, 1.0]])
    labels = np.array([[0, 1, -1], [1, 0, 0]], np.float32)
    outputs = {"scores": scores, "is_there": is_there.astype(np.float32)}
    found, _ = smoothed(objective("candidate_ranking"), {"label_ids": labels}, outputs)
    for row, (count, right) in enumerate(((2, 1), (3, 0))):
        expected, _ = of_torch(np.array([right]), scores[row : row + 1, :count])
        np.testing.assert_allclose(found[row], expected[0], rtol=1e-5)


@pytest.mark.parametrize(
    "name, arguments, options",
    [
        ("sequence_classification", (1, "regression"), {}),
        ("similarity_regression", (), {}),
        ("token_classification", (4,), {"crf": True}),
    ],
)
def test_what_has_no_probabilities_is_refused(name, arguments, options):
    message = f"^--terms=label_smoothing: --objective={name} has no probabilities of several answers; leave the term"
    with pytest.raises(InputError, match=message):
        make_terms(objective(name, *arguments, **options), {"terms": "label_smoothing"})
