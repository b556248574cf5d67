"""Files of an evaluation of vectors: odd names of tasks and models hinder neither the table nor the picture."""

import csv

from bertline.vector_evaluation import report
from bertline.vector_evaluation.evaluate import Result

NAMES = ["$a^$ task", "tab\there", "$\\frac$"]


def test_odd_names(tmp_path, caplog, recwarn):
    results = [
        Result(f"model/{model}", "none", task, {"accuracy": 0.5 + len(task) / 100}, "test", 7)
        for model in NAMES
        for task in NAMES
    ]
    report.write(str(tmp_path), results, {})
    with open(tmp_path / "scores.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", strict=True))
    expected = [(result.model, result.task, str(result.scores["accuracy"])) for result in results]
    assert [(row["model"], row["task"], row["score"]) for row in rows] == expected
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG") and not caplog.records and not recwarn.list


def test_models_of_one_name_keep_their_bars():
    bars = report._bars(["a", "mean"], [("same", [0.25, 0.5]), ("same", [0.75, 1.0])])
    [axes] = bars.axes
    assert [bar.get_height() for bar in axes.patches] == [0.25, 0.5, 0.75, 1.0]
