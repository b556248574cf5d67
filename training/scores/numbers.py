"""Scores of predicted numbers: correlations and errors; computed by scipy and scikit-learn."""

import numpy as np
import scipy.sparse
import scipy.stats
import sklearn.metrics as sk

from bertline import registry
from bertline.training.scores.score import ArrayScore, Resampling, of_means


class Correlation(ArrayScore):
    """Base: `function` of scipy."""

    problem_types = ("regression",)
    called, least = "correlation", 2
    function = None

    def of(self, golds, answers):
        return correlation(type(self).function, golds, answers[:, 0])

    def resampling(self):
        golds, answers = _both(self)

        def of(drawn):
            total = drawn.sum(axis=1, keepdims=True)
            sides = [self.weighted(values, drawn) for values in (golds, answers)]
            sides = [values - (drawn * values).sum(axis=1, keepdims=True) / total for values in sides]
            shared, *spreads = ((drawn * a * b).sum(axis=1) for a, b in (sides, sides[:1] * 2, sides[1:] * 2))
            spread = np.sqrt(spreads[0] * spreads[1])
            return {self.name: np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 1e-12)}

        return Resampling(np.ones(len(golds), int), of)

    def weighted(self, values, drawn):
        """What is correlated, float [draws or 1, n], where number i comes drawn[:, i] times."""
        raise NotImplementedError


@registry.register("score", "pearson")
class Pearson(Correlation):
    """Of the numbers."""

    name, function = "pearson", scipy.stats.pearsonr

    def weighted(self, values, drawn):
        return values[None]


@registry.register("score", "spearman")
class Spearman(Correlation):
    """Of the ranks."""

    name, function = "spearman", scipy.stats.spearmanr

    def weighted(self, values, drawn):
        """Ranks: equal numbers share the mean of theirs."""
        different, places = np.unique(values, return_inverse=True)
        by_value = scipy.sparse.csr_array((np.ones(len(values)), (places, np.arange(len(values)))))
        counts = (by_value @ drawn.T.astype(float)).T  # [draws, different values]
        ranks = np.cumsum(counts, axis=1) - (counts - 1.0) / 2.0
        return ranks[:, places]


class Error(ArrayScore):
    """Base: `function` of scikit-learn."""

    problem_types = ("regression",)
    lower_is_better = True
    function = None

    def of(self, golds, answers):
        return type(self).function(golds, answers[:, 0])

    def resampling(self):
        golds, answers = _both(self)
        centred = golds - golds.mean()
        errors = answers - golds
        rows = np.stack([np.abs(errors), errors**2, centred, centred**2], axis=1)
        return of_means(rows, lambda means: {self.name: self.of_means(*means.T)})

    def of_means(self, absolute, squared, centred, centred_squared):
        """float [draws], of means float [draws] of errors and of what is right, less a constant."""
        raise NotImplementedError


@registry.register("score", "mae")
class MeanAbsoluteError(Error):
    """Mean absolute error."""

    name, function = "mae", sk.mean_absolute_error

    def of_means(self, absolute, squared, centred, centred_squared):
        return absolute


@registry.register("score", "rmse")
class RootMeanSquaredError(Error):
    """Root of the mean squared error."""

    name, function = "rmse", sk.root_mean_squared_error

    def of_means(self, absolute, squared, centred, centred_squared):
        return np.sqrt(squared)


@registry.register("score", "r2")
class R2(Error):
    """Share of the variance that is explained."""

    name, called, function, least, lower_is_better = "r2", "R2", sk.r2_score, 2, False

    def of_means(self, absolute, squared, centred, centred_squared):
        variance = centred_squared - centred**2
        return 1.0 - np.divide(squared, variance, out=np.full_like(squared, np.nan), where=variance > 1e-12)


def correlation(function, golds, answers):
    """A correlation of scipy's of numbers [n] twice. That of a constant is 0: nan would neither win nor lose a
    comparison.
    """
    if np.ptp(golds) == 0 or np.ptp(answers) == 0:
        return 0.0
    return float(np.nan_to_num(function(golds, answers).statistic))


def _both(score):
    """(right, given) numbers, float64 [n] each."""
    return np.array(score.golds, np.float64), np.array(score.answers, np.float64)[:, 0]
