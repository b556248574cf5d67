"""Scores of tags against the answers of conlleval.pl."""

import re

import pytest

from training import score


def columns(path):
    with open(path, encoding="utf-8") as file:
        blocks = [[line.split() for line in block.splitlines()] for block in file.read().strip().split("\n\n")]
    return [[[row[column] for row in block] for block in blocks] for column in (1, 2)]


@pytest.mark.real_data
def test_entities_are_counted_as_conlleval_counts_them(golden_dir):
    folder = golden_dir / "techniques" / "conlleval_golden"
    golds, answers = columns(folder / "wnut17_noisy.txt")
    said = (folder / "conlleval_output.txt").read_text(encoding="utf-8")
    accuracy, precision, recall, f1 = map(
        float,
        re.search(r"accuracy: +([\d.]+)%; precision: +([\d.]+)%; recall: +([\d.]+)%; FB1: +([\d.]+)", said).groups(),
    )
    found = score.compute(["entity_f1", "tag_accuracy"], golds, answers)
    assert {name: round(100 * value, 2) for name, value in found.items()} == {
        "entity_f1": f1, "entity_precision": precision, "entity_recall": recall, "tag_accuracy": accuracy,
    }  # fmt: skip


def test_without_an_entity_all_is_zero_and_nothing_is_warned_of(caplog):
    found = score.compute(["entity_f1"], [["O", "O"]], [["O", "O"]])
    assert found == {"entity_f1": 0.0, "entity_precision": 0.0, "entity_recall": 0.0} and not caplog.records
