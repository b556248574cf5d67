"""What scores are of samples of their examples: equal to those that libraries compute of the sample itself."""

import types

import numpy as np
import pytest
import scipy.stats

from bertline import registry
from bertline.training.reporting.page import bootstrap
from bertline.training.scores import score

DRAW = np.random.default_rng(7)
ROWS = 40
TAGS = ("B-x", "I-x", "B-y", "I-y", "O")


def probabilities(shape):
    found = DRAW.random(shape)
    return found / found.sum(axis=1, keepdims=True)


def tags():
    return [list(DRAW.choice(TAGS, 6)) for _ in range(ROWS)]


def answers():
    texts = ("red fox", "the fox", "a dog", "", "blue")
    golds = [() if i % 4 == 0 else (texts[i % 3], texts[i % 2]) for i in range(ROWS)]
    given = DRAW.choice(texts, ROWS)
    return golds, [types.SimpleNamespace(text=text, null_odds=None, best_text=text) for text in given]


CLASSES = list(DRAW.integers(0, 4, ROWS)), list(probabilities((ROWS, 5)))  # one class is never there
TWO = list(DRAW.integers(0, 2, ROWS)), list(probabilities((ROWS, 2)))
SEVERAL = list(DRAW.integers(0, 2, (ROWS, 3)).astype(np.float32)), list(DRAW.random((ROWS, 3)))
NUMBERS = list(DRAW.integers(0, 5, ROWS).astype(float)), list(DRAW.integers(0, 7, (ROWS, 1)).astype(np.float32))
ENTITIES, ANSWERS = (tags(), tags()), answers()
EXAMPLES = {
    "accuracy": (CLASSES, SEVERAL),
    "f1": (TWO,),
    "f1_micro": (CLASSES, SEVERAL),
    "f1_macro": (CLASSES, SEVERAL),
    "f1_samples": (SEVERAL,),
    "mcc": (CLASSES, TWO),
    **dict.fromkeys(("pearson", "spearman", "mae", "rmse", "r2"), (NUMBERS,)),
    **dict.fromkeys(("entity_f1", "strict_entity_f1", "tag_accuracy"), (ENTITIES,)),
    **dict.fromkeys(("answer_f1", "chinese_answer_f1"), (ANSWERS,)),
}


def seen(name, golds, given):
    [found] = score.show_all([name], golds, given)
    return found


def test_every_score_that_is_resampled_is_tried():
    for name in set(registry.names("score")) - set(EXAMPLES):
        assert registry.get("score", name).resampling is score.Score.resampling, name
    assert seen("average_precision_macro", *SEVERAL).resampling() is None


@pytest.mark.parametrize("name, number", [(name, i) for name, found in EXAMPLES.items() for i in range(len(found))])
def test_a_sample_has_the_score_that_the_library_gives_it(name, number):
    """Each example comes once at least, so that the sample has the same kinds of examples."""
    golds, given = EXAMPLES[name][number]
    chosen = [*range(ROWS), *DRAW.integers(0, ROWS, 25)]
    whole, sample = seen(name, golds, given), seen(name, [golds[i] for i in chosen], [given[i] for i in chosen])
    resampling, counts = whole.resampling(), sample.resampling().counts
    if len(counts) == len(chosen):  # each row is a kind of its own
        counts = np.bincount(chosen)
    found = resampling.of(np.stack([resampling.counts, counts]))
    for i, expected in enumerate((whole.result(), sample.result())):
        assert set(found) <= set(expected) and found
        for key, values in found.items():
            assert values[i] == pytest.approx(expected[key], abs=1e-6), key


def test_intervals_are_those_of_scipy():
    """The draws are random: the ends of both differ by their own sampling error, a tenth of the deviation or so."""
    draw = np.random.default_rng(3)
    labels = draw.integers(0, 3, 120)
    given = np.eye(3)[np.where(draw.random(120) < 0.8, labels, (labels + 1) % 3)]
    right = given.argmax(axis=1) == labels
    found, draws = bootstrap.intervals(score.show_all(["accuracy"], list(labels), list(given)))
    assert draws == 1000
    expected = scipy.stats.binom.ppf([0.025, 0.975], 120, right.mean()) / 120  # exactly, of all samples there are
    assert found["accuracy"] == pytest.approx(tuple(expected), abs=0.01)
    golds = draw.normal(size=120)
    numbers = golds + draw.normal(size=120)
    found, _ = bootstrap.intervals(score.show_all(["pearson"], list(golds), list(numbers[:, None])))
    theirs = scipy.stats.bootstrap(
        (golds, numbers), lambda a, b: scipy.stats.pearsonr(a, b).statistic, paired=True, vectorized=False,
        n_resamples=1000, method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert found["pearson"] == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_intervals_are_the_same_each_time_and_one_row_has_none():
    golds, given = CLASSES
    scores = score.show_all(["accuracy", "mcc"], golds, given)
    assert bootstrap.intervals(scores) == bootstrap.intervals(scores)
    assert bootstrap.intervals(score.show_all(["accuracy"], golds[:1], given[:1]))[0] == {}


def test_a_hundred_thousand_scores_are_drawn_less_often():
    draw = np.random.default_rng(0)
    golds = draw.normal(size=100_000)
    seen_all = score.show_all(["pearson"], golds, golds[:, None] + draw.normal(size=(100_000, 1)))
    low, high = bootstrap.of_resampling(seen_all[0].resampling(), draws=20)["pearson"]
    assert low < 2**-0.5 < high and bootstrap.num_draws(100_000) == 200
