"""Folds as scikit-learn cuts them; runs of folds with a stand-in for training: tables, out-of-fold rows, resuming."""

import collections
import csv
import dataclasses
import random

import numpy as np
import pytest
from sklearn import model_selection

from bertline.common import table_lines
from bertline.errors import InputError
from bertline.processors.base import InputExample, RankedQuery
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.choosing import fold_cutting, folds
from bertline.training.choosing.members import Ending
from bertline.training.evaluation import result_files

RNG = random.Random(3)
LABELS = RNG.choices(["fine", "bad", "odd"], weights=[6, 3, 2], k=60)
GROUPS = [f"person {RNG.randrange(12)}" for _ in LABELS]
ODD_TEXT = 'a "quoted"\tcell,\r\nof two\u2028lines'


def examples(labels=LABELS, groups=None):
    groups = groups or [None] * len(labels)
    texts = [ODD_TEXT if i == 4 else f"text {i}" for i in range(len(labels))]
    return [InputExample(f"r-{i}", texts[i], None, label, group=groups[i]) for i, label in enumerate(labels)]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("has_classes", [True, False])
@pytest.mark.parametrize("has_groups", [True, False])
def test_as_scikit_learn_cuts(has_classes, has_groups, seed):
    kinds = {(True, False): "StratifiedKFold", (False, False): "KFold", (True, True): "StratifiedGroupKFold"}
    splitter = getattr(model_selection, kinds.get((has_classes, has_groups), "GroupKFold"))
    wanted = splitter(4, shuffle=True, random_state=seed).split(LABELS, LABELS, GROUPS if has_groups else None)
    labels = LABELS if has_classes else [float(len(label)) for label in LABELS]
    found = fold_cutting.cut(examples(labels, GROUPS if has_groups else None), 4, seed)
    for number, (_, held_out) in enumerate(wanted):
        assert np.flatnonzero(found == number).tolist() == held_out.tolist()


def test_several_labels_are_cut_plainly_and_rows_without_a_group_go_anywhere():
    several = [(label, "x") for label in LABELS]
    plain = fold_cutting.cut(examples([1.0] * 60), 4, 1)
    assert fold_cutting.cut(examples(several), 4, 1).tolist() == plain.tolist()
    groups = [None if i % 2 else group for i, group in enumerate(GROUPS)]
    found = fold_cutting.cut(examples(groups=groups), 3, 1)
    where = collections.defaultdict(set)
    for group, fold in zip(groups, found.tolist()):
        where[group].add(fold)
    assert where.pop(None) == {0, 1, 2} and all(len(one) == 1 for one in where.values())


def test_rows_of_one_ranked_query_stay_together():
    queries = [RankedQuery(f"r-{i}", f"query {i // 3}", ("a", "b"), (True, False)) for i in range(24)]
    found = fold_cutting.cut(queries, 4, 1).reshape(8, 3)
    assert (found == found[:, :1]).all() and np.bincount(found[:, 0]).tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize(
    "labels, groups, message",
    [
        (["a"] * 3, None, "--num_folds=4: 3 rows to train on; give --num_folds=3 at most"),
        (["a"] * 8, list("xxxxyyzz"), "--num_folds=4: 3 groups to train on; give --num_folds=3 at most"),
        (["a"] * 3 + ["b"] * 3, None, "--num_folds=4: no class has so many rows; give --num_folds=3 at most"),
        (["a"] * 8 + ["b"], None, "all 1 rows of the label 'b' are in fold . so a model that has not seen them"),
        (["a"] * 8 + ["b", "b"], list("stuvwxyzGG"), "all 2 rows of the label 'b' are in fold ."),
    ],
)
def test_folds_that_cannot_be(labels, groups, message):
    with pytest.raises(InputError, match=message.replace("fold .", "fold .,?")):
        fold_cutting.cut(examples(labels, groups), 4, 1)


def test_a_fold_without_a_class_is_said(caplog):
    found = fold_cutting.cut(examples(["a"] * 10 + ["b", "b"]), 4, 1)
    assert sorted(np.bincount(found)) == [3, 3, 3, 3]
    lacking = [
        fold for fold in range(4) if 10 not in np.flatnonzero(found == fold) and 11 not in np.flatnonzero(found == fold)
    ]
    said = [message for message in caplog.messages if "has no row of b" in message]
    assert len(lacking) == 2 and [message.split()[1] for message in said] == [str(fold + 1) for fold in lacking]
    assert all("(--num_folds)" in message for message in said)


class Processor:
    problem_type, metrics, options = "single_label_classification", ("accuracy",), {}

    def __init__(self, rows):
        self.rows = rows

    def needs_folder(self, split):
        return True

    def get_train_examples(self, data_dir):
        return self.rows

    def get_dev_examples(self, data_dir):
        raise AssertionError("the dev rows are those of the fold")

    get_test_examples = get_dev_examples

    def get_labels(self):
        return sorted(set(LABELS))


