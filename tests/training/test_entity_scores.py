"""Scores of tags against the answers of conlleval.pl."""

import re

import pytest

from bertline.training.evaluation import type_report
from bertline.training.scores import score


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
        "entity_f1": f1,
        "entity_precision": precision,
        "entity_recall": recall,
        "tag_accuracy": accuracy,
    }


@pytest.mark.real_data
def test_types_and_strict_entities_are_seqeval_s_own_report(golden_dir, tmp_path):
    folder = golden_dir / "techniques" / "conlleval_golden"
    golds, answers = columns(folder / "wnut17_noisy.txt")
    lenient, strict = (folder / "seqeval_report.txt").read_text(encoding="utf-8").split("STRICT IOB2")
    type_report.write(tmp_path, golds, answers)
    lines = (tmp_path / "per_type.tsv").read_text(encoding="utf-8").splitlines()[1:]
    table = (line.split("\t") for line in lines)
    found = {name: [round(float(value), 4) for value in values] for name, *values in table}
    for report, first in ((lenient, 0), (strict, 3)):
        rows = re.findall(r"^ *([a-z -]+?) +([\d.]+) +([\d.]+) +([\d.]+) +(\d+)$", report, re.MULTILINE)
        assert {name: [*map(float, values)] for name, *values in rows} == {
            name: [*values[first : first + 3], values[-1]] for name, values in found.items()
        }
    scores = score.compute(["strict_entity_f1"], golds, answers)
    expected = dict(zip(("precision", "recall", "f1"), found["micro avg"][3:]))
    assert {name: round(scores[f"strict_entity_{name}"], 4) for name in expected} == expected


def test_strict_entities_of_ends_are_those_of_their_scheme():
    """North African Grand Prix (spyysalo/conlleval.py, tests/e-b-sequence.txt): two entities taken for one."""
    golds, answers = [["B-MISC", "E-MISC", "B-MISC", "E-MISC"]], [["B-MISC", "I-MISC", "I-MISC", "E-MISC"]]
    assert score.compute(["strict_entity_f1"], golds, answers)["strict_entity_f1"] == 0.0
    assert score.compute(["strict_entity_f1", "entity_f1"], golds, golds)["entity_f1"] == 1.0
    bilou = [[tag.replace("E-", "L-") for tag in golds[0]]]
    assert score.compute(["strict_entity_f1"], bilou, bilou)["strict_entity_f1"] == 1.0


def test_strict_entities_of_iob1_begin_with_an_inside():
    golds = [["I-X", "B-X", "O", "I-X"]]
    assert score.compute(["strict_entity_f1"], golds, golds)["strict_entity_f1"] == 1.0
    found = score.compute(["strict_entity_f1"], golds, [["I-X", "I-X", "O", "I-X"]])
    assert (found["strict_entity_precision"], found["strict_entity_recall"]) == (0.5, pytest.approx(1 / 3))


def test_without_an_entity_all_is_zero_and_nothing_is_warned_of(caplog):
    found = score.compute(["entity_f1"], [["O", "O"]], [["O", "O"]])
    strict = score.compute(["strict_entity_f1"], [["O", "O"], []], [["O", "O"], []])
    assert not any(strict.values())
    assert found == {"entity_f1": 0.0, "entity_precision": 0.0, "entity_recall": 0.0} and not caplog.records
