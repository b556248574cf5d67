"""What a report says of classes, one or several of each row."""

import numpy as np

from bertline.training.evaluation import calibration
from bertline.training.evaluation.class_report import class_scores
from bertline.training.reporting.page.confidence import calibration_of_answers
from bertline.training.reporting.page.confusion import confusion
from bertline.training.reporting.page.parts import Markup, more, number, section, table
from bertline.training.reporting.page.rows import COLOURS_OF_CLASSES, SHOWN, of_rows
from bertline.training.scores.classes import predicted_labels

MOST_CLASSES = 300  # rows of the table


def sections(evaluated, colours):
    """Yields the sections of a split."""
    golds, found = np.array(evaluated.golds), np.array(evaluated.answers, np.float64)
    split, names, thresholds = evaluated.split, evaluated.labels.names, evaluated.labels.thresholds
    decided = predicted_labels(golds, found, thresholds)
    yield section(f"Classes of {split}", _per_class(names, golds.astype(int), decided))
    if golds.ndim == 1:
        yield section(f"Confusion of {split}", confusion(names, golds, decided))
    yield section(f"Calibration of {split}", _calibration(golds, found))
    if evaluated.examples is not None:
        make = _ExclusiveRows if golds.ndim == 1 else _SeveralRows
        yield from make(evaluated, golds, found, decided).sections(colours)


def _per_class(names, golds, decided):
    """Precision, recall, F1 and numbers of each class; of many those with most rows."""
    scores = np.stack(class_scores(len(names), golds, decided), axis=1)
    order = np.argsort(-scores[:, 3], kind="stable") if len(names) > MOST_CLASSES else range(len(names))
    rows = [
        (names[i], *map(number, scores[i, :3]), *(f"{int(count):,}" for count in scores[i, 3:]))
        for i in order[:MOST_CLASSES]
    ]
    shown = table(("label", "precision", "recall", "F1", "rows", "predicted"), rows)
    shown = Markup(f'<div class="high">{shown}</div>') if len(rows) > 20 else shown
    return Markup(shown + more(len(rows), len(names), "per_class.tsv of a dev evaluation has all."))


def _calibration(golds, found):
    """How far probabilities are from the share that is right."""
    errors = calibration.errors(golds, calibration.logits_of(golds, found))
    rest = [(name.replace("_", " "), errors[name]) for name in ("cross_entropy", "brier")]
    whose = "the predicted class" if golds.ndim == 1 else "each label"
    return calibration_of_answers(*calibration.decisions(golds, found), whose, rest)


class _Rows:
    """The rows of a split that are worth a look.

    Args:
      golds, decided: int [n] or 0/1 [n, num_labels]. found: float [n, num_labels], probabilities.
    """

    def __init__(self, evaluated, golds, found, decided):
        self.split, self.examples, self.names = evaluated.split, evaluated.examples, evaluated.labels.names
        self.golds, self.found, self.decided = golds, found, decided
        self.thresholds = np.broadcast_to(np.asarray(evaluated.labels.thresholds, float), [found.shape[1]])

    def sections(self, colours):
        """Yields the errors, then the rows that were hard to decide."""
        errors = self.most_confident_errors()[:SHOWN]
        doubtful = self.least_certain()[:SHOWN]
        chosen = [*errors, *doubtful]
        texts = colours.texts([self.examples[i] for i in chosen], np.array([self.weights(i) for i in chosen]))
        titles = f"Most confident errors of {self.split}", f"Least certain rows of {self.split}"
        for title, part, shown in zip(titles, (errors, doubtful), (texts[: len(errors)], texts[len(errors) :])):
            said, examples = [self.said(i) for i in part], [self.examples[i] for i in part]
            yield of_rows(title, said, examples, shown, self.legend)


class _ExclusiveRows(_Rows):
    legend = COLOURS_OF_CLASSES

    def most_confident_errors(self):
        wrong = np.flatnonzero(self.decided != self.golds)
        return wrong[np.argsort(-self.found[wrong].max(axis=1), kind="stable")]

    def least_certain(self):
        if self.found.shape[1] < 2:
            return np.zeros(0, int)
        second, first = np.partition(self.found, -2, axis=1)[:, -2:].T
        return np.argsort(first - second, kind="stable")

    def _other(self, i):
        """The right class of an error, else the second one."""
        if self.decided[i] != self.golds[i]:
            return self.golds[i]
        return int(np.argsort(-self.found[i], kind="stable")[min(1, self.found.shape[1] - 1)])

    def weights(self, i):
        weights = np.zeros(self.found.shape[1])
        weights[self.decided[i]] += 1.0
        weights[self._other(i)] -= 1.0
        return weights

    def said(self, i):
        named = f"predicted {self._named(i, self.decided[i])}"
        other = self._named(i, self._other(i))
        return f"right {other}, {named}" if self.decided[i] != self.golds[i] else f"right and {named}; then {other}"

    def _named(self, i, number):
        return f"{self.names[number]} ({self.found[i, number]:.1%})"


class _SeveralRows(_Rows):
    """An error is a label that should not be there, or is missing; how sure, its distance from the threshold."""

    legend = "Blue words speak for the label that is named first, orange ones against it (gradient x input)."

    def _distances(self):
        """float [n, num_labels], of each decision from its threshold: 1 is as far as can be."""
        above = self.found - self.thresholds
        return np.where(above >= 0, above / (1.0 - self.thresholds).clip(1e-9), -above / self.thresholds.clip(1e-9))

    def most_confident_errors(self):
        surest = np.where(self.decided != self.golds, self._distances(), -1.0).max(axis=1)
        return np.argsort(-surest, kind="stable")[: int((surest >= 0).sum())]

    def least_certain(self):
        return np.argsort(self._distances().min(axis=1), kind="stable")

    def _label(self, i):
        """The label that a row is shown for."""
        distances, wrong = self._distances()[i], self.decided[i] != self.golds[i]
        return int(np.argmax(np.where(wrong, distances, -1.0)) if wrong.any() else np.argmin(distances))

    def weights(self, i):
        return np.eye(self.found.shape[1])[self._label(i)]

    def said(self, i):
        label = self._label(i)
        sides = (
            ", ".join(self.names[j] for j in np.flatnonzero(one[i])) or "none" for one in (self.golds, self.decided)
        )
        right, predicted = sides
        return f"{self.names[label]} ({self.found[i, label]:.1%}): right {right}; predicted {predicted}"
