"""Reads the files of predictions of texts and pairs that `prediction_tables` writes: what a model said of each row."""

import dataclasses
import itertools
import math
import os

import numpy as np

from bertline.errors import InputError
from bertline.processors.tables.table_files import TableFile

PROBABILITY = "probability_"  # before a label's name
WITHOUT_NAMES = "test_results.tsv"
_COLUMNS = "a column probability_LABEL for each label, or score; --do_predict writes such files"


@dataclasses.dataclass(frozen=True)
class ReadPredictions:
    """Attributes:
    path: of the file.
    names: of the labels, in the order of the columns; None: the file does not say them.
    values: float32 [n, num_labels], probabilities, or scores [n, 1].
    """

    path: str
    names: list[str] | None
    values: np.ndarray


def read_predictions(path):
    """The ReadPredictions of a test_results.tsv, or of predictions.tsv, .csv or .jsonl. Raises InputError."""
    is_bare = os.path.basename(path) == WITHOUT_NAMES
    table = TableFile(path, quoting="none" if is_bare else "minimal")
    rows = table.rows()
    if is_bare:
        return ReadPredictions(path, None, _array(path, ((row.source, row) for row in rows)))
    keys = table.keys()
    if keys is not None:
        return _of_json(path, rows, list(keys))
    header = next(rows, [])
    places = [i for i, name in enumerate(header) if name.startswith(PROBABILITY)]
    names = [header[i].removeprefix(PROBABILITY) for i in places]
    if not places and "score" in header:
        places = [header.index("score")]
    if not places:
        raise InputError(f"{path}: no predictions; needed: {_COLUMNS}")
    return ReadPredictions(path, names, _array(path, ((row.source, [row[i] for i in places]) for row in rows)))


def _of_json(path, rows, keys):
    """Lines of JSON: `probabilities` of each label by its name, or the score as `label`."""
    if "probabilities" not in keys:
        label = keys.index("label") if "label" in keys else None
        if label is None:
            raise InputError(f'{path}: no predictions; "probabilities", or a score as "label", is needed in each line')
        return ReadPredictions(path, [], _array(path, ((row.source, [row[label]]) for row in rows)))
    place = keys.index("probabilities")
    first = next(rows, None)
    names = list(first[place]) if first and isinstance(first[place], dict) else []
    found = []
    for row in itertools.chain([first] if first else [], rows):
        if not isinstance(row[place], dict) or sorted(row[place]) != sorted(names):
            raise InputError(f"{row.source}: probabilities of other labels than in the first line")
        found.append((row.source, [row[place][name] for name in names]))
    return ReadPredictions(path, names, _array(path, found))


def _array(path, rows):
    """(source, cells) of each row -> float32 [n, columns]."""
    found = [(source, [_number(cell, source) for cell in cells]) for source, cells in rows]
    for source, values in found:
        if len(values) != len(found[0][1]):
            raise InputError(f"{source}: {len(values)} numbers, {len(found[0][1])} in the first row")
    if not found:
        raise InputError(f"{path}: no row in it")
    return np.array([values for _, values in found], np.float32)


def _number(cell, source):
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{source}: {cell!r} is no number; a probability or a score is needed")
    return value
