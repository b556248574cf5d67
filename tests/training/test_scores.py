"""Metrics as GLUE defines them, against their formulas written out."""

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.training.scores import score


def one_hot(classes, count):
    """Probabilities whose largest one is the class's."""
    return np.eye(count)[classes] * 0.5 + 0.5 / count


def counts(gold, found):
    """True and false positives, false and true negatives of class 1."""
    return [np.sum((gold == g) & (found == f)).astype(float) for g, f in ((1, 1), (0, 1), (1, 0), (0, 0))]


def ranks(values):
    """From 1; equal values share the mean of their ranks."""
    return np.array([np.sum(values < value) + (np.sum(values == value) + 1) / 2 for value in values])


def correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))


@pytest.mark.parametrize("seed", range(3))
def test_two_classes(seed):
    draw = np.random.default_rng(seed)
    gold, found = draw.integers(0, 2, 50), draw.integers(0, 2, 50)
    tp, fp, fn, tn = counts(gold, found)
    scores = score.compute(["accuracy", "f1", "mcc"], gold, one_hot(found, 2))
    assert scores == pytest.approx(
        {
            "accuracy": (tp + tn) / 50,
            "f1": 2 * tp / (2 * tp + fp + fn),
            "mcc": (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
        }
    )


def test_f1_over_classes():
    draw = np.random.default_rng(0)
    gold, found = draw.integers(0, 3, 60), draw.integers(0, 3, 60)
    of_class = [2 * tp / (2 * tp + fp + fn) for tp, fp, fn, _ in (counts(gold == c, found == c) for c in range(3))]
    scores = score.compute(["f1_macro", "f1_micro"], gold, one_hot(found, 3))
    assert scores == pytest.approx({"f1_macro": np.mean(of_class), "f1_micro": np.mean(gold == found)})


def test_several_labels():
    draw = np.random.default_rng(0)
    gold, probabilities = draw.integers(0, 2, [40, 3]), draw.random([40, 3])
    found = (probabilities >= 0.5).astype(int)
    tp, fp, fn, _ = counts(gold, found)
    scores = score.compute(["accuracy", "f1_micro"], gold.astype(np.float32), probabilities)
    assert scores == pytest.approx(
        {
            "accuracy": np.mean([np.array_equal(a, b) for a, b in zip(gold, found)]),
            "f1_micro": 2 * tp / (2 * tp + fp + fn),
        }
    )


def test_scores():
    draw = np.random.default_rng(0)
    gold = np.round(draw.uniform(0, 5, 30) * 2) / 2  # with ties
    found = gold + draw.normal(size=30)
    scores = score.compute(["pearson", "spearman"], gold.astype(np.float32), found[:, None].astype(np.float32))
    expected = {"pearson": correlation(gold, found), "spearman": correlation(ranks(gold), ranks(found))}
    assert scores == pytest.approx(expected, abs=1e-6)
    off = found - gold
    errors = score.compute(["mae", "rmse", "r2"], gold, found[:, None])
    assert errors == pytest.approx(
        {
            "mae": np.mean(np.abs(off)),
            "rmse": np.sqrt(np.mean(off**2)),
            "r2": 1 - np.sum(off**2) / np.sum((gold - gold.mean()) ** 2),
        }
    )


@pytest.mark.parametrize("name", ["pearson", "spearman"])
@pytest.mark.filterwarnings("error")
def test_a_constant_prediction_correlates_with_nothing(name):
    assert score.compute([name], np.arange(5.0), np.full([5, 1], 3.0)) == {name: 0.0}


@pytest.mark.parametrize("name, called", [("pearson", "correlation"), ("spearman", "correlation"), ("r2", "R2")])
@pytest.mark.filterwarnings("error")
def test_of_one_row_nothing_is_told_and_it_is_said(name, called, caplog):
    assert score.compute([name], np.array([1.0]), np.array([[2.0]])) == {name: 0.0}
    assert f"no {called} can be told of 1 row" in caplog.text


@pytest.mark.filterwarnings("error")
def test_no_positive_at_all():
    gold = np.zeros(4, np.int32)
    assert score.compute(["f1", "mcc"], gold, one_hot(gold, 2)) == {"f1": 0.0, "mcc": 0.0}


def test_every_name_gives_a_number():
    of_classes = ("accuracy", "f1", "f1_macro", "f1_micro", "mcc")
    for name in (*of_classes, "pearson", "spearman", "mae", "rmse", "r2"):
        scores = name not in of_classes
        gold = np.array([0.0, 1.0, 1.0]) if scores else np.array([0, 1, 1])
        best = 0.0 if score.lower_is_better(name) else 1.0
        assert score.compute([name], gold, gold[:, None] if scores else one_hot(gold, 2)) == {name: pytest.approx(best)}


def test_unknown_name():
    with pytest.raises(InputError, match="unknown score 'accurracy'; did you mean 'accuracy'"):
        score.compute(["accurracy"], np.zeros(1, np.int32), np.ones([1, 2]))
