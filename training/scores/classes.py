"""Scores of classes, as GLUE defines them; computed by scikit-learn."""

import numpy as np
import sklearn.metrics as sk

from bertline import registry
from bertline.training.scores.score import ArrayScore


def predicted_labels(labels, probabilities):
    """int [n] for classes, 0/1 [n, num_labels] where `labels` has a column per label."""
    return probabilities.argmax(axis=1) if labels.ndim == 1 else (probabilities >= 0.5).astype(np.int64)


@registry.register("score", "accuracy")
class Accuracy(ArrayScore):
    """Share of the rows that are right; of several labels all of a row's."""

    name = "accuracy"

    def of(self, golds, answers):
        return sk.accuracy_score(golds, predicted_labels(golds, answers))


@registry.register("score", "f1")
class F1(ArrayScore):
    """Of class 1."""

    name, average = "f1", "binary"

    def of(self, golds, answers):
        return sk.f1_score(golds, predicted_labels(golds, answers), average=self.average, zero_division=0)


@registry.register("score", "f1_micro")
class MicroF1(F1):
    """Of all decisions together."""

    name, average = "f1_micro", "micro"


@registry.register("score", "f1_macro")
class MacroF1(F1):
    """The mean over the classes."""

    name, average = "f1_macro", "macro"


@registry.register("score", "mcc")
class MatthewsCorrelation(ArrayScore):
    """Matthews correlation coefficient."""

    name = "mcc"

    def of(self, golds, answers):
        found = predicted_labels(golds, answers)
        # One class everywhere: 0, of which scikit-learn warns.
        return 0.0 if len(np.union1d(golds, found)) < 2 else sk.matthews_corrcoef(golds, found)
