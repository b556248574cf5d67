"""Scores of classes, as GLUE defines them; computed by scikit-learn."""

import numpy as np
import sklearn.metrics as sk

from bertline import registry
from bertline.training.scores.score import ArrayScore


def predicted_labels(labels, probabilities, thresholds=0.5):
    """int [n] for classes, 0/1 [n, num_labels] where `labels` has a column per label; see `Labels.thresholds`."""
    return probabilities.argmax(axis=1) if labels.ndim == 1 else (probabilities >= thresholds).astype(np.int64)


@registry.register("score", "accuracy")
class Accuracy(ArrayScore):
    """Share of the rows that are right; of several labels all of a row's."""

    name = "accuracy"

    def of(self, golds, answers):
        return sk.accuracy_score(golds, predicted_labels(golds, answers, self.thresholds))


@registry.register("score", "f1")
class F1(ArrayScore):
    """Of class 1."""

    name, average = "f1", "binary"

    def of(self, golds, answers):
        found = predicted_labels(golds, answers, self.thresholds)
        return sk.f1_score(golds, found, average=self.average, zero_division=0)


@registry.register("score", "f1_micro")
class MicroF1(F1):
    """Of all decisions together."""

    name, average = "f1_micro", "micro"


@registry.register("score", "f1_macro")
class MacroF1(F1):
    """The mean over the classes."""

    name, average = "f1_macro", "macro"


@registry.register("score", "f1_samples")
class SamplesF1(F1):
    """Of the labels of each row, then the mean over the rows."""

    name, average = "f1_samples", "samples"


@registry.register("score", "average_precision_macro")
class MacroAveragePrecision(ArrayScore):
    """Of several labels: the precision at each right one in the order of the probabilities; the mean over the labels.

    Labels that no row has do not count. No threshold plays a part.
    """

    name, average = "average_precision_macro", "macro"

    def of(self, golds, answers):
        present = golds.any(axis=0)
        if not present.any():
            return 0.0
        return sk.average_precision_score(golds[:, present], answers[:, present], average=self.average)


@registry.register("score", "average_precision_micro")
class MicroAveragePrecision(MacroAveragePrecision):
    """Of all decisions together."""

    name, average = "average_precision_micro", "micro"


@registry.register("score", "mcc")
class MatthewsCorrelation(ArrayScore):
    """Matthews correlation coefficient."""

    name = "mcc"

    def of(self, golds, answers):
        found = predicted_labels(golds, answers, self.thresholds)
        # One class everywhere: 0, of which scikit-learn warns.
        return 0.0 if len(np.union1d(golds, found)) < 2 else sk.matthews_corrcoef(golds, found)
