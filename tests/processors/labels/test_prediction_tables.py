"""The files of predictions, read by csv and json: every row, every text as it was, columns that say what they are."""

import csv
import io
import json

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.labels import prediction_tables
from bertline.processors.labels.base import make_labels
from bertline.processors.labels.prediction_tables import PredictedRows, prediction_files

TEXTS = ['5" nail', '"quoted', "tab\there", "two\nlines", "plain", "  spaces  ", "a,b"]
NAMES = ["a\tb", "line\nend", 'say "c"']
PROBABILITIES = np.array(
    [[0.2, 0.5, 0.3], [0.7, 0.1, 0.2], [1, 0, 0], [0, 0, 1], [0.4, 0.4, 0.2], [0, 1, 0], [0, 0.6, 0.4]]
)
CLASSES = make_labels("single_label_classification", NAMES)


def examples(labels=None, second=None):
    labels = labels or [None] * len(TEXTS)
    return [InputExample(f"test-{i}", text, second, label) for i, (text, label) in enumerate(zip(TEXTS, labels))]


def table(lines, delimiter="\t"):
    text = "".join(line + "\n" for line in lines)
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("file_format, delimiter", [("tsv", "\t"), ("csv", ",")])
def test_every_cell_comes_back(file_format, delimiter):
    rows = PredictedRows(PROBABILITIES, CLASSES, examples(second="x\ty"), np.arange(len(TEXTS)) == 2)
    files = prediction_files(rows, file_format)
    assert list(files) == ["test_results.tsv", f"predictions.{file_format}"]
    found = table(files[f"predictions.{file_format}"], delimiter)
    assert list(found[0]) == [
        "guid",
        "label",
        *(f"probability_{name}" for name in NAMES),
        "confidence",
        "margin",
        "truncated",
        "text_a",
        "text_b",
    ]
    assert [row["text_a"] for row in found] == TEXTS and {row["text_b"] for row in found} == {"x\ty"}
    assert [row["label"] for row in found] == [NAMES[row.argmax()] for row in PROBABILITIES]
    assert [row["truncated"] for row in found] == ["false", "false", "true", *["false"] * 4]
    ordered = np.sort(PROBABILITIES, axis=1)
    np.testing.assert_allclose([float(row["confidence"]) for row in found], ordered[:, -1])
    np.testing.assert_allclose([float(row["margin"]) for row in found], ordered[:, -1] - ordered[:, -2], atol=1e-12)


def test_the_original_file_is_the_original_one():
    [first, *_] = prediction_files(PredictedRows(PROBABILITIES.astype(np.float32), CLASSES))["test_results.tsv"]
    assert first == "\t".join(str(value) for value in PROBABILITIES.astype(np.float32)[0])


def test_true_labels_where_a_row_has_one():
    labels = [NAMES[0], None, NAMES[2], None, None, None, NAMES[1]]
    found = table(prediction_files(PredictedRows(PROBABILITIES, CLASSES, examples(labels)))["predictions.tsv"])
    assert [row["true_label"] for row in found] == [label or "" for label in labels]
    assert "truncated" not in found[0]


@pytest.mark.parametrize(
    "labels, probabilities, true_label, expected",
    [
        (
            CLASSES,
            [0.2, 0.5, 0.3],
            NAMES[0],
            {
                "label": NAMES[1],
                "true_label": NAMES[0],
                "probabilities": dict(zip(NAMES, [0.2, 0.5, 0.3])),
                "confidence": 0.5,
                "margin": 0.2,
            },
        ),
        (
            make_labels("multi_label_classification", ["x", "y,z"]),
            [0.7, 0.8],
            ("x",),
            {
                "label": ["x", "y,z"],
                "true_label": ["x"],
                "probabilities": {"x": 0.7, "y,z": 0.8},
            },
        ),
        (make_labels("regression", []), [2.5], 3.0, {"label": 2.5, "true_label": 3.0}),
    ],
)
def test_json_lines(labels, probabilities, true_label, expected):
    rows = PredictedRows(np.array([probabilities]), labels, examples([true_label])[:1], np.array([True]))
    [line] = prediction_files(rows, "jsonl")["predictions.jsonl"]
    assert json.loads(line) == {"guid": "test-0", **expected, "truncated": True, "text_a": TEXTS[0], "text_b": None}


def test_scores_have_neither_classes_nor_confidence():
    found = table(
        prediction_files(PredictedRows(np.array([[2.5], [0.1]]), make_labels("regression", [])))["predictions.tsv"]
    )
    assert found[0] == {"guid": "row-1", "label": "2.5", "score": "2.5", "text_a": "", "text_b": ""}


def test_several_labels_are_joined_by_the_separator():
    labels = make_labels("multi_label_classification", ["x", "y,z"], separator="|")
    found = table(prediction_files(PredictedRows(np.array([[0.7, 0.8]]), labels))["predictions.tsv"])
    assert found[0]["label"] == "x|y,z"


def test_an_unknown_format_is_refused():
    with pytest.raises(InputError, match="--predictions_format=xls: one of tsv, csv, jsonl is needed"):
        prediction_tables.check_format("xls")
