"""Confidence intervals of scores: percentiles of what they are of samples of the examples, drawn with replacement.

Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.3.
"""

import numpy as np

DRAWS, LEVEL, SEED = 1000, 0.95, 12345
# Of draws x kinds of examples: fewer draws are made where there are more of them, and so many are made at once.
MOST_NUMBERS, NUMBERS_AT_ONCE = 20_000_000, 1_000_000
FEWEST_ROWS = 2


def num_draws(num_kinds):
    """So many draws are made of examples of so many kinds."""
    return max(1, min(DRAWS, MOST_NUMBERS // num_kinds))


def intervals(scores):
    """(name -> (low, high) of scores that can be resampled, how many draws were made at least).

    Args:
      scores: list of bertline.training.scores.score.Score that have seen their examples.
    """
    found, fewest = {}, DRAWS
    for score in scores:
        resampling = score.resampling()
        if resampling is not None and resampling.counts.sum() >= FEWEST_ROWS:
            fewest = min(fewest, num_draws(len(resampling.counts)))
            found |= of_resampling(resampling)
    return found, fewest


def of_resampling(resampling, draws=None, seed=SEED):
    """name -> (low, high), of a bertline.training.scores.score.Resampling.

    Rows of one kind are drawn together: their number is multinomial.
    """
    counts, values = resampling.counts, {}
    draws, total = draws or num_draws(len(counts)), int(counts.sum())
    generator, at_once = np.random.default_rng(seed), max(1, NUMBERS_AT_ONCE // len(counts))
    for start in range(0, draws, at_once):
        drawn = generator.multinomial(total, counts / total, size=min(at_once, draws - start))
        for name, part in resampling.of(drawn).items():
            values.setdefault(name, []).append(part)
    every = {name: np.concatenate(parts) for name, parts in values.items()}
    every = {name: numbers[np.isfinite(numbers)] for name, numbers in every.items()}
    ends = [50.0 * (1.0 - LEVEL), 50.0 * (1.0 + LEVEL)]
    return {name: tuple(map(float, np.percentile(numbers, ends))) for name, numbers in every.items() if len(numbers)}
