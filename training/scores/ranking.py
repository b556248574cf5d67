"""Scores of rankings: where the right candidates of a query stand. Queries without a right one do not count.

Source: Manning et al. 2008, Introduction to Information Retrieval, chapter 8.4.
"""

import numpy as np
import sklearn.metrics as sk

from bertline import registry
from bertline.training.scores.score import Score


class RankingScore(Score):
    """Base: the mean of `of` over the queries. Of equal probabilities the candidate that is named first is the better.

    Attributes:
      name: the registered name.
    """

    problem_types = ("ranking",)
    name = ""

    def __init__(self):
        self.values: list[float] = []

    def update(self, gold, answer):
        gold = np.asarray(gold, bool)
        if gold.any():
            self.values.append(self.of(gold[np.argsort(-np.asarray(answer), kind="stable")]))

    def result(self):
        return {self.name: float(np.mean(self.values)) if self.values else 0.0}

    def of(self, ranked: np.ndarray) -> float:
        """The value of a query; ranked: bool [candidates], which are right, the best one first."""
        raise NotImplementedError


@registry.register("score", "accuracy_at_1")
class AccuracyAt1(RankingScore):
    """Whether the best candidate is right."""

    name = "accuracy_at_1"

    def of(self, ranked):
        return float(ranked[0])


@registry.register("score", "mrr")
class MeanReciprocalRank(RankingScore):
    """1 over the place of the first right candidate."""

    name = "mrr"

    def of(self, ranked):
        return 1.0 / (int(ranked.argmax()) + 1)


@registry.register("score", "map")
class MeanAveragePrecision(RankingScore):
    """The mean, over the right candidates, of the share of right ones down to each."""

    name = "map"

    def of(self, ranked):
        return float(sk.average_precision_score(ranked, -np.arange(len(ranked))))
