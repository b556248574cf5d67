"""Losses of classes against torch and Keras, and what --loss refuses."""

import dataclasses
import types

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.settings.owned import check_owners
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs import objective_arguments

DRAW = np.random.default_rng(3)
LOGITS = DRAW.normal(0.0, 3.0, (7, 4)).astype(np.float32)
LABELS = DRAW.integers(0, 4, 7).astype(np.int32)
SEVERAL = DRAW.integers(0, 2, (7, 4)).astype(np.float32)
WEIGHTS = [0.5, 2.0, 1.0, 3.0]


def make(name, shares=None, **options):
    return registry.get("loss", name)(shares, **options)


def of_classes(loss, logits=LOGITS):
    return loss.of_classes(tf.constant(LABELS), tf.constant(logits)).numpy()


def of_several(loss):
    return loss.of_several(tf.constant(SEVERAL), tf.constant(LOGITS)).numpy()


def test_focal_is_that_of_keras():
    of_keras = keras.losses.CategoricalFocalCrossentropy(1.0, 1.7, from_logits=True, reduction=None)
    np.testing.assert_allclose(
        of_classes(make("focal", focal_gamma=1.7)), of_keras(np.eye(4)[LABELS], LOGITS), rtol=2e-4, atol=1e-6
    )
    each = keras.losses.BinaryFocalCrossentropy(gamma=1.7, from_logits=True, reduction=None)
    expected = each(SEVERAL[..., None], LOGITS[..., None])  # its mean over the last axis is of one number
    np.testing.assert_allclose(of_several(make("focal", focal_gamma=1.7)), expected, rtol=2e-4, atol=1e-6)


def test_focal_has_a_gradient_where_a_row_is_certain():
    logits = tf.constant([[200.0, -200.0], [3.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.reduce_sum(make("focal", focal_gamma=0.5).of_classes(tf.constant([0, 0]), logits))
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient[1]).min() > 0.0


def test_logit_adjustment_is_the_pairwise_margin_of_the_paper():
    """Equation 10: log(1 + sum over others of (share' / share) ** tau * exp(f' - f))."""
    shares, tau = np.array([0.7, 0.2, 0.1, 0.0]), 1.3
    filled = np.array([0.7, 0.2, 0.1, 0.1])  # a class that no row has
    logits = LOGITS.astype(np.float64)
    expected = [
        np.log1p(sum((filled[o] / filled[y]) ** tau * np.exp(f[o] - f[y]) for o in range(4) if o != y))
        for f, y in zip(logits, LABELS)
    ]
    found = of_classes(make("logit_adjustment", shares.tolist(), adjustment_tau=tau))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_focal_without_its_exponent_is_the_cross_entropy():
    plain, focal = make("cross_entropy"), make("focal", focal_gamma=0.0)
    np.testing.assert_allclose(of_classes(focal), of_classes(plain), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(of_several(focal), of_several(plain), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", registry.names("loss"))
def test_class_weights_compose(name):
    """A weighted mean, as torch has it, of classes; of several labels each label's loss by its weight."""
    loss, encoder = make(name, [0.25] * 4), small_models.encoder(num_hidden_layers=1)
    model = SequenceClassification(encoder, 4, class_weights=WEIGHTS, loss=loss)
    features, outputs = {"label_ids": tf.constant(LABELS)}, {"logits": tf.constant(LOGITS)}
    np.testing.assert_array_equal(model.losses(features, outputs)["loss"], of_classes(loss))
    np.testing.assert_array_equal(model.loss_weights(features)["loss"], np.float32(WEIGHTS)[LABELS])
    if "multi_label_classification" in loss.problem_types:
        model = SequenceClassification(encoder, 4, "multi_label_classification", WEIGHTS, loss)
        found = model.losses({"label_ids": tf.constant(SEVERAL)}, outputs)["loss"]
        np.testing.assert_allclose(found, (of_several(loss) * np.float32(WEIGHTS)).mean(axis=1), rtol=1e-6)


def chosen(labels="single_label_classification", rows=("a", "a", "a", "b"), **run):
    examples = None if rows is None else [InputExample("1", "x", label=label) for label in rows]
    run = ClassifierSettings(do_train=True, task_name="tsv", **run)
    return objective_arguments.make_loss(run, make_labels(labels, ["a", "b"]), examples)


def test_a_loss_is_chosen_by_its_name_and_options():
    assert chosen(loss="focal", focal_gamma=1.5).gamma == 1.5
    np.testing.assert_allclose(chosen(loss="logit_adjustment").class_shares, [0.75, 0.25])
    assert chosen("regression", rows=(1.0, 2.0)) is None


def test_what_does_not_fit_is_refused_in_one_line():
    with pytest.raises(InputError, match="^--loss=focal is for single_label_.* --task_name=tsv is regression; leave"):
        chosen("regression", rows=(1.0,), loss="focal")
    with pytest.raises(InputError, match="^--loss=logit_adjustment is for single_label_classification; "):
        chosen("multi_label_classification", rows=(("a",),), loss="logit_adjustment")
    with pytest.raises(InputError, match="^--loss=logit_adjustment counts .*--train_records is given; give the task's"):
        chosen(loss="logit_adjustment", rows=None)
    with pytest.raises(InputError, match="unknown loss 'fokal'; did you mean 'focal'"):
        chosen(loss="fokal")
    with pytest.raises(
        InputError, match="^--focal_gamma is of no use with --loss=cross_entropy; it is for --loss=focal"
    ):
        check_owners(ClassifierSettings(focal_gamma=1.0))
    with pytest.raises(InputError, match="^--loss=focal: the constructor of Mine does not take it; leave it out$"):
        labels, run = make_labels("single_label_classification", ["a", "b"]), ClassifierSettings(loss="focal")
        processor, of_its_own = types.SimpleNamespace(score_range=None), lambda self, encoder, num_labels: None
        mine = type("Mine", (SequenceClassification,), {"__init__": of_its_own})
        run = dataclasses.replace(run, objective="mine")
        objective_arguments.objective_arguments(run, mine, processor, labels, [])
    with pytest.raises(InputError, match="^--loss is of no use with --objective=similarity_regression"):
        check_owners(ClassifierSettings(loss="focal", objective="similarity_regression"))
