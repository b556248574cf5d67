"""What evaluation and prediction leave beside the original's files: scores by class, pictures, scores of test rows."""

import contextlib
import logging
import os

import numpy as np

from bertline.training.evaluation import class_report, co_occurrence, result_files, selective, type_report
from bertline.training.evaluation.evaluated import evaluate
from bertline.training.pictures import scatter

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


def evaluate_test(score_names, labels, examples, answers, confidences=None):
    """The Evaluated of the test examples that have a label.

    Args:
      examples: list of examples, or None where only records are there: those of the original have made-up labels.
      answers, confidences: of each example, as of Evaluated.

    Returns:
      None where there is none, or where all have the same class, as processors of the original make labels up.
    """
    labelled = [i for i, example in enumerate(examples or ()) if example.label is not None]
    golds = labels.golds({}, [examples[i] for i in labelled])
    if labels.are_exclusive and len(golds) > 1 and len(set(golds)) == 1:
        logging.warning(
            "every test row has the label %r, as processors of the original make them up: they are not scored",
            examples[labelled[0]].label,
        )
        return None
    if not golds:
        return None
    chosen = [one and [one[i] for i in labelled] for one in (examples, confidences)]
    return evaluate("test", labels, score_names, golds, [answers[i] for i in labelled], *chosen)


def write_test_results(output_dir, evaluated, num_examples, step):
    """test_results.txt: the scores of the test examples that have a label.

    Args:
      evaluated: of `evaluate_test`; None: the files of an earlier command are removed.
      num_examples: all that there are.
      step: that the weights are of.

    Returns:
      name -> float; None where no example is scored.
    """
    path = os.path.join(output_dir, TEST_RESULTS)
    if evaluated is None:
        for stale in (path, os.path.join(output_dir, TEST_TYPES)):
            with contextlib.suppress(FileNotFoundError):
                os.remove(stale)
        return None
    if evaluated.labels.report in _TEST_REPORTS:
        _TEST_REPORTS[evaluated.labels.report](output_dir, evaluated.golds, evaluated.answers)
    named = {f"test_{name}": value for name, value in evaluated.results.items()}
    count = len(evaluated.golds)
    found = {**named, "test_examples": count, "global_step": step}
    result_files.write_eval_results(path, found, f"Test results ({count} of {num_examples} rows have a label)")
    return named
