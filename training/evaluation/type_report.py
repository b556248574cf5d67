"""What is said of each type of entity: per_type.tsv of an evaluation, test_per_type.tsv of a prediction."""

import logging
import os

from bertline.common import table_lines
from bertline.processors.tagging.tag_spans import marks_spans
from bertline.training.evaluation import result_files
from bertline.training.scores.tags import strict_arguments

HEADER = ("type", "precision", "recall", "f1", "strict_precision", "strict_recall", "strict_f1", "entities")
SUMMARIES = ("micro avg", "macro avg", "weighted avg")


def write(output_dir, golds, answers, file_name="per_type.tsv"):
    """A row for each type, and the means over types; nothing where no tag marks an entity.

    Args:
      golds, answers: lists of tags of each sentence.
    """
    if not marks_spans(tag for tags in golds for tag in tags):
        return
    lenient, strict = _reports(golds, answers)
    names = [name for name in lenient if name not in SUMMARIES] + list(SUMMARIES)
    rows = []
    for name in names:
        found = [report.get(name, {}).get(key, 0.0) for report in (lenient, strict) for key in _KEYS]
        rows.append((name, *(f"{value:.6g}" for value in found), int(lenient[name]["support"])))
        logging.info("  %-16s precision %.4f  recall %.4f  F1 %.4f  entities %d", name, *found[:3], rows[-1][-1])
    result_files.write_lines(os.path.join(output_dir, file_name), map(table_lines.line, [HEADER, *rows]))


_KEYS = ("precision", "recall", "f1-score")


def _reports(golds, answers):
    """seqeval's report of its default mode, and that of its strict one."""
    from seqeval import metrics

    lenient = metrics.classification_report(golds, answers, output_dict=True, zero_division=0)
    arguments = strict_arguments(golds, answers)
    strict = metrics.classification_report(*arguments.pop("tags"), output_dict=True, zero_division=0, **arguments)
    return lenient, strict
