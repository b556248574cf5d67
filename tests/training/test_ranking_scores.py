"""Scores of rankings against scikit-learn and their definitions."""

import numpy as np
import pytest
import sklearn.metrics as sk

from bertline.training.scores import score

DRAW = np.random.default_rng(6)
NAMES = ("accuracy_at_1", "mrr", "map")


def test_scores_are_means_over_the_queries():
    sizes = (4, 2, 7, 5, 3)
    answers = [DRAW.permutation(size) / 10 for size in sizes]
    golds = [DRAW.random(size) < 0.4 for size in sizes]
    for gold in golds:
        gold[0] = True
    golds.append(np.zeros(3, bool))  # without a right candidate it does not count
    answers.append(np.arange(3) / 10)
    found = score.compute(NAMES, golds, answers)
    expected = np.mean(
        [sk.label_ranking_average_precision_score(gold[None], own[None]) for gold, own in zip(golds[:5], answers)]
    )
    assert found["map"] == pytest.approx(expected)
    best = [np.flatnonzero(gold[np.argsort(own)[::-1]])[0] for gold, own in zip(golds[:5], answers)]
    assert found["mrr"] == pytest.approx(np.mean([1 / (1 + place) for place in best]))
    assert found["accuracy_at_1"] == pytest.approx(np.mean([place == 0 for place in best]))


def test_nothing_to_rank_is_0():
    assert score.compute(NAMES, [np.zeros(2, bool)], [np.ones(2)]) == dict.fromkeys(NAMES, 0.0)
