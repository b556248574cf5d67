"""What evaluation and prediction leave beside the original's files: scores by class, pictures, scores of test rows."""

import contextlib
import logging
import os

import numpy as np

from bertline.training.evaluation import class_report, co_occurrence, result_files, selective, type_report
from bertline.training.pictures import scatter
from bertline.training.scores import score

TEST_RESULTS, TEST_TYPES = "test_results.txt", "test_per_type.tsv"


def write(output_dir, labels, golds, answers, title):
    """Writes the tables and pictures of an evaluation, as far as this type of label has some.

    Args:
      labels: a bertline.processors.labels.base.Labels.
      golds, answers: of each example, as the labels give them.
      title: of the picture: the overall score.
    """
    report = _REPORTS.get(labels.report)
    if report:
        report(output_dir, labels, golds, answers, title)


def _numbers(output_dir, labels, golds, answers, title):
    scatter.write(output_dir, np.array(golds), np.array(answers)[:, 0], title)


def _classes(output_dir, labels, golds, answers, title):
    golds, answers = np.array(golds), np.array(answers)
    class_report.write(output_dir, labels.names, golds, answers, title, labels.thresholds)
    if labels.abstain_below is not None:
        selective.write(output_dir, golds, answers, labels.abstain_below)
    if golds.ndim == 2:
        co_occurrence.write(output_dir, labels.names, golds)
    if golds.ndim == 1 and len(set(golds)) > 1 and len(set(answers.argmax(axis=1))) == 1:
        logging.warning(
            "every example got the same class: the run has collapsed; try another --seed, a lower "
            "--learning_rate or --bias_correction"
        )


def _tags(output_dir, labels, golds, answers, title):
    type_report.write(output_dir, golds, answers)


def _test_tags(output_dir, golds, answers):
    type_report.write(output_dir, golds, answers, TEST_TYPES)


_TEST_REPORTS = {"tags": _test_tags}
_REPORTS = {"classes": _classes, "numbers": _numbers, "tags": _tags}


def write_test_results(output_dir, score_names, labels, examples, answers, step):
    """test_results.txt: the scores of the test examples that have a label.

    Args:
      examples: list of examples, or None where only records are there: those of the original have made-up labels.
      answers: of each example.
      step: that the weights are of.

    Returns:
      name -> float; None where no example is scored: the file of an earlier command is removed then.
    """
    labelled = [i for i, example in enumerate(examples or ()) if example.label is not None]
    golds = labels.golds({}, [examples[i] for i in labelled])
    path = os.path.join(output_dir, TEST_RESULTS)
    made_up = labels.are_exclusive and len(golds) > 1 and len(set(golds)) == 1
    if made_up:
        logging.warning(
            "every test row has the label %r, as processors of the original make them up: they are not scored",
            examples[labelled[0]].label,
        )
    if not golds or made_up:
        for stale in (path, os.path.join(output_dir, TEST_TYPES)):
            with contextlib.suppress(FileNotFoundError):
                os.remove(stale)
        return None
    given = [answers[i] for i in labelled]
    scores = score.compute(score_names, golds, given, labels.thresholds)
    if labels.report in _TEST_REPORTS:
        _TEST_REPORTS[labels.report](output_dir, golds, given)
    named = {f"test_{name}": value for name, value in scores.items()}
    found = {**named, "test_examples": len(golds), "global_step": step}
    result_files.write_eval_results(path, found, f"Test results ({len(golds)} of {len(examples)} rows have a label)")
    return named