class Trainer:
    """In the place of training: it writes the files of a run, the answers of each row being its own."""

    def __init__(self, stops_before=None, ending=None):
        self.started, self.seen, self.stops_before, self.ending = [], [], stops_before, ending

    def __call__(self, run, processor):
        name = run.output_dir.rsplit("/", 1)[1]
        if name == self.stops_before:
            raise KeyboardInterrupt
        self.started.append(name)
        train, held_out = processor.get_train_examples(None), processor.get_test_examples(None)
        assert run.do_eval and run.do_predict and processor.get_dev_examples(None) == held_out
        assert processor.get_labels() == sorted(set(LABELS)) and not processor.needs_folder("dev")
        self.seen.append((train, held_out))
        names = [f"run-{run.seed + i}" for i in range(run.num_runs)] if run.num_runs > 1 else [""]
        for place in names:
            lines = list(predictions(held_out, run.predictions_format, place))
            result_files.write_lines(f"{run.output_dir}/{place}/predictions.{run.predictions_format}", lines)
        scores = {"eval_accuracy": len(held_out) / 20, "eval_loss": float(name[-1]), "global_step": 9}
        result_files.write_eval_results(f"{run.output_dir}/eval_results.txt", scores)
        return self.ending or Ending(0, "eval_accuracy")


def predictions(rows, ending, place=""):
    if ending == "jsonl":
        return [f'{{"guid": "{row.guid}{place}"}}' for row in rows]
    delimiter = table_lines.DELIMITERS[ending]
    cells = [["guid", "label", "text_a"], *([row.guid + place, row.label, row.text_a] for row in rows)]
    return [table_lines.line(row, delimiter) for row in cells]


def settings(folder, **changes):
    given = {"num_folds": 3, "data_dir": "data", **changes}
    return ClassifierSettings(do_train=True, output_dir=str(folder), **given)


def results(folder):
    lines = (folder / "eval_results.txt").read_text().splitlines()
    return dict(line.split(" = ") for line in lines)


def test_each_row_is_held_out_once_and_scores_are_put_together(tmp_path, capsys):
    rows, trainer = examples(), Trainer()
    ending = folds.run_folds(settings(tmp_path), Processor(rows), trainer)
    assert ending.status == 0 and ending.score == "eval_accuracy" and trainer.started == ["fold-1", "fold-2", "fold-3"]
    for train, held_out in trainer.seen:
        assert sorted([*train, *held_out], key=rows.index) == rows
    assert sorted((one for _, held_out in trainer.seen for one in held_out), key=rows.index) == rows
    found = results(tmp_path)
    assert float(found["eval_loss"]) == 2.0 and float(found["eval_loss_std"]) == 1.0
    assert found["eval_loss_runs"] == "1 2 3" and "global_step" not in found
    table = [line.split("\t") for line in (tmp_path / "folds.tsv").read_text().splitlines()]
    assert table[0] == ["fold", "rows", "eval_accuracy", "eval_loss"] and table[1][0] == "fold-1"
    assert [row[-1] for row in table[1:]] == ["1", "2", "3", "2", "1"] and table[-1][0] == "deviation"
    assert sum(int(row[1]) for row in table[1:4]) == 60
    assert capsys.readouterr().out == (tmp_path / "folds.tsv").read_text()


@pytest.mark.parametrize("ending", ["tsv", "csv", "jsonl"])
def test_out_of_fold_predictions_are_in_the_order_of_the_rows(tmp_path, ending):
    rows = examples()
    folds.run_folds(settings(tmp_path, predictions_format=ending), Processor(rows), Trainer())
    whole = (tmp_path / f"predictions.{ending}").read_bytes().decode()
    assert whole == "".join(f"{line}\n" for line in predictions(rows, ending))
    if ending == "tsv":
        with open(tmp_path / "predictions.tsv", encoding="utf-8", newline="") as file:
            assert list(csv.reader(file, delimiter="\t"))[5] == ["r-4", LABELS[4], ODD_TEXT]


def test_of_several_seeds_each_has_its_own(tmp_path):
    rows = examples()
    folds.run_folds(settings(tmp_path, num_runs=2, seed=5), Processor(rows), Trainer())
    assert not (tmp_path / "predictions.tsv").exists()
    for name in ("run-5", "run-6"):
        lines = (tmp_path / name / "predictions.tsv").read_bytes().decode()
        assert lines == "".join(f"{line}\n" for line in predictions(rows, "tsv", name))


