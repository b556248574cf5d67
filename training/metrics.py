"""Metrics by name, as GLUE defines them, and errors of scores; computed by scikit-learn and scipy."""

import logging

import numpy as np
import scipy.stats
import sklearn.metrics as sk

import console
from errors import InputError


def predicted_labels(labels, probabilities):
    """int [n] for classes, 0/1 [n, num_labels] where `labels` has a column per label."""
    return probabilities.argmax(axis=1) if labels.ndim == 1 else (probabilities >= 0.5).astype(np.int64)


def _decided(function, **options):
    return lambda labels, probabilities: function(labels, predicted_labels(labels, probabilities), **options)


def _correlation(function):
    def metric(labels, scores):
        # A constant has no correlation: 0, since nan would neither win nor lose a comparison.
        if np.ptp(labels) == 0 or np.ptp(scores) == 0:
            return 0.0
        return np.nan_to_num(function(labels, scores[:, 0]).statistic)

    return _of_two_rows("correlation", metric)


def _of_two_rows(name, function):
    """A metric that says nothing of a single row: 0 there, and a line that says so."""

    def metric(labels, scores):
        if len(labels) < 2:
            logging.warning("no %s can be told of %d row; 0 is written", name, len(labels))
            return 0.0
        return function(labels, scores)

    return metric


def _error(function):
    return lambda labels, scores: function(labels, scores[:, 0])


def _mcc(labels, probabilities):
    found = predicted_labels(labels, probabilities)
    # One class everywhere: 0, of which scikit-learn warns.
    return 0.0 if len(np.union1d(labels, found)) < 2 else sk.matthews_corrcoef(labels, found)


METRICS = {
    "accuracy": _decided(sk.accuracy_score),  # for several labels: all of a row's right
    "f1": _decided(sk.f1_score, zero_division=0),  # of class 1
    "f1_micro": _decided(sk.f1_score, average="micro", zero_division=0),
    "f1_macro": _decided(sk.f1_score, average="macro", zero_division=0),
    "mcc": _mcc,
    "pearson": _correlation(scipy.stats.pearsonr),
    "spearman": _correlation(scipy.stats.spearmanr),
    "mae": _error(sk.mean_absolute_error),
    "rmse": _error(sk.root_mean_squared_error),
    "r2": _of_two_rows("R2", _error(sk.r2_score)),
}
OF_SCORES = ("mae", "rmse", "r2")  # told of every task of scores, beside its own metrics
LOWER_IS_BETTER = frozenset(["mae", "rmse"])


def compute(names, labels, probabilities):
    """name -> float, for the named metrics.

    Args:
      names: keys of METRICS.
      labels: int [n] classes, float [n] scores or 0/1 [n, num_labels].
      probabilities: float [n, num_labels]; for scores [n, 1].

    Raises:
      InputError: an unknown name.
    """
    for name in names:
        if name not in METRICS:
            raise InputError(f"unknown metric {name!r}; known: {', '.join(METRICS)}")
    with console.foreign_warnings():
        return {name: float(METRICS[name](labels, probabilities)) for name in names}
