"""Scores of classes, as GLUE defines them; computed by scikit-learn."""

import numpy as np
import scipy.sparse
import sklearn.metrics as sk

from bertline import registry
from bertline.training.scores.score import ArrayScore, Resampling, of_means


def predicted_labels(labels, probabilities, thresholds=0.5):
    """int [n] for classes, 0/1 [n, num_labels] where `labels` has a column per label; see `Labels.thresholds`."""
    return probabilities.argmax(axis=1) if labels.ndim == 1 else (probabilities >= thresholds).astype(np.int64)


class DecisionScore(ArrayScore):
    """Base: a score of what was decided, whatever the probabilities."""

    problem_types = ("single_label_classification", "multi_label_classification")

    def decisions(self):
        """(right, predicted) labels, int [n] or 0/1 [n, num_labels]."""
        golds, answers = np.array(self.golds), np.array(self.answers)
        return golds.astype(np.int64), predicted_labels(golds, answers, self.thresholds)


class CountedScore(DecisionScore):
    """Base: a function of how often each label is right, is there and is predicted."""

    def resampling(self):
        golds, found = self.decisions()
        if golds.ndim == 1:
            num_labels = np.array(self.answers).shape[1]
            cells, counts = np.unique(golds * num_labels + found, return_counts=True)
            there, predicted = (_one_hot(ids, num_labels) for ids in divmod(cells, num_labels))
        else:
            kinds, counts = np.unique(np.hstack([golds, found]).astype(np.int8), axis=0, return_counts=True)
            there, predicted = (scipy.sparse.csr_array(one, dtype=float) for one in np.split(kinds, 2, axis=1))
        right = there.multiply(predicted).tocsr()

        def of(drawn):
            right_sums, *sums = ((one.T @ drawn.T.astype(float)).T for one in (right, there, predicted))
            return {self.name: self.of_counts(right_sums, *sums, golds.ndim == 1)}

        return Resampling(counts, of)

    def of_counts(self, right, there, predicted, are_exclusive):
        """float [draws], of counts float [draws, num_labels]."""
        raise NotImplementedError


def _one_hot(ids, num_labels):
    """0/1 [n, num_labels]."""
    ones = np.ones(len(ids))
    return scipy.sparse.csr_array((ones, (np.arange(len(ids)), ids)), shape=(len(ids), num_labels))


def _f1(right, there, predicted):
    """0 where nothing is there and nothing is predicted."""
    return 2.0 * right / (there + predicted).clip(min=1.0)


@registry.register("score", "accuracy")
class Accuracy(DecisionScore):
    """Share of the rows that are right; of several labels all of a row's."""

    name = "accuracy"

    def of(self, golds, answers):
        return sk.accuracy_score(golds, predicted_labels(golds, answers, self.thresholds))

    def resampling(self):
        golds, found = self.decisions()
        right = (golds == found).reshape(len(golds), -1).all(axis=1)
        return of_means(right, lambda means: {self.name: means[:, 0]})


@registry.register("score", "f1")
class F1(CountedScore):
    """Of class 1 of two."""

    problem_types, num_labels = ("single_label_classification",), 2
    name, average = "f1", "binary"

    def of(self, golds, answers):
        found = predicted_labels(golds, answers, self.thresholds)
        return sk.f1_score(golds, found, average=self.average, zero_division=0)

    def of_counts(self, right, there, predicted, are_exclusive):
        return _f1(right, there, predicted)[:, 1]


@registry.register("score", "f1_micro")
class MicroF1(F1):
    """Of all decisions together."""

    problem_types, num_labels = DecisionScore.problem_types, None
    name, average = "f1_micro", "micro"

    def of_counts(self, right, there, predicted, are_exclusive):
        return _f1(*(one.sum(axis=1) for one in (right, there, predicted)))


@registry.register("score", "f1_macro")
class MacroF1(F1):
    """The mean over the classes."""

    problem_types, num_labels = DecisionScore.problem_types, None
    name, average = "f1_macro", "macro"

    def of_counts(self, right, there, predicted, are_exclusive):
        scores = _f1(right, there, predicted)
        # As scikit-learn does: a class that no row has and none is predicted to have does not count.
        count = ((there + predicted) > 0).sum(axis=1) if are_exclusive else scores.shape[1]
        return scores.sum(axis=1) / count


@registry.register("score", "f1_samples")
class SamplesF1(F1):
    """Of the labels of each row, then the mean over the rows."""

    problem_types, num_labels = ("multi_label_classification",), None
    name, average = "f1_samples", "samples"

    def resampling(self):
        golds, found = self.decisions()
        rows = _f1((golds * found).sum(axis=1), golds.sum(axis=1), found.sum(axis=1))
        return of_means(rows, lambda means: {self.name: means[:, 0]})


@registry.register("score", "average_precision_macro")
class MacroAveragePrecision(ArrayScore):
    """Of several labels: the precision at each right one in the order of the probabilities; the mean over the labels.

    Labels that no row has do not count. No threshold plays a part.
    """

    problem_types = ("multi_label_classification",)
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
class MatthewsCorrelation(CountedScore):
    """Matthews correlation coefficient."""

    problem_types = ("single_label_classification",)
    name = "mcc"

    def of(self, golds, answers):
        found = predicted_labels(golds, answers, self.thresholds)
        # One class everywhere: 0, of which scikit-learn warns.
        return 0.0 if len(np.union1d(golds, found)) < 2 else sk.matthews_corrcoef(golds, found)

    def of_counts(self, right, there, predicted, are_exclusive):
        total = there.sum(axis=1)
        shared = right.sum(axis=1) * total - (there * predicted).sum(axis=1)
        spread = np.sqrt((total**2 - (there**2).sum(axis=1)) * (total**2 - (predicted**2).sum(axis=1)))
        return np.divide(shared, spread, out=np.zeros_like(shared), where=spread > 0)
