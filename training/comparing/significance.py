"""Is a difference between two runs on the same rows more than chance? Paired bootstrap, and McNemar's exact test.

Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; Dietterich 1998, "Approximate
Statistical Tests for Comparing Supervised Classification Learning Algorithms", section 3.1.
"""

import dataclasses
import functools

import numpy as np
from scipy import stats
from sklearn import metrics

from bertline.training.comparing.predicted_rows import CLASSES, SCORES, SEVERAL
from bertline.training.scores.numbers import correlation

_BATCH = 50  # resamples that are in memory at once


def _f1(average):
    return lambda golds, answers: metrics.f1_score(golds, answers, average=average, zero_division=0)


# Kind of answers -> name of a score -> (right, given answers) -> float.
MEASURES = {
    CLASSES: {
        "accuracy": metrics.accuracy_score,
        "f1_macro": _f1("macro"),
        "mcc": metrics.matthews_corrcoef,
    },
    SEVERAL: {"exact": metrics.accuracy_score, "f1_micro": _f1("micro"), "f1_macro": _f1("macro")},
    SCORES: {
        "pearson": functools.partial(correlation, stats.pearsonr),
        "spearman": functools.partial(correlation, stats.spearmanr),
        "mae": metrics.mean_absolute_error,
    },
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """Of a score between a run and the first one.

    Attributes:
      first, other: the score of each. low, high: the interval of other - first.
      p_value: twice the share of resamples, one more counted, whose difference has the other sign or none: two-sided.
    """

    first: float
    other: float
    low: float
    high: float
    p_value: float


@dataclasses.dataclass(frozen=True)
class Disagreement:
    """Attributes:
    only_first, only_other: rows that one alone predicts rightly.
    p_value: of McNemar's exact test, two-sided.
    """

    only_first: int
    only_other: int
    p_value: float


def mcnemar(first_right, other_right):
    """The Disagreement of two runs: were both as good, each row that one alone has right would be a toss of a coin.

    Args:
      first_right, other_right: bool arrays [n].
    """
    only_first = int(np.sum(first_right & ~other_right))
    only_other = int(np.sum(other_right & ~first_right))
    count = only_first + only_other
    p_value = float(stats.binomtest(only_first, count).pvalue) if count else 1.0
    return Disagreement(only_first, only_other, p_value)


def bootstrap(golds, first, other, measure, num_resamples=1000, confidence=0.95, seed=1):
    """The Difference of a score: rows are drawn anew, both runs' answers with them.

    Args:
      golds, first, other: arrays [n, ...], n at least 2. measure: (golds, answers) -> float.
    """

    if golds.dtype.kind == "U":  # numbers of labels are compared faster than their names
        golds, first, other = np.unique(np.stack([golds, first, other]), return_inverse=True)[1].reshape(3, -1)

    def difference(rows):
        return measure(golds[rows], other[rows]) - measure(golds[rows], first[rows])

    found = stats.bootstrap(
        (np.arange(len(golds)),),
        difference,
        n_resamples=num_resamples,
        batch=_BATCH,
        vectorized=False,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    drawn = found.bootstrap_distribution
    # One more, so that chance is never ruled out: Davison and Hinkley 1997, section 4.2.
    p_value = min(1.0, 2.0 * (1 + min(np.sum(drawn <= 0.0), np.sum(drawn >= 0.0))) / (1 + num_resamples))
    low, high = map(float, found.confidence_interval)
    return Difference(float(measure(golds, first)), float(measure(golds, other)), low, high, float(p_value))
