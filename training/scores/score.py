"""How good the answers are: scores that see one example after the other."""

import logging
import typing
from collections.abc import Iterable

import numpy as np

from bertline import registry
from bertline.common import console


class Score:
    """Base of all scores, each of which is registered by its name.

    Attributes:
      lower_is_better: whether its lowest value is the best.
      thresholds: of the labels, see `Labels.thresholds`.
    """

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


def compute(
    names: Iterable[str], golds: list, answers: list, thresholds: float | list[float] = 0.5
) -> dict[str, float]:
    """name -> float of the named scores.

    Args:
      names: registered ones. golds, answers: of each example. thresholds: see `Labels.thresholds`.

    Raises:
      InputError: an unknown name.
    """
    found, scores = {}, [registry.get("score", name)() for name in names]
    with console.foreign_warnings():
        for score in scores:
            score.thresholds = thresholds
            for gold, answer in zip(golds, answers):
                score.update(gold, answer)
            found |= score.result()
    return found


def lower_is_better(name: str) -> bool:
    """Whether the lowest value of a named score is the best."""
    return registry.get("score", name).lower_is_better
