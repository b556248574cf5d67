"""Folders of runs side by side: scores, settings, tests, a page without network; other tasks and rows are refused."""

import html
import json
import re

import numpy as np
import pytest

from bertline.common import table_lines
from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.training.comparing import comparison, predicted_rows
from bertline.training.evaluation import result_files
from bertline.training.reporting.metrics_table import MetricsTable

TEXTS = ["plain", "a\ttab", 'a "quote"', "two\nlines", "NA", "x", "y", "z"]
TRUE = ["blue", "red", "red", "blue", "red", "blue", "red", "blue"]


def write_run(folder, answers=TRUE, texts=TEXTS, true=TRUE, ending="tsv", steps=(), **settings):
    """A folder as run_classifier.py leaves it."""
    folder.mkdir()
    given = {"task_name": "tsv", "learning_rate": 1e-5, "output_dir": str(folder), "seed": 1, **settings}
    (folder / "run_config.json").write_text(json.dumps({"settings": given}))
    right = sum(a == b for a, b in zip(answers, true)) / len(true)
    scores = {"eval_accuracy": right, "eval_loss": 1 - right, "loss": 1 - right, "global_step": 20}
    result_files.write_eval_results(str(folder / "eval_results.txt"), scores)
    labels = make_labels("single_label_classification", ["blue", "red"])
    examples = [InputExample(f"dev-{i}", *row) for i, row in enumerate(zip(texts, [None] * len(texts), true))]
    probabilities = [[0.9, 0.1] if one == "blue" else [0.2, 0.8] for one in answers]
    for name, lines in labels.prediction_files(np.array(probabilities), examples, None, ending).items():
        result_files.write_lines(str(folder / name), lines)
    table = MetricsTable(str(folder / "metrics.csv"))
    for step in steps:
        table.add(step, {"train/loss": 1 / step, "train/learning_rate": 1e-5})
        table.add(step, {"eval/eval_accuracy": right})
    return str(folder)


WORSE = ["red", "red", "red", "red", "red", "red", "red", "blue"]


@pytest.mark.slow
@pytest.mark.parametrize("endings", [("tsv", "csv"), ("jsonl", "tsv")])
def test_tables_and_page(tmp_path, capsys, endings):
    steps = (10, 20) if "csv" in endings else ()
    a = write_run(tmp_path / "a<b>", WORSE, ending=endings[0], steps=steps)
    b = write_run(tmp_path / "b", ending=endings[1], learning_rate=3e-5)
    comparison.compare([a, b], str(tmp_path / "out"), 10)
    shown = capsys.readouterr().out
    assert re.search(r"learning_rate +1e-05 +3e-05", shown) and "output_dir" not in shown and "seed" not in shown
    rows = [line.split("\t") for line in (tmp_path / "out" / "comparison.tsv").read_text().splitlines()]
    assert rows[0] == ["run", "a<b>", "b"] and ["eval_accuracy", "0.6250", "1.0000"] in rows
    assert rows[-1] == ["learning_rate", "1e-05", "3e-05"]
    tests = [line.split("\t") for line in (tmp_path / "out" / "significance.tsv").read_text().splitlines()]
    assert tests[1][:5] == ["b", "accuracy", "0.6250", "1.0000", "+0.3750"]
    # 3 rows against 0: 2 / 2^3
    assert tests[-1] == ["b", "rows that one alone has right", "0", "3", "+3", "", "0.2500 (McNemar, exact)"]
    page = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(\w+:)', page) == ["data:"] * (2 if steps else 1)
    page = re.sub(r"base64,[^\"]*", "", page)
    assert not [word for word in ("http", "<script", "url(", "@import") if word in page]
    assert "<b>" not in page and html.escape("a<b>") in page
    assert "+0.3750" in page and "0.2500 (McNemar, exact)" in page and "learning_rate" in page
    assert page.count("<table>") == page.count("</table>") == 3


def test_more_than_two_are_compared_with_the_first(tmp_path):
    folders = [write_run(tmp_path / name, answers) for name, answers in zip("abc", (TRUE, WORSE, TRUE))]
    comparison.compare(folders, str(tmp_path), 5)
    tests = [line.split("\t") for line in (tmp_path / "significance.tsv").read_text().splitlines()]
    assert [row[0] for row in tests[1:]] == ["b"] * 4 + ["c"] * 4
    assert [row[2:4] for row in tests if row[1] == "accuracy"] == [["1.0000", "0.6250"], ["1.0000", "1.0000"]]
    assert "All settings are the same" in (tmp_path / "comparison.html").read_text()


