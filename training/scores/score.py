"""How good the answers are: scores that see one example after the other."""

import dataclasses
import logging
import typing
from collections.abc import Callable, Iterable

import numpy as np

from bertline import registry
from bertline.common import console


@dataclasses.dataclass(frozen=True)
class Resampling:
    """What a score is of samples of its examples.

    Attributes:
      counts: int [kinds], how many examples there are of each kind; those of one kind are the same to the score.
      of: int [draws, kinds], how often each kind was drawn -> name, as of `result`, -> float [draws]; NaN where a draw
        has no such score.
    """

    counts: np.ndarray
    of: Callable[[np.ndarray], dict[str, np.ndarray]]


def of_sums(rows: np.ndarray, of: Callable[[np.ndarray], dict[str, np.ndarray]]) -> Resampling:
    """The Resampling of a score that is a function of sums over the examples.

    Args:
      rows: float [n, numbers], of each example. of: their sums [draws, numbers] -> name -> float [draws].
    """
    kinds, counts = np.unique(np.asarray(rows, np.float64), axis=0, return_counts=True)
    return Resampling(counts, lambda drawn: of(drawn @ kinds))


def of_means(rows: np.ndarray, of: Callable[[np.ndarray], dict[str, np.ndarray]]) -> Resampling:
    """The same of one that is a function of means over the examples."""
    rows = np.column_stack([np.ones(len(rows)), rows])
    return of_sums(rows, lambda sums: of(sums[:, 1:] / sums[:, :1]))


class Score:
    """Base of all scores, each of which is registered by its name.

    Attributes:
      problem_types: of the tasks that it is for, see `bertline.processors.base.DataProcessor`; (): of any.
      num_labels: of the only tasks that it is for; None: any number.
      lower_is_better: whether its lowest value is the best.
      thresholds: of the labels, see `Labels.thresholds`.
    """

    problem_types: tuple[str, ...] = ()
    num_labels: int | None = None
    lower_is_better = False
    thresholds = 0.5

    def update(self, gold: typing.Any, answer: typing.Any) -> None:
        """Sees an example.

        Args:
          gold: what its label says, see `Labels.golds`.
          answer: what was predicted, see `Labels.answers`.
        """
        raise NotImplementedError

    def result(self) -> dict[str, float]:
        """name -> float: the score under its registered name, and what belongs to it."""
        raise NotImplementedError

    def resampling(self) -> Resampling | None:
        """What the score would be of other samples of its examples; None: that would take too long, or means nothing.

        All names need not be there: those that are have a confidence interval in a report.
        """
        return None


class ScoreOfAll(Score):
    """A score that is computed of all examples at once: `golds` and `answers`."""

    def __init__(self):
        self.golds: list = []
        self.answers: list = []

    def update(self, gold, answer):
        self.golds.append(gold)
        self.answers.append(answer)


class ArrayScore(ScoreOfAll):
    """A score that is computed of two arrays, by `of`.

    Attributes:
      name: the registered name. called: in what is said of it, where that is another word.
      least: fewer examples have no such score: it is 0, and a line says so.
    """

    name = called = ""
    least = 1

    def result(self):
        if len(self.golds) < self.least:
            logging.warning("no %s can be told of %d row; 0 is written", self.called or self.name, len(self.golds))
            return {self.name: 0.0}
        return {self.name: float(self.of(np.array(self.golds), np.array(self.answers)))}

    def of(self, golds: np.ndarray, answers: np.ndarray) -> float:
        """The score of all examples.

        Args:
          golds: int [n] classes, float [n] scores or 0/1 [n, num_labels].
          answers: float [n, num_labels] probabilities; for scores [n, 1].
        """
        raise NotImplementedError


def show_all(names: Iterable[str], golds: list, answers: list, thresholds: float | list[float] = 0.5) -> list[Score]:
    """The named scores, which have seen all examples.

    Args:
      names: registered ones. golds, answers: of each example. thresholds: see `Labels.thresholds`.

    Raises:
      InputError: an unknown name.
    """
    scores = [registry.get("score", name)() for name in names]
    for score in scores:
        score.thresholds = thresholds
        for gold, answer in zip(golds, answers):
            score.update(gold, answer)
    return scores


def results(scores: Iterable[Score]) -> dict[str, float]:
    """name -> float of several scores."""
    found = {}
    with console.foreign_warnings():
        for score in scores:
            found |= score.result()
    return found


def compute(
    names: Iterable[str], golds: list, answers: list, thresholds: float | list[float] = 0.5
) -> dict[str, float]:
    """name -> float of the named scores; the arguments are those of `show_all`."""
    with console.foreign_warnings():
        return results(show_all(names, golds, answers, thresholds))


def lower_is_better(name: str) -> bool:
    """Whether the lowest value of a named score is the best."""
    return registry.get("score", name).lower_is_better
