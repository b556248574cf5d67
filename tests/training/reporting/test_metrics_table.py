"""metrics.csv: a row for each step, also after a run was killed and goes on."""

import csv

import pytest

from bertline.training.reporting.metrics_table import MetricsTable, read


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.csv"


def test_what_is_measured_at_one_step_stands_in_one_row(path):
    table = MetricsTable(path)
    for step in (1, 2, 3):
        table.add(step, {"train/loss": 1 / step})
        if step > 1:
            table.add(step, {"eval/loss": 2.0, "eval/f1": 0.5})
    assert rows(path) == [
        {"step": "1", "train/loss": "1", "eval/loss": "", "eval/f1": ""},
        {"step": "2", "train/loss": "0.5", "eval/loss": "2", "eval/f1": "0.5"},
        {"step": "3", "train/loss": "0.333333333", "eval/loss": "2", "eval/f1": "0.5"},
    ]


def test_a_continued_run_makes_no_step_twice(path):
    table = MetricsTable(path)
    for step in range(1, 8):
        table.add(step, {"train/loss": 1.0})
    continued = MetricsTable(path, last_step=4)
    assert [row["step"] for row in rows(path)] == ["1", "2", "3", "4"]
    for step in range(5, 9):
        continued.add(step, {"train/loss": 2.0})
    assert [(row["step"], row["train/loss"]) for row in rows(path)] == [
        *((str(step), "1") for step in range(1, 5)),
        *((str(step), "2") for step in range(5, 9)),
    ]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_row_that_was_being_written_is_dropped(path, cut):
    table = MetricsTable(path)
    for step in (10, 20, 30):
        table.add(step, {"train/loss": 0.25, "train/rate": 3.5})
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    MetricsTable(path, last_step=100).add(30, {"train/loss": 0.25, "train/rate": 3.5})
    found = [row["step"] for row in rows(path)]
    assert found == ["10", "20", "30"][: 2 - (cut > len(whole.splitlines(True)[-1]))] + ["30"]


def test_a_late_evaluation_of_an_earlier_step(path):
    table = MetricsTable(path)
    for step in (1, 2, 3):
        table.add(step, {"train/loss": 1.0})
    MetricsTable(path).add(2, {"eval/loss": 7.0})
    assert [row["eval/loss"] for row in rows(path)] == ["", "7", ""]


def test_another_file_of_that_name(path, caplog):
    path.write_bytes(b"my own\xff notes\n1\n")
    assert read(path) == (["step"], [])
    MetricsTable(path).add(1, {"a": 1.0})
    assert rows(path) == [{"step": "1", "a": "1"}] and "is not what a run writes" in caplog.text
