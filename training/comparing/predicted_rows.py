"""predictions.* of a run as right and given answers, to compare with those of another run on the same rows."""

import dataclasses
import json
import os

import numpy as np

from bertline.common import table_lines
from bertline.errors import InputError
from bertline.processors.labels.prediction_tables import FORMATS
from bertline.training.evaluation.prediction_rows import read_cells

CLASSES, SEVERAL, SCORES = "classes", "several labels", "scores"


@dataclasses.dataclass(frozen=True)
class PredictedRows:
    """Attributes:
    kind: CLASSES, SEVERAL or SCORES.
    rows: (guid, text_a, text_b) of each row.
    golds, answers: arrays [n] of str or float; of several labels bool arrays [n, labels].
    """

    kind: str
    rows: list
    golds: np.ndarray
    answers: np.ndarray

    @property
    def right(self):
        """Whether each row is predicted rightly, bool [n]; of several labels, all of them."""
        same = self.golds == self.answers
        return same.all(axis=1) if same.ndim == 2 else same


def read(folder, separator=","):
    """The PredictedRows of a folder's labelled rows; None where it has no such table, or rows without a label.

    Args:
      separator: between several labels.

    Raises:
      InputError: the table is damaged.
    """
    paths = [os.path.join(folder, f"predictions.{ending}") for ending in FORMATS]
    path = next((one for one in paths if os.path.exists(one)), None)
    if path is None:
        return None
    try:
        rows = _read(path, separator)
        return _of(rows) if rows and all(row["true"] is not None for row in rows) else None
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a table that prediction wrote: {error}; predict anew") from error


def _read(path, separator):
    """Rows as dicts: row, kind, true, given, names of the labels."""
    ending = path.rpartition(".")[2]
    if ending in table_lines.DELIMITERS:
        header, *cells = read_cells(path, table_lines.DELIMITERS[ending])
        if "label" not in header and "rank" in header:
            return []  # rows of candidates
        return [_of_cells(dict(zip(header, row, strict=True)), separator) for row in cells]
    with open(path, encoding="utf-8", newline="\n") as file:
        found = [json.loads(line) for line in file]
    return [_of_object(one) for one in found] if all("label" in one for one in found) else []  # tags of words


def _of_cells(cells, separator):
    names = [name.removeprefix("probability_") for name in cells if name.startswith("probability_")]
    true, given = cells.get("true_label"), cells["label"]
    if not names:
        true, given, kind = None if true in (None, "") else float(true), float(cells["score"]), SCORES
    elif "confidence" in cells:
        true, kind = true or None, CLASSES
    else:
        kind = SEVERAL
        true, given = (
            None if one is None else [part for part in one.split(separator) if part] for one in (true, given)
        )
    return {"row": _row(cells), "kind": kind, "true": true, "given": given, "names": names}


def _of_object(found):
    names = list(found.get("probabilities", ()))
    true, given = found.get("true_label"), found["label"]
    kind = SCORES if not names else CLASSES if "confidence" in found else SEVERAL
    return {"row": _row(found), "kind": kind, "true": true, "given": given, "names": names}


def _row(cells):
    return cells["guid"], cells.get("text_a") or "", cells.get("text_b") or ""


def _of(rows):
    kind, names = rows[0]["kind"], rows[0]["names"]
    pairs = []
    for side in ("true", "given"):
        values = [row[side] for row in rows]
        pairs.append(np.array([[name in value for name in names] for value in values] if kind == SEVERAL else values))
    return PredictedRows(kind, [row["row"] for row in rows], *pairs)


def check_same_rows(first_folder, first, folder, other):
    """Raises InputError where two tables are not of the same rows in the same order, with the same right answers."""
    if len(first.rows) != len(other.rows) or first.kind != other.kind or first.golds.shape != other.golds.shape:
        raise InputError(
            f"{folder} predicts {len(other.rows)} rows of {other.kind}, {first_folder} {len(first.rows)} of "
            f"{first.kind}; compare predictions of the same rows"
        )
    for number, (here, there) in enumerate(zip(other.rows, first.rows), 1):
        if here != there or np.any(other.golds[number - 1] != first.golds[number - 1]):
            raise InputError(
                f"row {number}, {here[0]}, of the predictions of {folder} is not that of {first_folder}, {there[0]}, "
                "in text or label; compare predictions of the same rows"
            )