def test_what_is_finished_is_not_done_again(tmp_path):
    run, processor = settings(tmp_path), Processor(examples())
    stopped = Trainer(stops_before="fold-2")
    with pytest.raises(KeyboardInterrupt):
        folds.run_folds(run, processor, stopped)
    assert stopped.started == ["fold-1"] and not (tmp_path / "predictions.tsv").exists()
    for wanted in (["fold-2", "fold-3"], []):
        trainer = Trainer()
        assert folds.run_folds(run, processor, trainer).status == 0 and trainer.started == wanted
    assert (tmp_path / "predictions.tsv").exists()
    again = Trainer()
    folds.run_folds(dataclasses.replace(run, learning_rate=1e-3), processor, again)  # the runs refuse it, or not
    assert again.started == ["fold-1", "fold-2", "fold-3"]


def test_overwriting_begins_anew_once(tmp_path):
    run, processor = settings(tmp_path), Processor(examples())
    folds.run_folds(dataclasses.replace(run, num_folds=4), processor, Trainer())
    run = dataclasses.replace(run, overwrite_output_dir=True)
    with pytest.raises(KeyboardInterrupt):
        folds.run_folds(run, processor, Trainer(stops_before="fold-3"))
    assert not (tmp_path / "fold-4").exists()
    for wanted in (["fold-3"], ["fold-1", "fold-2", "fold-3"]):  # after its end it begins anew again
        trainer = Trainer()
        folds.run_folds(run, processor, trainer)
        assert trainer.started == wanted
    assert not (tmp_path / "overwriting").exists()


def test_other_rows_are_trained_on_again(tmp_path):
    rows, run = examples(), settings(tmp_path)
    folds.run_folds(run, Processor(rows), Trainer())
    rows[7] = dataclasses.replace(rows[7], text_a="changed")
    trainer = Trainer()
    folds.run_folds(run, Processor(rows), trainer)
    assert trainer.started == ["fold-1", "fold-2", "fold-3"]  # the runs say what they hold


@pytest.mark.parametrize("ending", [Ending(143), Ending(3)])
def test_a_run_that_was_stopped_ends_it(tmp_path, ending):
    trainer = Trainer(ending=ending)
    found = folds.run_folds(settings(tmp_path), Processor(examples()), trainer)
    assert (found.status, found.stopped_at) == (ending.status, ending.stopped_at) and trainer.started == ["fold-1"]
    assert not (tmp_path / "eval_results.txt").exists()
    assert not (tmp_path / "fold-1" / "finished.json").exists()


def test_a_hopeless_fold_is_the_last_one(tmp_path):
    run = settings(tmp_path, overwrite_output_dir=True)
    trainer = Trainer(ending=Ending(0, "eval_accuracy", stopped_at=7))
    found = folds.run_folds(run, Processor(examples()), trainer)
    assert found.stopped_at == 7 and trainer.started == ["fold-1"]
    assert results(tmp_path)["eval_loss_runs"] == "1" and not (tmp_path / "predictions.tsv").exists()
    assert not (tmp_path / "overwriting").exists()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"num_folds": 1}, "--num_folds=1: 2 or more"),
        ({"do_train": False}, "--do_train is needed"),
        ({"do_predict": True}, "--do_predict: with --num_folds each training row is predicted by the model that"),
        ({"calibrate": "temperature"}, "--calibrate: with --num_folds it would be fitted on the rows that each fold"),
        ({"tune_thresholds": True}, "--tune_thresholds: with --num_folds it would be fitted on the rows that each"),
        ({"terms": "distillation", "teacher_predictions": "x"}, "--teacher_predictions: its rows are those of all"),
        ({"num_folds": None, "fold_seed": 2}, "--fold_seed=2 is of no use without --num_folds; leave it out"),
        ({"train_records": "x"}, "--train_records: --num_folds cuts rows of texts"),
        ({"data_dir": None}, "--data_dir is needed for the train split"),
    ],
)
def test_settings_that_do_not_go_with_folds(tmp_path, changes, message):
    run = dataclasses.replace(settings(tmp_path), **changes)
    with pytest.raises(InputError, match=message):
        folds.check(run)
        folds.run_folds(run, Processor(examples()), Trainer())
    assert list(tmp_path.iterdir()) == []


def test_a_teacher_may_have_seen_what_is_held_out(tmp_path, caplog):
    folds.check(settings(tmp_path, terms="distillation", teacher="folder"))
    assert "--teacher=folder: where it was trained on these rows, folds learn from it what they hold out" in caplog.text


@pytest.mark.parametrize("problem_type", ["ranking", "tags"])
def test_examples_that_are_no_rows_of_a_table_are_refused(tmp_path, problem_type):
    processor = Processor(examples())
    processor.problem_type = problem_type
    with pytest.raises(InputError, match=f"^--num_folds is for rows of .* or scores; .* is {problem_type}; leave"):
        folds.run_folds(settings(tmp_path), processor, Trainer())
