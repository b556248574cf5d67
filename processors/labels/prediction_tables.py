"""The files of predictions of single texts and pairs: the original's, and one that says what belongs to what."""

import dataclasses
import json

import numpy as np

from bertline.common import table_lines
from bertline.errors import InputError

JSON_LINES = "jsonl"
FORMATS = (*table_lines.DELIMITERS, JSON_LINES)


def check_format(name):
    """Raises InputError for what is no --predictions_format."""
    if name not in FORMATS:
        raise InputError(f"--predictions_format={name}: one of {', '.join(FORMATS)} is needed")


@dataclasses.dataclass(frozen=True)
class PredictedRows:
    """Attributes:
    probabilities: float array [n, num_labels]; scores [n, 1].
    labels: a bertline.processors.labels.whole_texts.LabelsOfTexts.
    examples: the InputExamples, None where only records are there.
    truncated: bool [n], which rows were cut to the longest length; None where that is not known.
    """

    probabilities: np.ndarray
    labels: object
    examples: list | None = None
    truncated: np.ndarray | None = None

    def __iter__(self):
        """Yields (row of probabilities, InputExample or None, whether it was cut or None)."""
        none = [None] * len(self.probabilities)
        return zip(
            self.probabilities,
            self.examples or none,
            none if self.truncated is None else self.truncated.tolist(),
        )

    @property
    def has_true_labels(self):
        """Whether any row has its label."""
        return any(example.label is not None for example in self.examples or ())


def prediction_files(rows, file_format="tsv"):
    """File name -> lines: test_results.tsv as in the original, and predictions.<file_format>.

    Args:
      rows: PredictedRows.
      file_format: of FORMATS.
    """
    lines = _json_lines(rows) if file_format == JSON_LINES else _table(rows, table_lines.DELIMITERS[file_format])
    return {
        "test_results.tsv": ("\t".join(str(value) for value in row) for row in rows.probabilities),
        f"predictions.{file_format}": lines,
    }


def _table(rows, delimiter):
    labels = rows.labels
    names = [f"probability_{name}" for name in labels.names] or ["score"]
    has_true_labels, classes = rows.has_true_labels, labels.are_exclusive
    header = ["guid", "label", *(["true_label"] if has_true_labels else []), *names]
    header += ["confidence", "margin"] if classes else []
    header += ["abstained"] if labels.abstain_below is not None else []
    header += ["truncated"] if rows.truncated is not None else []
    yield table_lines.line([*header, "text_a", "text_b"], delimiter)
    for i, (row, example, truncated) in enumerate(rows):
        cells = [example.guid if example else f"row-{i + 1}", labels.decode(row)]
        cells += [labels.text(example.label)] if has_true_labels else []
        cells += [_number(value) for value in (*row, *(_confidence_and_margin(row) if classes else ()))]
        cells += [str(_abstains(row, labels)).lower()] if labels.abstain_below is not None else []
        cells += [str(truncated).lower()] if truncated is not None else []
        cells += [example.text_a, example.text_b] if example else ["", ""]
        yield table_lines.line(cells, delimiter)


def _json_lines(rows):
    labels = rows.labels
    has_true_labels, classes = rows.has_true_labels, labels.are_exclusive
    for i, (row, example, truncated) in enumerate(rows):
        found = {"guid": example.guid if example else f"row-{i + 1}", "label": labels.decide(row)}
        if has_true_labels:
            found["true_label"] = labels.to_json(example.label)
        if labels.names:
            found["probabilities"] = {name: float(_number(value)) for name, value in zip(labels.names, row)}
        if classes:
            found["confidence"], found["margin"] = (float(_number(value)) for value in _confidence_and_margin(row))
        if labels.abstain_below is not None:
            found["abstained"] = _abstains(row, labels)
        if truncated is not None:
            found["truncated"] = truncated
        if example:
            found |= {"text_a": example.text_a, "text_b": example.text_b}
        yield json.dumps(found, ensure_ascii=False)


def _abstains(row, labels):
    """Whether the largest probability is too low for an answer."""
    return bool(np.max(row) < labels.abstain_below)


def _confidence_and_margin(row):
    """The largest probability, and by how much it is above the second one."""
    *_, second, first = np.sort(row) if len(row) > 1 else (0.0, row[0])
    return first, first - second


def _number(value):
    return f"{value:.6g}"
