"""What evaluation and prediction leave beside the original's files: scores by class, pictures, scores of test rows."""

import contextlib
import logging
import os

import numpy as np

from training import class_report, metrics, results, scatter

TEST_RESULTS = "test_results.txt"


def write(output_dir, labels, predictions, title):
    """Writes the tables and pictures of an evaluation.

    Args:
      labels: a processors.labels.Labels.
      predictions: "label_ids", "probabilities" -> numpy arrays [n, ...].
      title: of the picture: the overall score.
    """
    gold, probabilities = predictions["label_ids"], predictions["probabilities"]
    if labels.problem_type == "regression":
        scatter.write(output_dir, gold, probabilities[:, 0], title)
        return
    class_report.write(output_dir, labels.names, gold, probabilities, title)
    if gold.ndim == 1 and len(set(gold)) > 1 and len(set(probabilities.argmax(axis=1))) == 1:
        logging.warning("every example got the same class: the run has collapsed; try another --seed, a lower "
                        "--learning_rate or --bias_correction")  # fmt: skip


def write_test_results(output_dir, metric_names, labels, examples, probabilities, step):
    """test_results.txt: the scores of the test rows that have a label.

    Args:
      examples: list of InputExample, or None where only records are there: those of the original have made-up labels.
      probabilities: float [n, num_labels].
      step: that the weights are of.

    Returns:
      name -> float; None where no row is scored: the file of an earlier command is removed then.
    """
    labelled = [i for i, example in enumerate(examples or ()) if example.label is not None]
    gold = [labels.encode(examples[i].label) for i in labelled]
    path = os.path.join(output_dir, TEST_RESULTS)
    made_up = labels.problem_type == "single_label_classification" and len(gold) > 1 and len(set(gold)) == 1
    if made_up:
        logging.warning(
            "every test row has the label %r, as processors of the original make them up: they are not scored",
            examples[labelled[0]].label,
        )
    if not gold or made_up:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
        return None
    scores = metrics.compute(metric_names, np.array(gold), probabilities[labelled])
    named = {f"test_{name}": value for name, value in scores.items()}
    found = {**named, "test_examples": len(gold), "global_step": step}
    results.write_eval_results(path, found, f"Test results ({len(gold)} of {len(examples)} rows have a label)")
    return named
