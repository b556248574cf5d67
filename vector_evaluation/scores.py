"""Scores of frozen vectors: correlation of cosines, accuracy of a logistic regression.

Source: SentEval (Conneau and Kiela 2018, https://arxiv.org/abs/1803.05449), section 3: features of pairs, choice of the
L2 strength; https://github.com/facebookresearch/SentEval, senteval/tools/validation.py.
"""

import dataclasses
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bertline.errors import InputError
from bertline.training.scores import score

# scikit-learn's C, the inverse of the strength; SentEval tries parts of this range.
STRENGTHS = tuple(2.0**power for power in range(-2, 6))
MOST_ITERATIONS = 1000


def cosines(first, second):
    """float [n, W], float [n, W] -> float64 [n]; 0 for a vector of zeros."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.sum(first * second, axis=1) / np.maximum(lengths, 1e-30)


def similarity(first, second, gold, names):
    """Correlations of the cosines with the gold scores, name -> float.

    Raises:
      InputError: all cosines are equal, so that there is none.
    """
    found = cosines(first, second)
    if np.ptp(found) < 1e-9:
        raise InputError(f"the cosine of all {len(found)} pairs is {found[0]:.4g}; there is no correlation")
    return score.compute(names, np.asarray(gold, np.float64), found[:, None])


def pair_features(first, second):
    """[|u - v|, u * v], float [n, 2 * W]."""
    return np.concatenate([np.abs(first - second), first * second], axis=1)


@dataclasses.dataclass(frozen=True)
class LabelledVectors:
    """Features, float [n, W], and classes, int [n]."""

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "x", np.asarray(self.x, np.float64))  # so that the optimum does not hang on rounding

    def __getitem__(self, chosen):
        return LabelledVectors(self.x[chosen], self.y[chosen])


class FrozenClassifier:
    """Logistic regression whose L2 strength is chosen on rows that are not scored.

    Args:
      folds: of cross validation. seed: of the folds.
    """

    def __init__(self, folds, seed):
        self._folds, self._seed = folds, seed

    def predict(self, train, dev, scored):
        """(classes int [n] of the scored rows, the chosen C): chosen on dev, or by folds of train where it is None.

        What is chosen is trained on train alone, as in SentEval.
        """
        chosen = self._choose_strength(train, dev)
        return _fit(train, chosen).predict(scored.x), chosen

    def predict_all(self, rows):
        """(classes int [n], list of the chosen C): each fold by a model of the other ones, chosen by folds of those."""
        predicted, chosen = np.empty_like(rows.y), []
        for train, test in self._split(rows):
            predicted[test], strength = self.predict(rows[train], None, rows[test])
            chosen.append(strength)
        return predicted, chosen

    def _choose_strength(self, train, dev):
        parts = [(train, dev)] if dev is not None else [(train[a], train[b]) for a, b in self._split(train)]
        accuracies = [np.mean([_accuracy(*part, strength) for part in parts]) for strength in STRENGTHS]
        # Rounded as SentEval does: of equally good ones the strongest regularisation.
        return STRENGTHS[int(np.argmax(np.round(accuracies, 4)))]

    def _split(self, rows):
        folds = StratifiedKFold(self._folds, shuffle=True, random_state=self._seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class of fewer rows than folds is in some of them only
            return list(folds.split(rows.x, rows.y))


def _fit(rows, strength):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return LogisticRegression(C=strength, max_iter=MOST_ITERATIONS).fit(rows.x, rows.y)
        except ConvergenceWarning:
            raise InputError(
                f"logistic regression does not converge in {MOST_ITERATIONS} iterations (C={strength:g}); vectors this "
                "large need --normalize or --transform=whitening"
            ) from None


def _accuracy(train, test, strength):
    return float(np.mean(_fit(train, strength).predict(test.x) == test.y))


def classification(predicted, classes, num_labels, names):
    """Metrics of predicted classes, name -> float; int [n], int [n]."""
    return score.compute(names, np.asarray(classes), np.eye(num_labels)[predicted])
