"""report.html of a run: numbers as scikit-learn has them, texts as text, small whatever the data."""

import html
import re

import numpy as np
import pytest
import sklearn.metrics as sk
from one_run import fine_tuning
from small_reports import EVIL, Plain, page, table

from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.training.evaluation.evaluated import evaluate
from bertline.training.reporting.page import report, run_facts


def classes(names, count, problem_type="single_label_classification", seed=0, text="text", right=0.7):
    """An Evaluated of random rows."""
    draw, labels = np.random.default_rng(seed), make_labels(problem_type, names)
    if labels.are_exclusive:
        golds = draw.integers(0, len(names), count)
        logits = draw.normal(size=(count, len(names))) + 4.0 * np.eye(len(names))[golds] * (
            draw.random((count, 1)) < right
        )
        found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        scores, texts = ("accuracy", "f1_macro"), [names[i] for i in golds]
    else:
        golds = draw.integers(0, 2, (count, len(names))).astype(np.float32)
        found, scores = np.abs(golds - draw.random(golds.shape) * 0.7), ("f1_micro",)
        texts = [tuple(names[j] for j in np.flatnonzero(row)) for row in golds]
    examples = [InputExample(f"r-{i}", f"{text} {i}", None, label, f"dev:{i}") for i, label in enumerate(texts)]
    return evaluate("dev", labels, scores, list(golds), list(found.astype(np.float32)), examples)


def test_the_numbers_are_those_of_scikit_learn(tmp_path):
    one = classes(["a", "b", "c"], 90)
    shown = page(tmp_path, one)
    golds, decided = np.array(one.golds), np.array(one.answers).argmax(axis=1)
    found = {row[0]: row[1:] for row in table(shown, "score")}
    assert found["accuracy"][0] == f"{sk.accuracy_score(golds, decided):.4f}"
    low, high = map(float, found["accuracy"][1].split(" to "))
    assert low < sk.accuracy_score(golds, decided) < high and high - low < 0.25
    scores = np.stack(sk.precision_recall_fscore_support(golds, decided)[:4], axis=1)
    for row, expected, predicted in zip(table(shown, "label")[1:], scores, np.bincount(decided)):
        assert [float(cell) for cell in row[1:]] == pytest.approx([*expected, predicted], abs=1e-4)
    confusion = [[int(cell or 0) for cell in row[1:]] for row in table(shown, "label \\ predicted")[1:]]
    np.testing.assert_array_equal(confusion, sk.confusion_matrix(golds, decided))
    errors = {row[0]: float(row[1]) for row in table(shown, "")[1:]}
    likely = np.array(one.answers, np.float64)
    assert errors["cross entropy"] == pytest.approx(-np.mean(np.log(likely[range(90), golds])), abs=1e-4)
    assert errors["brier"] == pytest.approx(np.mean(np.sum((likely - np.eye(3)[golds]) ** 2, axis=1)), abs=1e-4)
    assert errors["expected calibration error"] == pytest.approx(calibration_error(likely, golds), abs=1e-4)


def calibration_error(likely, golds):
    """Guo et al. 2017, equation 3, bin by bin."""
    sure, right, total = likely.max(axis=1), likely.argmax(axis=1) == golds, 0.0
    for low in np.arange(15) / 15:
        chosen = (sure >= low) & (sure < low + 1 / 15)
        total += abs(right[chosen].sum() - sure[chosen].sum()) / len(golds)
    return total


def test_the_most_confident_errors_and_the_least_certain_rows_come_first(tmp_path):
    one, colours = classes(["a", "b", "c"], 200), Plain()
    shown = page(tmp_path, one, colours)
    golds, likely = np.array(one.golds), np.array(one.answers, np.float64)
    decided, ranked = likely.argmax(axis=1), np.sort(likely, axis=1)
    wrong = sorted(np.flatnonzero(decided != golds), key=lambda i: -likely[i].max())[:20]
    doubtful = sorted(range(200), key=lambda i: ranked[i, -1] - ranked[i, -2])[:20]
    assert re.findall(r'<article><p class="where">dev:(\d+)<', shown) == [str(i) for i in [*wrong, *doubtful]]
    right, predicted = (f"{'abc'[ids[wrong[0]]]} ({likely[wrong[0], ids[wrong[0]]]:.1%})" for ids in (golds, decided))
    assert f"right {right}, predicted {predicted}" in shown
    # The colours of an error tell the predicted class from the right one.
    expected = np.eye(3)[decided[wrong]] - np.eye(3)[golds[wrong]]
    np.testing.assert_array_equal(colours.weights[: len(wrong)], expected)


