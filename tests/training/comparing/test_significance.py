"""McNemar's exact test against published values, the paired bootstrap against a plain restatement of it."""

import math

import numpy as np
import pytest
from sklearn import metrics

from bertline.training.comparing import significance
from bertline.training.comparing.significance import MEASURES, bootstrap, mcnemar


def pair(both, first, other, neither):
    """Who is right, of so many rows each."""
    counts = [both, first, other, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(
    "both, first, other, neither, p_value",
    [
        # The two examples of Fagerland, Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data",
        # https://doi.org/10.1186/1471-2288-13-91: 21 children (Bentur et al.) and 161 patients (Cavo et al.).
        (1, 1, 7, 12, 0.0703),
        (59, 6, 16, 80, 0.0525),
    ],
)
def test_mcnemar_as_published(both, first, other, neither, p_value):
    found = mcnemar(*pair(both, first, other, neither))
    assert (found.only_first, found.only_other) == (first, other)
    assert found.p_value == pytest.approx(p_value, abs=5e-5)
    tail = sum(math.comb(first + other, k) for k in range(min(first, other) + 1)) / 2 ** (first + other)
    assert found.p_value == pytest.approx(2 * tail, rel=1e-12)
    assert mcnemar(*pair(both, first, other, neither)[::-1]).p_value == pytest.approx(found.p_value)


def test_mcnemar_without_a_difference():
    assert mcnemar(*pair(5, 0, 0, 3)).p_value == 1.0 and mcnemar(*pair(5, 2, 2, 3)).p_value == 1.0


RNG = np.random.default_rng(0)
GOLDS = RNG.choice(["a", "b", "c"], 80, p=[0.6, 0.3, 0.1])
FIRST = np.where(RNG.random(80) < 0.7, GOLDS, "a")
OTHER = np.where(RNG.random(80) < 0.8, GOLDS, "b")


@pytest.mark.slow
def test_bootstrap_against_a_restatement():
    """Another stream of random numbers, and percentiles of the differences of resamples: the same but for chance."""
    rng, drawn = np.random.default_rng(5), []
    for _ in range(5000):
        rows = rng.integers(0, 80, 80)
        drawn.append(np.mean(GOLDS[rows] == OTHER[rows]) - np.mean(GOLDS[rows] == FIRST[rows]))
    found = bootstrap(GOLDS, FIRST, OTHER, MEASURES["classes"]["accuracy"], 400, 0.9, seed=1)
    spread = np.std(drawn)
    assert found.low == pytest.approx(np.quantile(drawn, 0.05), abs=0.35 * spread)
    assert found.high == pytest.approx(np.quantile(drawn, 0.95), abs=0.35 * spread)
    wanted = 2 * min(np.mean(np.array(drawn) <= 0), np.mean(np.array(drawn) >= 0))
    assert found.p_value == pytest.approx(wanted, abs=0.06)
    assert found.first == np.mean(GOLDS == FIRST) and found.other == np.mean(GOLDS == OTHER)


def test_scores_are_those_of_scikit_learn():
    for name, wanted in (
        ("f1_macro", metrics.f1_score(GOLDS, OTHER, average="macro")),
        ("mcc", metrics.matthews_corrcoef(GOLDS, OTHER)),
    ):
        found = bootstrap(GOLDS, FIRST, OTHER, MEASURES["classes"][name], 20)
        assert found.other == pytest.approx(wanted) and found.low <= found.high


def test_the_same_seed_gives_the_same():
    twice = [bootstrap(GOLDS, FIRST, OTHER, MEASURES["classes"]["accuracy"], 30, seed=seed) for seed in (1, 1, 2)]
    assert twice[0] == twice[1] != twice[2]


def test_rows_stay_together():
    """Of answers that are the same in both, no resample has a difference: they are drawn in pairs."""
    found = bootstrap(GOLDS, FIRST, FIRST.copy(), MEASURES["classes"]["accuracy"], 50)
    assert (found.low, found.high, found.p_value) == (0.0, 0.0, 1.0)


def test_numbers_and_several_labels():
    numbers = RNG.normal(size=60)
    near, far = numbers + 0.1 * RNG.normal(size=60), numbers + RNG.normal(size=60)
    found = {name: bootstrap(numbers, far, near, one, 40) for name, one in MEASURES["scores"].items()}
    assert found["pearson"].first == pytest.approx(np.corrcoef(numbers, far)[0, 1])
    assert found["mae"].other == pytest.approx(np.mean(np.abs(near - numbers)))
    assert found["pearson"].low > 0 and found["mae"].high < 0 and found["spearman"].p_value == 2 / 41
    golds = RNG.random((60, 3)) < 0.5
    answers = golds ^ (RNG.random((60, 3)) < 0.1)
    found = bootstrap(golds, ~golds, answers, MEASURES["several labels"]["f1_micro"], 20)
    true, given, both = golds.sum(), answers.sum(), (golds & answers).sum()
    assert found.other == pytest.approx(2 * both / (true + given)) and found.first == 0.0 and found.low > 0


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_the_same_number_everywhere_is_a_correlation_of_0(name):
    """Draws of few different numbers are constant too. nan would be on neither side of 0, and count as certain."""
    numbers = RNG.normal(size=60)
    found = bootstrap(numbers, np.full(60, 0.5), numbers, MEASURES["scores"][name], 40)
    assert (found.first, found.other, found.low, found.high) == (0.0, pytest.approx(1.0), *[pytest.approx(1.0)] * 2)
    golds = np.array([1.0, 1.0, 1.0, 1.0, 2.0])
    found = bootstrap(golds, golds, golds, MEASURES["scores"][name], 40)
    assert (found.low, found.high, found.p_value) == (0.0, 0.0, 1.0)


def test_many_rows_take_little_memory(monkeypatch):
    seen = []
    real = significance.stats.bootstrap
    monkeypatch.setattr(significance.stats, "bootstrap", lambda *a, **k: (seen.append(k["batch"]), real(*a, **k))[1])
    bootstrap(GOLDS, FIRST, OTHER, MEASURES["classes"]["accuracy"], 10)
    assert seen[0] * 100_000 * 8 < 64 << 20
