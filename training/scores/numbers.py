"""Scores of predicted numbers: correlations and errors; computed by scipy and scikit-learn."""

import numpy as np
import scipy.stats
import sklearn.metrics as sk

from bertline import registry
from bertline.training.scores.score import ArrayScore


class Correlation(ArrayScore):
    """Base: `function` of scipy."""

    called, least = "correlation", 2
    function = None

    def of(self, golds, answers):
        # A constant has no correlation: 0, since nan would neither win nor lose a comparison.
        if np.ptp(golds) == 0 or np.ptp(answers) == 0:
            return 0.0
        return np.nan_to_num(type(self).function(golds, answers[:, 0]).statistic)


@registry.register("score", "pearson")
class Pearson(Correlation):
    """Of the numbers."""

    name, function = "pearson", scipy.stats.pearsonr


@registry.register("score", "spearman")
class Spearman(Correlation):
    """Of the ranks."""

    name, function = "spearman", scipy.stats.spearmanr


class Error(ArrayScore):
    """Base: `function` of scikit-learn."""

    lower_is_better = True
    function = None

    def of(self, golds, answers):
        return type(self).function(golds, answers[:, 0])


@registry.register("score", "mae")
class MeanAbsoluteError(Error):
    """Mean absolute error."""

    name, function = "mae", sk.mean_absolute_error


@registry.register("score", "rmse")
class RootMeanSquaredError(Error):
    """Root of the mean squared error."""

    name, function = "rmse", sk.root_mean_squared_error


@registry.register("score", "r2")
class R2(Error):
    """Share of the variance that is explained."""

    name, called, function, least, lower_is_better = "r2", "R2", sk.r2_score, 2, False