def test_of_several_labels_the_surest_wrong_one_is_named(tmp_path):
    one, colours = classes(["a", "b"], 2, "multi_label_classification"), Plain()
    golds, found = np.array([[1, 0], [0, 1]], np.float32), np.array([[0.9, 0.95], [0.45, 0.6]], np.float32)
    one = evaluate("dev", one.labels, ("f1_micro",), list(golds), list(found), one.examples)
    shown = page(tmp_path, one, colours)
    assert "b (95.0%): right a; predicted a, b" in shown and "a (45.0%): right b; predicted b" in shown
    np.testing.assert_array_equal(colours.weights, [[0, 1], [1, 0], [0, 1]])  # the error, then both by doubt


def test_text_is_never_markup(tmp_path):
    one = classes([EVIL, "b"], 30, text=EVIL)
    shown = page(tmp_path, one)
    assert "<script" not in shown and "<i>" not in shown and "<b>" not in shown
    assert html.escape(EVIL) in shown and "http" not in shown  # nothing is fetched


@pytest.mark.slow
@pytest.mark.parametrize(
    "names, count, words",
    [([f"意图{i}" for i in range(77)], 100_000, 200), ([f"label {i}" for i in range(1500)], 3_000, 2000)],
)
def test_many_classes_and_rows_stay_small(tmp_path, names, count, words):
    one = classes(names, count, text="很长的文本 " * words, right=0.2)
    shown = page(tmp_path, one)
    assert len(shown.encode()) < 2_000_000 and shown.endswith("</html>\n")
    assert names[0] in shown and ("<rect" in shown) == (len(names) < 100)


def test_numbers_have_their_largest_errors(tmp_path):
    draw, labels = np.random.default_rng(0), make_labels("regression")
    golds = draw.normal(size=50).astype(np.float32)
    found = golds[:, None] + draw.normal(size=(50, 1)).astype(np.float32)
    examples = [InputExample(f"r-{i}", "text", "more", float(g)) for i, g in enumerate(golds)]
    shown = page(tmp_path, evaluate("dev", labels, ("pearson", "rmse"), list(golds), list(found), examples))
    worst = np.argsort(-np.abs(found[:, 0] - golds))[:20]
    assert re.findall(r'class="where">r-(\d+)<', shown) == [str(i) for i in worst]
    error = next(row for row in table(shown, "") if row[0] == "error")
    assert float(error[2]) == pytest.approx(np.std(found[:, 0] - golds), rel=1e-3)
    assert shown.count("<circle") == 50


def test_without_texts_there_are_no_rows(tmp_path):
    one = classes(["a", "b"], 30)
    shown = page(tmp_path, evaluate("dev", one.labels, ("accuracy",), one.golds, one.answers))
    assert "<article" not in shown and "Confusion of dev" in shown


def test_one_row_of_one_class_has_a_page(tmp_path):
    shown = page(tmp_path, classes(["a"], 1))
    assert "accuracy" in shown and "Calibration" in shown


def test_a_report_that_fails_is_a_warning(tmp_path, caplog):
    def lines():
        yield "begun"
        raise MemoryError("too large")

    with report.never_in_the_way():
        report.save(tmp_path, lines())
    assert "report.html is not written: too large" in caplog.text and not list(tmp_path.iterdir())


def test_curves_are_drawn_of_metrics_csv(tmp_path):
    rows = ["step,train/loss,eval/eval_accuracy,eval/eval_loss,train/learning_rate"]
    rows += [
        f"{i},{5 / i:.4f},{i / 900 if i % 300 == 0 else ''},{1.5 if i % 300 == 0 else ''},1e-4" for i in range(1, 901)
    ]
    (tmp_path / "metrics.csv").write_text("\n".join(rows) + "\n")
    shown = run_facts.curves(tmp_path)
    lines = [[place.split(",") for place in one.split()] for one in re.findall(r'points="(.*?)"', shown)]
    assert [len(one) for one in lines] == [400, 3, 3, 400]
    accuracies = [float(y) for _, y in lines[2]]
    assert accuracies[0] - accuracies[1] == pytest.approx(accuracies[1] - accuracies[2], abs=0.2)  # a straight line
    assert all(float(lines[0][0][1]) < float(y) for _, y in lines[0][1:])  # the loss falls, from the top


def test_a_run_writes_it_and_a_flag_does_not(whole_run, tmp_path):
    shown = (whole_run[0] / "report.html").read_text(encoding="utf-8")
    for title in ("Scores", "Confusion of dev", "Classes of test", "Learning curves", "Command", "Data"):
        assert f"<h2>{title}" in shown
    assert "--num_train_epochs=2.0" in shown and re.search(r'<b class="[pn]\d">', shown)
    assert fine_tuning(whole_run[0], tmp_path, report=False, do_train=False, do_predict=False).run() == 0
    assert not (tmp_path / "report.html").exists()