def test_a_folder_of_several_seeds(tmp_path, caplog):
    one, above = write_run(tmp_path / "one"), tmp_path / "seeds"
    above.mkdir()
    write_run(above / "run-1", num_runs=2)
    scores = {"eval_accuracy": 0.75, "eval_accuracy_std": 0.05, "eval_accuracy_runs": "0.7 0.8"}
    result_files.write_eval_results(str(above / "eval_results.txt"), scores)
    comparison.compare([one, str(above)], str(tmp_path / "out"), 20)
    rows = [line.split("\t") for line in (tmp_path / "out" / "comparison.tsv").read_text().splitlines()]
    assert ["eval_accuracy", "1.0000", "0.7500 ± 0.0500"] in rows and ["num_runs", "", "2"] in rows
    assert f"{above}: no predictions.tsv, .csv or .jsonl of rows with labels, so no test of significance" in caplog.text
    assert "Not tested" in (tmp_path / "out" / "comparison.html").read_text()
    assert not (tmp_path / "out" / "significance.tsv").exists()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"task_name": "sst-2"}, "b has --task_name=sst-2, .*a tsv; compare runs of one task"),
        ({"problem_type": "regression"}, "b has --problem_type=regression"),
        (
            {"texts": [*TEXTS[:3], "other", *TEXTS[4:]]},
            "row 4, dev-3, of the predictions of .*b is not that of .*a, dev-3",
        ),
        ({"true": [*TRUE[:7], "red"]}, "row 8, dev-7"),
        ({"texts": TEXTS[:7], "true": TRUE[:7], "answers": TRUE[:7]}, "b predicts 7 rows of classes, .*a 8 of classes"),
    ],
)
def test_other_tasks_and_rows_are_refused(tmp_path, changes, message):
    folders = [write_run(tmp_path / "a"), write_run(tmp_path / "b", **changes)]
    with pytest.raises(InputError, match=message):
        comparison.compare(folders, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_folders_that_are_no_runs(tmp_path):
    a = write_run(tmp_path / "a")
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="--runs=.*b: no run_config.json; give the --output_dir"):
        comparison.compare([a, str(tmp_path / "b")], str(tmp_path))
    b = write_run(tmp_path / "c")
    (tmp_path / "c" / "eval_results.txt").unlink()
    with pytest.raises(
        InputError, match="--runs=.*c: no eval_results.txt and no test_results.txt; run it with --do_eval"
    ):
        comparison.compare([a, b], str(tmp_path))
    write_run(tmp_path / "d")
    (tmp_path / "d" / "predictions.tsv").write_text('guid\tlabel\n"x\n')
    with pytest.raises(InputError, match="d/predictions.tsv: cannot be read: .*; predict anew"):
        comparison.compare([a, str(tmp_path / "d")], str(tmp_path))
    (tmp_path / "d" / "predictions.tsv").write_text("guid\tlabel\nx\n")
    with pytest.raises(InputError, match="d/predictions.tsv: not a table that prediction wrote"):
        comparison.compare([a, str(tmp_path / "d")], str(tmp_path))


def test_candidates_are_no_rows_to_test(tmp_path):
    header = ["guid", "rank", "probability", "true_label", "truncated", "query", "candidate"]
    lines = [header, ["r-0", "1", "0.9", "1", "false", "q", "c"]]
    result_files.write_lines(str(tmp_path / "predictions.tsv"), map(table_lines.line, lines))
    assert predicted_rows.read(str(tmp_path)) is None


def test_scores_and_several_labels_are_read_back(tmp_path):
    lines = [["guid", "label", "true_label", "score", "text_a", "text_b"], ["r-0", "1.2", "1", "1.2", "t", ""]]
    result_files.write_lines(str(tmp_path / "predictions.tsv"), map(table_lines.line, lines))
    found = predicted_rows.read(str(tmp_path))
    assert found.kind == "scores" and found.golds.tolist() == [1.0] and found.answers.tolist() == [1.2]
    header = ["guid", "label", "true_label", "probability_hot", "probability_cold", "text_a", "text_b"]
    rows = [["r-0", "hot|cold", "hot", "1", "1", "t", ""], ["r-1", "", "", "0", "0", "u", ""]]
    result_files.write_lines(str(tmp_path / "predictions.tsv"), map(table_lines.line, [header, *rows]))
    found = predicted_rows.read(str(tmp_path), "|")
    assert found.kind == "several labels" and found.golds.tolist() == [[True, False], [False, False]]
    assert found.answers.tolist() == [[True, True], [False, False]] and found.right.tolist() == [False, True]
    unlabelled = [["guid", "label", "probability_a", "confidence", "text_a"], ["r-0", "a", "1", "1", "t"]]
    result_files.write_lines(str(tmp_path / "predictions.tsv"), map(table_lines.line, unlabelled))
    assert predicted_rows.read(str(tmp_path)) is None
    (tmp_path / "predictions.tsv").unlink()
    result_files.write_lines(str(tmp_path / "predictions.jsonl"), ['{"text": "Ida met Leo", "spans": []}'])
    assert predicted_rows.read(str(tmp_path)) is None, "as run_tagger.py writes them"
