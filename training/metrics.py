"""Metrics by name, as GLUE defines them, computed by scikit-learn and scipy."""

import logging

import numpy as np
import scipy.stats
import sklearn.metrics as sk

from errors import InputError


def predicted_labels(labels, probabilities):
    """int [n] for classes, 0/1 [n, num_labels] where `labels` has a column per label."""
    return probabilities.argmax(axis=1) if labels.ndim == 1 else (probabilities >= 0.5).astype(np.int64)


def _decided(function, **options):
    return lambda labels, probabilities: function(labels, predicted_labels(labels, probabilities), **options)


def _correlation(function):
    def metric(labels, scores):
        if len(labels) < 2:
            logging.warning("no correlation can be told of %d row; 0 is written", len(labels))
            return 0.0
        # A constant prediction has no correlation: 0, since nan would neither win nor lose a comparison.
        return np.nan_to_num(function(labels, scores[:, 0]).statistic)

    return metric


METRICS = {
    "accuracy": _decided(sk.accuracy_score),  # for several labels: all of a row's right
    "f1": _decided(sk.f1_score, zero_division=0),  # of class 1
    "f1_micro": _decided(sk.f1_score, average="micro", zero_division=0),
    "f1_macro": _decided(sk.f1_score, average="macro", zero_division=0),
    "mcc": _decided(sk.matthews_corrcoef),
    "pearson": _correlation(scipy.stats.pearsonr),
    "spearman": _correlation(scipy.stats.spearmanr),
}


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
    return {name: float(METRICS[name](labels, probabilities)) for name in names}
