"""Correlations and logistic regression against scipy and scikit-learn called directly."""

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit, StratifiedKFold, cross_val_predict

from bertline.errors import InputError
from bertline.vector_evaluation import scores

GRID = {"C": [0.25, 0.5, 1, 2, 4, 8, 16, 32]}


@pytest.fixture(scope="module")
def digits():
    """240 digits of 4 kinds, 64 pixels, with noise: which strength is chosen matters."""
    x, y = load_digits(n_class=4, return_X_y=True)
    x, y = x[:240] / 16, y[:240]
    return scores.LabelledVectors(x + np.random.default_rng(0).normal(0, 0.5, x.shape), y)


def direct():
    return LogisticRegression(max_iter=1000)


def test_correlations():
    draw = np.random.default_rng(0)
    first, second = draw.normal(size=(2, 50, 8)).astype(np.float32)
    gold = draw.uniform(0, 5, 50)
    cosines = [1 - scipy.spatial.distance.cosine(a, b) for a, b in zip(first.astype(float), second.astype(float))]
    found = scores.similarity(first, second, gold, ("spearman", "pearson"))
    assert found["spearman"] == pytest.approx(scipy.stats.spearmanr(cosines, gold).statistic)
    assert found["pearson"] == pytest.approx(scipy.stats.pearsonr(cosines, gold).statistic)


def test_cosine_of_zeros_is_zero():
    assert scores.cosines([[0.0, 0.0], [1.0, 0.0]], [[1.0, 2.0], [2.0, 0.0]]).tolist() == [0.0, 1.0]


def test_equal_cosines_have_no_correlation():
    with pytest.raises(InputError, match="the cosine of all 3 pairs is 1; there is no correlation"):
        scores.similarity(np.ones([3, 2]), np.ones([3, 2]), [1, 2, 3], ("spearman",))


def test_features_of_pairs():
    assert scores.pair_features(np.array([[1.0, -2.0]]), np.array([[3.0, 1.0]])).tolist() == [[2, 3, 3, -2]]


@pytest.mark.parametrize("seed", [0, 1])
def test_strength_chosen_by_folds(digits, seed):
    train, test = digits[slice(160)], digits[slice(160, 240)]
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    search = GridSearchCV(direct(), GRID, cv=folds, scoring="accuracy").fit(train.x, train.y)
    predicted, strength = scores.FrozenClassifier(5, seed).predict(train, None, test)
    assert strength == search.best_params_["C"]
    np.testing.assert_array_equal(predicted, search.predict(test.x))


def test_strength_chosen_on_dev(digits):
    train, dev, test = digits[slice(100)], digits[slice(100, 160)], digits[slice(160, 240)]
    split = PredefinedSplit([-1] * 100 + [0] * 60)
    both = np.concatenate([train.x, dev.x]), np.concatenate([train.y, dev.y])
    best = GridSearchCV(direct(), GRID, cv=split, scoring="accuracy", refit=False).fit(*both).best_params_["C"]
    predicted, strength = scores.FrozenClassifier(5, 0).predict(train, dev, test)
    assert strength == best
    expected = LogisticRegression(C=best, max_iter=1000).fit(train.x, train.y).predict(test.x)
    np.testing.assert_array_equal(predicted, expected)


def test_without_splits(digits):
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    search = GridSearchCV(direct(), GRID, cv=folds, scoring="accuracy")
    expected = cross_val_predict(search, digits.x, digits.y, cv=folds)
    predicted, strengths = scores.FrozenClassifier(3, 1).predict_all(digits)
    np.testing.assert_array_equal(predicted, expected)
    assert len(strengths) == 3 and set(strengths) <= set(GRID["C"])
    found = scores.classification(predicted, digits.y, 4, ("accuracy", "f1_macro"))
    assert found["accuracy"] == accuracy_score(digits.y, expected) > 0.5


def test_a_rare_class_is_no_obstacle(digits):
    y = digits.y.copy()
    y[0] = 4
    predicted, _ = scores.FrozenClassifier(3, 1).predict_all(scores.LabelledVectors(digits.x, y))
    assert len(predicted) == 240


def test_no_convergence_is_an_error(digits, monkeypatch):
    monkeypatch.setattr(scores, "MOST_ITERATIONS", 2)
    with pytest.raises(InputError, match="does not converge in 2 iterations"):
        scores.FrozenClassifier(3, 1).predict(digits, digits, digits)
