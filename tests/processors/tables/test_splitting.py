"""One file into three: shares of each class, by a seed, whatever the order of the rows."""

import collections
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.tables import splitting

LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=12, max_size=80)


def rows_of(labels, texts=None):
    texts = texts or [f"text {i}" for i in range(len(labels))]
    return [InputExample(f"train-{i}", text, label=label) for i, (text, label) in enumerate(zip(texts, labels))]


def counts(examples, splits):
    found = collections.defaultdict(collections.Counter)
    for example, split in zip(examples, splits):
        found[split][example.label] += 1
    return found


@given(LABELS, st.sampled_from([(0.1, 0.1), (0.2, 0.0), (0.25, 0.25), (0.0, 0.3)]), st.integers(0, 5))
def test_shares_of_each_class(labels, shares, seed):
    examples = rows_of(labels)
    fractions = {split: share for split, share in zip(("dev", "test"), shares) if share}
    splits = splitting.assign(examples, fractions, seed)
    found, total = counts(examples, splits), collections.Counter(labels)
    for split, fraction in fractions.items():
        assert abs(sum(found[split].values()) - fraction * len(labels)) <= len(total)
        for label, count in total.items():
            assert abs(found[split][label] - fraction * count) <= 1
    assert all(found["train"][label] for label in total), "each label is learned"
    order = list(range(len(labels)))
    random.Random(seed).shuffle(order)
    assert splitting.assign([examples[i] for i in order], fractions, seed) == [splits[i] for i in order]


def test_as_many_rows_of_each_class_as_scikit_learn_takes():
    model_selection = pytest.importorskip("sklearn.model_selection")
    labels = ["a"] * 700 + ["b"] * 255 + ["c"] * 40 + ["d"] * 5
    examples = rows_of(labels)
    splits = splitting.assign(examples, {"test": 0.2}, 1)
    _, theirs = model_selection.train_test_split(labels, test_size=0.2, stratify=labels, random_state=0)
    assert counts(examples, splits)["test"] == collections.Counter(theirs)


def test_seeds_and_order():
    examples = rows_of(["a", "b"] * 50)
    first = splitting.assign(examples, {"dev": 0.2, "test": 0.2}, 1)
    assert first == splitting.assign(examples, {"dev": 0.2, "test": 0.2}, 1)
    others = [splitting.assign(examples, {"dev": 0.2, "test": 0.2}, seed) for seed in range(2, 6)]
    assert all(first != other for other in others)
    # Not the first rows of the file, nor in any pattern.
    chosen = [row for row, split in enumerate(first) if split == "test"]
    assert len(chosen) == 20 and len({row % 10 for row in chosen}) > 4
    # With the same seed, more test rows include the fewer.
    more = splitting.assign(examples, {"dev": 0.2, "test": 0.3}, 1)
    assert {row for row, split in enumerate(more) if split == "test"} > set()


def test_the_same_text_is_in_one_split_only():
    texts = [f"text {i // 3}" for i in range(90)]
    examples = rows_of(["a", "b", "a"] * 30, texts)
    splits = splitting.assign(examples, {"dev": 0.2, "test": 0.2}, 3)
    places = collections.defaultdict(set)
    for text, split in zip(texts, splits):
        places[text].add(split)
    assert all(len(found) == 1 for found in places.values())
    assert 12 <= splits.count("dev") <= 21 and 12 <= splits.count("test") <= 21


def test_rare_labels_stay_in_train():
    examples = rows_of(["a"] * 40 + ["b"])
    for seed in range(20):
        assert splitting.assign(examples, {"dev": 0.4, "test": 0.4}, seed)[-1] == "train"
    several = rows_of([("x", "y"), ("x",), ("y", "z"), ()] * 10 + [("w", "x")])
    for seed in range(10):
        splits = splitting.assign(several, {"dev": 0.3}, seed)
        learned = {label for one, split in zip(several, splits) if split == "train" for label in one.label}
        assert learned == {"w", "x", "y", "z"}


def test_scores_are_spread():
    examples = rows_of([i / 10 for i in range(100)])
    splits = splitting.assign(examples, {"test": 0.2}, 1)
    scores = [example.label for example, split in zip(examples, splits) if split == "test"]
    assert len(scores) == 20 and [len([s for s in scores if tenth <= s < tenth + 1]) for tenth in range(10)] == [2] * 10


@pytest.mark.parametrize(
    "fractions, message",
    [
        ({"dev": 0.5, "test": 0.5}, "--dev_fraction=0.5, --test_fraction=0.5: no row is left"),
        ({"dev": -0.1, "test": 0.0}, "--dev_fraction=-0.1, .*: numbers from 0 to below 1"),
        ({"dev": float("nan"), "test": 0.0}, "numbers from 0 to below 1"),
        ({"dev": 0.0, "test": 1.0}, "numbers from 0 to below 1"),
    ],
)
def test_wrong_shares(fractions, message):
    with pytest.raises(InputError, match=message):
        splitting.Splitter(fractions, 1)


def test_a_share_that_is_no_row():
    with pytest.raises(InputError, match="--dev_fraction=0.01 of 4 rows is no row"):
        splitting.assign(rows_of(["a", "b"] * 2), {"dev": 0.01}, 1)
    with pytest.raises(InputError, match="--dev_fraction=0.5 of 2 rows is no row"):
        splitting.assign(rows_of(["a", "b"]), {"dev": 0.5}, 1)
