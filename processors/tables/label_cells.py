"""Cells of a table as labels: classes, scores, several labels in a cell, or a column of 0 and 1 for each label."""

import json
import math
import re

from bertline.errors import InputError

# What 0 and 1 are, where each label has a column.
_MARKS = {"0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}


def label_of(cell, problem_type, split, source, separator=","):
    """What a cell says: a class (str), a score (float), several labels (a tuple of str); None where it says nothing.

    Args:
      cell: str, or what JSON knows; a dict, label -> mark, where each label has a column.
      split: "train", "dev" or "test"; a test row may be without labels.
      source: begins the messages.
      separator: between several labels of one cell.

    Raises:
      InputError: no number where a score is needed, several labels where one is, a mark that is none.
    """
    if isinstance(cell, str):
        cell = cell.strip()
    several = problem_type == "multi_label_classification"
    if isinstance(cell, dict) and several:
        return _marked_labels(cell, split, source)
    if cell is None or cell == "" or cell != cell:  # NaN, which JSON may have
        return () if several and cell == "" and split != "test" else None
    if problem_type == "regression":
        try:
            return float(cell)
        except (TypeError, ValueError):
            raise InputError(f"{source}: score {cell!r}; a number is needed (is line 1 a header?)") from None
    if several:
        names = cell if isinstance(cell, list) else str(cell).split(separator)
        return tuple(dict.fromkeys(name for name in (_spell(one, source) for one in names) if name))
    return _spell(cell, source)


def _marked_labels(cells, split, source):
    """The labels whose columns have a 1, a tuple; None of a test row without any mark."""
    marks = {name: _MARKS.get(str(cell).strip().lower()) for name, cell in cells.items()}
    blank = [name for name, cell in cells.items() if cell is None or str(cell).strip() == ""]
    if split == "test" and len(blank) == len(cells):
        return None
    for name, mark in marks.items():
        if mark is None:
            raise InputError(f"{source}: {cells[name]!r} in the column {name}; 0 or 1 is needed, a label's own column")
    return tuple(name for name, mark in marks.items() if mark)


def _spell(label, source):
    """A label as a str: JSON's numbers and truth values as JSON writes them."""
    if isinstance(label, (list, dict)):
        raise InputError(f"{source}: label {label!r}; one label is needed (several: multi_label_classification)")
    return label.strip() if isinstance(label, str) else json.dumps(label)


def natural_order(label):
    """Numbers by value and before words, "class 2" before "class 10"; "1" and "1.0", which tie, by their text."""
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return (0, value, [], label)
    pieces = re.split(r"(\d{1,4000})", label)  # Python reads no number of more than 4,300 digits
    return (1, 0.0, [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)], label)
