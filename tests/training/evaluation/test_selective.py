"""Selective accuracy against a plain restatement, and the column of rows that abstain."""

import csv
import json
import math

import numpy as np

from bertline.processors.labels.base import make_labels
from bertline.processors.labels.prediction_tables import PredictedRows, prediction_files
from bertline.training.evaluation import selective

ROWS = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.55, 0.45], [0.2, 0.8]])
GOLDS = np.array([0, 1, 1, 1, 1])


def test_shares_and_accuracies():
    expected = []
    for threshold in (0.0, 0.6, 0.75, 0.95):
        kept = [(row.argmax() == gold) for row, gold in zip(ROWS, GOLDS) if row.max() >= threshold]
        expected.append((len(kept) / 5, sum(kept) / len(kept) if kept else math.nan))
    found = selective.at(GOLDS, ROWS, [0.0, 0.6, 0.75, 0.95])
    np.testing.assert_allclose(np.transpose(found), expected)
    assert expected[1] == (0.8, 0.75)


def test_files_have_the_threshold_that_was_asked_for(tmp_path):
    selective.write(str(tmp_path), GOLDS, ROWS, 0.62)
    with open(tmp_path / "selective_accuracy.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {"threshold": "0.62", "answered": "0.6", "accuracy": "0.666667"} in rows and len(rows) == 21
    assert (tmp_path / "selective_accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_rows_that_abstain_are_said_in_a_column_of_their_own():
    labels = make_labels("single_label_classification", ["no", "yes"], abstain_below=0.6)
    header, *lines = (line.split("\t") for line in prediction_files(PredictedRows(ROWS, labels))["predictions.tsv"])
    found = [dict(zip(header, line)) for line in lines]
    assert [row["abstained"] for row in found] == ["false", "false", "false", "true", "false"]
    assert [row["label"] for row in found] == ["no", "yes", "no", "no", "yes"]
    lines = prediction_files(PredictedRows(ROWS, labels), "jsonl")["predictions.jsonl"]
    assert [json.loads(line)["abstained"] for line in lines] == [False, False, False, True, False]
    plain = prediction_files(PredictedRows(ROWS, make_labels("single_label_classification", ["no", "yes"])))
    assert "abstained" not in next(iter(plain["predictions.tsv"]))
