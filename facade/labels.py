"""Labels as people have them in Python: what kind of problem they are, and each as an example has it."""

import numbers

from bertline.errors import InputError
from bertline.facade.tables import as_list, class_names, is_table, rows_of
from bertline.processors.tables.label_cells import label_of
from bertline.processors.text.texts import is_missing

CLASSES, SEVERAL, SCORES = "single_label_classification", "multi_label_classification", "regression"
_NEEDED = "a str, an int, a float (a score), or a list of str (several labels) is needed"


def read_labels(labels, problem_type=None):
    """The labels of texts, one for each.

    str, int and bool name a class; float is a score; a list, tuple or set has the names of several labels, and so does
    a row of a table or of an array of 0 and 1, with a column for each label.

    Args:
      labels: a list, an array, a pandas Series or DataFrame, a column of `datasets`.
      problem_type: what they are; None: it is found out.

    Returns:
      (problem type, list of str, float or tuple of str, list of the names of all labels or None where the data does not
      say them).

    Raises:
      InputError: a label is missing, or of another kind than the others; names its row.
      TypeError: no list of labels.
    """
    names = class_names(labels)
    values = _values(labels)
    if names:
        values = [_name_of(value, names, row) for row, value in enumerate(values)]
    kinds = [_kind(value, row) for row, value in enumerate(values)]
    found = problem_type or _problem_type(values, kinds)
    _check_kinds(values, kinds, found)
    if values and isinstance(values[0], dict):
        names = list(values[0])
    read = [_label(value, found, f"labels[{row}]") for row, value in enumerate(values)]
    return found, read, names if found != SCORES else None


def check_classes(labels, problem_type):
    """Raises InputError where there is one class only, of which nothing can be learned."""
    if problem_type == CLASSES and len(set(labels)) == 1:
        raise InputError(f"labels: every row has the label {labels[0]!r}; two classes at least are needed")


def _values(labels):
    """A list of Python's own values; of a table or an array of two axes a dict for each row, label -> mark."""
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__iter__"):
        raise TypeError(
            f"labels is {labels!r:.40}; a list is needed, a label for each text (of a table: label_column={labels!r})"
            if isinstance(labels, str)
            else f"labels is of type {type(labels).__name__}; a list is needed, a label for each text"
        )
    labels = labels.numpy() if hasattr(labels, "numpy") and not hasattr(labels, "tolist") else labels
    if is_table(labels):
        rows = rows_of(labels)
    elif len(getattr(labels, "shape", ())) == 2:
        rows = [{str(at): value for at, value in enumerate(row)} for row in labels.tolist()]
    else:
        return [_simplify(value) for value in as_list(labels)]
    return [next(iter(row.values())) if len(row) == 1 else row for row in rows]


def _simplify(value):
    """numpy's numbers as Python's, and a list for all that holds several labels; sets in the order of their names."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(_simplify, value), key=str)
    if isinstance(value, (list, tuple)):
        return [_simplify(one) for one in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return value


def _name_of(value, names, row):
    """The name of a class that is given by its number, or those of several."""
    if isinstance(value, list):
        return [_name_of(one, names, row) for one in value]
    if isinstance(value, int) and not 0 <= value < len(names):
        raise InputError(f"labels[{row}]: {value}, of {len(names)} classes; -1 is an unlabelled row; leave it out")
    return names[value] if isinstance(value, int) else value


def _kind(value, row):
    """What a label is: "name", "whole", "truth", "number" or "several"."""
    if isinstance(value, (list, dict)):
        if isinstance(value, list) and len(set(map(str, value))) < len(value):
            raise InputError(
                f"labels[{row}]: {value!r:.60}, the same label twice; for marks of 0 and 1 give a numpy array "
                "or a DataFrame, with a column for each label"
            )
        return "several"
    if is_missing(value):
        raise InputError(
            f"labels[{row}]: {value!r}, a missing label; leave such rows out (of texts and of labels), or label them"
        )
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, numbers.Integral):
        return "whole"
    if isinstance(value, numbers.Real):
        return "number"
    if isinstance(value, str):
        return "name"
    raise InputError(f"labels[{row}]: {value!r:.40}, of type {type(value).__name__}; {_NEEDED}")


def _problem_type(values, kinds):
    found = set(kinds)
    if found == {"several"}:
        return SEVERAL
    if found == {"number"} and all(float(value).is_integer() for value in values):
        raise InputError(
            f"labels: floats that are whole numbers, as {values[0]!r}: say problem_type={SCORES!r} where they are "
            f"scores, problem_type={CLASSES!r} where they are classes"
        )
    return SCORES if found and found <= {"number", "whole"} and "number" in found else CLASSES


def _check_kinds(values, kinds, problem_type):
    """Raises InputError for a label that is of another kind than the others, or than the type of problem."""
    allowed = {SEVERAL: ({"several"},), SCORES: ({"number", "whole"},)}.get(
        problem_type, ({"name"}, {"truth"}, {"whole", "number"})
    )
    first = next((kind for kind in allowed if kinds and kinds[0] in kind), None)
    for row, kind in enumerate(kinds):
        if first is None or kind not in first:
            other = "" if first is None else f", and labels[0] is {values[0]!r:.40}"
            raise InputError(
                f"labels[{row}]: {values[row]!r:.40}{other}; labels of one kind are needed, here for "
                f"problem_type={problem_type!r}"
            )


def _label(value, problem_type, place):
    if problem_type == CLASSES and isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes floats of whole numbers where one was missing
    label = label_of(value, problem_type, "train", place)
    if label is None:
        raise InputError(f"{place}: {value!r}, an empty label; leave such rows out, or label them")
    return label
