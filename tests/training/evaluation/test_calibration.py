"""Calibration against scikit-learn and torch, and a head that has it in its weights."""

import numpy as np
import pytest
import scipy.special
import sklearn.metrics as sk
import small_models
import tensorflow as tf
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from bertline.errors import InputError
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.evaluation import calibration
from bertline.training.jobs import objective_arguments

DRAW = np.random.default_rng(4)
RIGHT = DRAW.normal(0.0, 1.5, (400, 3))
CLASSES = np.array([DRAW.choice(3, p=scipy.special.softmax(row)) for row in RIGHT])
SEVERAL = (DRAW.random((400, 3)) < scipy.special.expit(RIGHT)).astype(np.float32)
NAMES = ["a", "b", "c"]
SURE = (2.5 * RIGHT).astype(np.float32)  # as of a model that is too sure


def test_a_temperature_is_the_best_of_a_grid():
    scale, offset = calibration.fit("temperature", CLASSES, SURE, NAMES)
    assert np.ptp(scale) == 0.0 and not offset.any()

    def loss(temperature):
        return sk.log_loss(CLASSES, scipy.special.softmax(SURE.astype(np.float64) / temperature, axis=1))

    grid = np.linspace(2.0, 3.0, 101)  # the logits were multiplied by 2.5
    assert 1.0 / scale[0] == pytest.approx(grid[np.argmin([loss(t) for t in grid])], abs=0.01)


def test_a_temperature_of_several_labels_is_the_best_of_a_grid():
    scale, offset = calibration.fit("temperature", SEVERAL, SURE, NAMES)
    assert np.ptp(scale) == 0.0 and not offset.any()
    grid = np.linspace(2.0, 3.0, 101)
    losses = [sk.log_loss(SEVERAL.ravel(), scipy.special.expit(SURE.ravel().astype(np.float64) / t)) for t in grid]
    assert 1.0 / scale[0] == pytest.approx(grid[np.argmin(losses)], abs=0.01)


def test_a_label_that_no_dev_row_has_is_not_lost(caplog):
    """Its best offset is minus infinity: it would never be predicted again."""
    rows = CLASSES != 1
    found = calibration.fit("vector", CLASSES[rows], SURE[rows], NAMES)
    np.testing.assert_array_equal(found, calibration.fit("temperature", CLASSES[rows], SURE[rows], NAMES))
    assert "no dev row is b; a temperature is fitted instead" in caplog.text
    scale, offset = calibration.fit("vector", SEVERAL * [1, 0, 1], SURE, NAMES)
    assert (scale[1], offset[1]) == (1.0, 0.0) and "the dev rows agree on b, which stays as it is" in caplog.text
    expected = calibration.fit("vector", SEVERAL, SURE, NAMES)
    np.testing.assert_allclose([scale[[0, 2]], offset[[0, 2]]], np.stack(expected)[:, [0, 2]], rtol=1e-2)
    scale, offset = calibration.fit("vector", np.ones_like(SEVERAL), SURE, NAMES)
    assert scale.tolist() == [1.0] * 3 and not offset.any()


def test_vectors_of_several_labels_are_platts():
    """Each label by itself: a logistic regression of its logit."""
    scale, offset = calibration.fit("vector", SEVERAL, SURE, NAMES)
    for i in range(3):
        of_sklearn = LogisticRegression(C=1e9, tol=1e-8).fit(SURE[:, i : i + 1], SEVERAL[:, i])
        assert scale[i] == pytest.approx(of_sklearn.coef_[0, 0], rel=1e-2)
        assert offset[i] == pytest.approx(of_sklearn.intercept_[0], abs=1e-2)


def test_vectors_of_classes_leave_no_gradient():
    torch = pytest.importorskip("torch", reason="make peers")
    scale, offset = (torch.tensor(x, requires_grad=True) for x in calibration.fit("vector", CLASSES, SURE, NAMES))
    torch.nn.functional.cross_entropy(scale * torch.tensor(SURE) + offset, torch.tensor(CLASSES)).backward()
    assert max(scale.grad.abs().max(), offset.grad.abs().max()) < 1e-3
    start = torch.tensor(SURE, requires_grad=True)
    assert scale.detach().min() > 0.2 and start.shape == (400, 3)


def test_errors_are_those_of_scikit_learn():
    found = calibration.errors(CLASSES, SURE)
    likely = scipy.special.softmax(SURE.astype(np.float64), axis=1)
    assert found["cross_entropy"] == pytest.approx(sk.log_loss(CLASSES, likely))
    right, top = likely.argmax(axis=1) == CLASSES, likely.max(axis=1)
    assert found["expected_calibration_error"] == pytest.approx(restated_error(right, top))
    assert found["brier"] == pytest.approx(sum(sk.brier_score_loss(CLASSES == c, likely[:, c]) for c in range(3)))
    found, likely = calibration.errors(SEVERAL, SURE), scipy.special.expit(SURE.astype(np.float64))
    assert found["expected_calibration_error"] == pytest.approx(restated_error(SEVERAL.ravel(), likely.ravel()))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(SEVERAL.ravel(), likely.ravel()))


def restated_error(right, likely):
    shares, means = calibration_curve(right, likely, n_bins=15)
    edges = np.histogram(likely, np.linspace(0.0, 1.0, 16))[0]
    return np.sum(edges[edges > 0] / len(likely) * np.abs(shares - means))


def test_a_head_that_was_scaled_gives_the_scaled_probabilities():
    objective = SequenceClassification(small_models.encoder(num_hidden_layers=1), 3)
    small_models.randomize(objective)
    features, (scale, offset) = (
        small_models.tensors(small_models.features()),
        calibration.fit("vector", CLASSES, SURE, NAMES),
    )
    logits = objective(features)["logits"]
    objective.scale_logits(scale, offset)
    found = objective.predictions(objective(features))["probabilities"]
    np.testing.assert_allclose(found, tf.nn.softmax(logits * np.float32(scale) + np.float32(offset)), atol=1e-5)


def test_files_say_before_and_after(tmp_path):
    scale, offset = calibration.fit("temperature", CLASSES, SURE, NAMES)
    calibration.write(str(tmp_path), CLASSES, SURE, scale * SURE + offset)
    lines = [line.split("\t") for line in (tmp_path / "calibration.tsv").read_text().splitlines()]
    assert lines[0] == ["", "cross_entropy", "expected_calibration_error", "brier"]
    before, after = (dict(zip(lines[0][1:], map(float, line[1:]))) for line in lines[1:])
    assert before == pytest.approx(calibration.errors(CLASSES, SURE), rel=1e-4)
    assert all(after[name] < before[name] for name in before)
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


class Task:
    problem_type = "single_label_classification"


@pytest.mark.parametrize(
    "given, said",
    [
        ({"calibrate": "platt"}, "^--calibrate=platt: one of temperature, vector is needed$"),
        ({"calibrate": "vector", "do_eval": False}, "^--calibrate=vector changes the weights .*--do_train and --do_"),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    run = ClassifierSettings(**{"do_train": True, "do_eval": True, "task_name": "tsv", **given})
    with pytest.raises(InputError, match=said):
        objective_arguments.calibration_of(run, SequenceClassification, Task)
