"""--num_folds: each fold of the training rows is held out once, while a model is trained on the others."""

import dataclasses
import functools
import logging
import os

import numpy as np

from bertline.common import table_lines
from bertline.errors import InputError
from bertline.training.choosing import fold_cutting, members, out_of_fold
from bertline.training.evaluation import result_files, summary
from bertline.training.jobs import task_files

TABLE = "folds.tsv"
# Of other tasks a row of a file is no example, or is not predicted in a row of a table.
_OF_ROWS = ("single_label_classification", "multi_label_classification", "regression")


class FoldProcessor:
    """A task whose training rows are those outside a fold, and whose dev and test rows are those of the fold.

    Args:
      processor: the DataProcessor whose task it is. train, held_out: lists of examples.
    """

    def __init__(self, processor, train, held_out):
        self._processor, self._train, self._held_out = processor, train, held_out

    def __getattr__(self, name):
        return getattr(self._processor, name)

    def needs_folder(self, split):
        return False

    def get_train_examples(self, data_dir):
        return list(self._train)

    def get_dev_examples(self, data_dir):
        return list(self._held_out)

    get_test_examples = get_dev_examples


def check(run):
    """Raises InputError for settings that folds do not go with, or that go with nothing but folds."""
    if run.num_folds is None:
        if run.fold_seed != type(run).fold_seed:
            raise InputError(f"--fold_seed={run.fold_seed} is of no use without --num_folds; leave it out")
        return
    if run.num_folds < 2:
        raise InputError(f"--num_folds={run.num_folds}: 2 or more folds are needed")
    if not run.do_train:
        raise InputError("--num_folds trains a model for each fold: --do_train is needed")
    if run.do_predict:
        raise InputError(
            "--do_predict: with --num_folds each training row is predicted by the model that has not seen it, and no "
            "test row is; leave it out, and predict with a model that is trained on all rows"
        )
    for name in ("calibrate", "tune_thresholds"):
        if getattr(run, name):
            raise InputError(
                f"--{name}: with --num_folds it would be fitted on the rows that each fold then predicts; leave it "
                "out, and give it to a training on all rows"
            )
    if run.teacher_predictions:
        raise InputError(
            "--teacher_predictions: its rows are those of all training files, and each fold trains on others; give "
            "--teacher, a model that has not seen these rows"
        )
    if run.teacher:
        logging.warning(
            "--teacher=%s: where it was trained on these rows, folds learn from it what they hold out", run.teacher
        )
    for name in ("train_records", "eval_records", "predict_records"):
        if getattr(run, name):
            raise InputError(f"--{name}: --num_folds cuts rows of texts; give the files that the records were made of")


def run_folds(run, processor, start):
    """Trains and evaluates on each fold; writes the table of scores and the out-of-fold predictions.

    Args:
      run: ClassifierSettings with num_folds. processor: of its task.
      start: (settings, processor) -> members.Ending.

    Returns:
      A members.Ending.

    Raises:
      InputError: the task has no rows that folds could be cut of.
    """
    if processor.problem_type not in _OF_ROWS:
        raise InputError(
            f"--num_folds is for rows of classes, labels or scores; --task_name={run.task_name} is "
            f"{processor.problem_type}; leave it out"
        )
    train_only = dataclasses.replace(run, do_eval=False, do_predict=False, eval_steps=0)
    examples = task_files.read_examples(train_only, processor)["train"]
    folds = fold_cutting.cut(examples, run.num_folds, run.fold_seed)
    found = {}
    in_turn = members.run_in_turn(run.output_dir, _members(run, processor, examples, folds, start), ends_together=True)
    for member, ending in in_turn:
        if ending.status or run.dry_run:
            return ending
        found[member.name] = ending
    scores = [members.scores_of(os.path.join(run.output_dir, name)) for name in found]
    result_files.write_eval_results(
        os.path.join(run.output_dir, "eval_results.txt"), summary.mean_and_deviation(scores)
    )
    _write_table(run.output_dir, scores, np.bincount(folds))
    if ending.stopped_at is None:
        out_of_fold.write(run.output_dir, list(found), folds, run.predictions_format)
    return dataclasses.replace(ending, seconds=sum(one.seconds for one in found.values()))


def _members(run, processor, examples, folds, start):
    """The Member of each fold."""
    found = []
    for number in range(run.num_folds):
        parts = [[one for one, its in zip(examples, folds) if (its == number) == held] for held in (False, True)]
        name = f"fold-{number + 1}"
        own = dataclasses.replace(
            run,
            output_dir=os.path.join(run.output_dir, name),
            records_dir=run.records_dir or os.path.join(run.output_dir, "records"),
            do_eval=True,
            do_predict=True,
        )
        own_start = functools.partial(start, processor=FoldProcessor(processor, *parts))
        found.append(members.Member(name, own, own_start, task_files.digest(dict(zip(("train", "dev"), parts)))))
    return found


def _write_table(output_dir, scores, sizes):
    """folds.tsv: a row for each fold, then mean and deviation; shown too."""
    names = list(scores[0])
    whole = summary.mean_and_deviation(scores)
    rows = [[f"fold-{number}", size, *one.values()] for number, (size, one) in enumerate(zip(sizes, scores), 1)]
    rows.append(["mean", "", *(whole[name] for name in names)])
    rows.append(["deviation", "", *(whole[f"{name}_std"] for name in names)])
    lines = [table_lines.line(["fold", "rows", *names])]
    lines += [table_lines.line([f"{one:.6g}" if isinstance(one, float) else one for one in row]) for row in rows]
    result_files.write_lines(os.path.join(output_dir, TABLE), lines)
    print("\n".join(lines))
