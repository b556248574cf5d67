"""Metrics by name, as GLUE defines them: float results from scikit-learn and scipy."""

import numpy as np
import scipy.stats
import sklearn.metrics

from errors import InputError

# name -> function of (labels, probabilities). Labels: int [n], float [n] (scores) or 0/1 [n, labels].


def _classes(function):
    return lambda labels, probabilities: function(labels, probabilities.argmax(axis=1))


def _labels(function):
    return lambda labels, probabilities: function(labels, probabilities >= 0.5)


def _scores(function):
    # A constant prediction has no correlation; nan would win or lose every comparison.
    return lambda labels, probabilities: float(np.nan_to_num(function(labels, probabilities[:, 0]).statistic))


METRICS = {
    "accuracy": _classes(sklearn.metrics.accuracy_score),
    "f1": _classes(lambda labels, predicted: sklearn.metrics.f1_score(labels, predicted, zero_division=0)),
    "macro_f1": _classes(lambda labels, predicted: sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0)),
    "mcc": _classes(sklearn.metrics.matthews_corrcoef),
    "pearson": _scores(scipy.stats.pearsonr),
    "spearman": _scores(scipy.stats.spearmanr),
    "exact_match": _labels(sklearn.metrics.accuracy_score),
    "micro_f1": _labels(lambda labels, predicted: sklearn.metrics.f1_score(labels, predicted, average="micro", zero_division=0)),
    "macro_f1_labels": _labels(lambda labels, predicted: sklearn.metrics.f1_score(labels, predicted, average="macro", zero_division=0)),
}  # fmt: skip


def compute(names, labels, probabilities):
    """name -> float, for the named metrics.

    Args:
      names: keys of METRICS.
      labels, probabilities: numpy arrays, see above; probabilities float [n, num_labels].

    Raises:
      InputError: an unknown name.
    """
    for name in names:
        if name not in METRICS:
            raise InputError(f"unknown metric {name!r}; known: {', '.join(METRICS)}")
    return {name: float(METRICS[name](labels, probabilities)) for name in names}
