"""What is said of the splits: distributions, and mistakes by the flag that mends them."""

import logging

import pytest

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.processors.tables import split_checks

SINGLE, SEVERAL, SCORE = "single_label_classification", "multi_label_classification", "regression"


def rows(split, labels, texts=None):
    texts = texts or [f"{split} {i}" for i in range(len(labels))]
    return [
        InputExample(f"{split}-{i}", text, label=label, source=f"data/{split}.tsv:{i + 2}")
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]


@pytest.fixture
def said(caplog):
    """said(examples, names, kind) -> (lines of information, warnings)."""

    def report(examples, names=(), kind=SINGLE):
        caplog.clear()
        caplog.set_level(logging.INFO)
        split_checks.report(examples, make_labels(kind, names))
        lines = [(record.levelno, record.getMessage()) for record in caplog.records]
        return [text for level, text in lines if level == logging.INFO], [t for n, t in lines if n == logging.WARNING]

    return report


def test_the_distribution_of_each_split(said):
    examples = {
        "train": rows("train", [*"aaab", *"bbc", "c", "c"]),
        "dev": rows("dev", "ab"),
        "test": rows("test", ["a", None]),
    }
    lines, warnings = said(examples, ["a", "b", "c"])
    assert lines == [
        "train: 9 rows; labels: a 3, b 3, c 3",
        "dev: 2 rows; labels: a 1, b 1",
        "test: 2 rows; labels: a 1; 1 without a label",
    ]
    assert warnings == []
    lines, _ = said({"dev": rows("dev", [("x", "y"), (), ("x",)])}, ["x", "y"], SEVERAL)
    assert lines == ["dev: 3 rows; labels: x 2, y 1"]
    lines, _ = said({"dev": rows("dev", [1.0, 2.5, 4.0])}, kind=SCORE)
    assert lines == ["dev: 3 rows; scores from 1 to 4, mean 2.5"]
    [line], _ = said({"test": rows("test", [f"l{i}" for i in range(30)])}, [f"l{i}" for i in range(30)])
    assert line.endswith("l19 1, ... (30 in all)")


def test_one_class_is_refused_where_it_is_to_be_trained():
    examples = {"train": rows("train", ["good"] * 4), "dev": rows("dev", ["good"])}
    with pytest.raises(
        InputError,
        match=r"^data/train.tsv has a single label, 'good'; is --label_column the right column\?$",
    ):
        split_checks.report(examples, make_labels(SINGLE, ["good"]))
    split_checks.report({"test": rows("test", [None])}, make_labels(SINGLE, ["good"]))


@pytest.mark.parametrize(
    "labels, names, kind, message",
    [
        (["good"] * 4, ["bad", "good"], SINGLE, "data/train.tsv: every row has the label 'good'; is --label_column"),
        ([("x",)] * 4, ["x", "y"], SEVERAL, "data/train.tsv: every row has the label 'x'; is --label_column"),
        ([2.0] * 4, [], SCORE, "data/train.tsv: every row has the score 2; is --label_column"),
        (
            [*"aaaabbbbcc"],
            ["a", "b", "c", "d"],
            SINGLE,
            "2 of 4 labels have at most 2 rows: c (2), d (0); join or drop such labels, or give them weight by "
            "--class_weights=balanced; if these are no classes, --label_column names another column",
        ),
        ([str(i) for i in range(40)], [str(i) for i in range(40)], SINGLE, "--problem_type=regression"),
    ],
)
def test_labels_that_cannot_be_learnt(said, labels, names, kind, message):
    _, [warning] = said({"train": rows("train", labels)}, names, kind)
    assert message in warning


@pytest.mark.parametrize("split", ["dev", "test"])
def test_rows_that_are_in_train_too(said, split):
    examples = {
        "train": rows("train", [*"ababab"]),
        split: rows(split, [*"abb"], ["new", "train 3", "train 0"]),
    }
    _, [warning] = said(examples, ["a", "b"])
    assert warning.startswith(
        f"2 of 3 {split} rows are train rows too (data/{split}.tsv:3 is data/train.tsv:5): their scores"
    )
    assert f"--{split}_file" in warning


def test_another_second_text_is_another_row(said):
    pairs = [InputExample("train-0", "a", "b", "x"), InputExample("train-1", "a", "b", "y")] * 3
    _, warnings = said(
        {"train": pairs, "dev": [InputExample("dev-0", "a", "c", "x"), InputExample("d", "a")]}, ["x", "y"]
    )
    assert warnings == []


def test_many_rows(said):
    """Rows are looked up: comparing each with each would take hours."""
    many = rows("train", ["a", "b"] * 200_000)
    _, warnings = said({"train": many, "dev": many[:1000]}, ["a", "b"])
    assert any(warning.startswith("1000 of 1000 dev rows are train rows too") for warning in warnings)
