"""Columns of a table that somebody else's library holds: pandas, polars, pyarrow, `datasets`, or a dict of lists."""

import dataclasses
from collections.abc import Mapping

from bertline.errors import InputError
from bertline.processors.tables.columns import Columns
from bertline.processors.tables.rows import Row


@dataclasses.dataclass(frozen=True)
class ColumnNames:
    """Which columns of a table are read; None: those with usual names, as `text` and `label`.

    Attributes:
      text_a, text_b: of the text, and of the second one of a pair. label: or several, of 0 and 1, one for each label.
    """

    text_a: str | None = None
    text_b: str | None = None
    label: str | tuple[str, ...] | None = None


def is_table(data):
    """Whether an object has named columns."""
    return isinstance(data, Mapping) or hasattr(data, "column_names") or hasattr(data, "columns")


def read_table(table, names, has_labels=False):
    """(texts, labels) of a table: an iterable of str or of pairs, and what `labels.read_labels` takes.

    Args:
      names: ColumnNames.
      has_labels: whether the labels are given beside the table, which then may have texts alone; they are None.

    Raises:
      InputError: a column is not there.
      TypeError: several tables.
    """
    keys = _keys(table)
    header = Row([str(key) for key in keys], "columns")
    found = _find(header, names, has_labels)
    texts = as_list(table[keys[found["text_a"]]])
    if "text_b" in found:
        texts = list(zip(texts, as_list(table[keys[found["text_b"]]])))
    if has_labels:
        return texts, None
    if isinstance(found["label"], list):
        columns = {header[at]: as_list(table[keys[at]]) for at in found["label"]}
        return texts, [dict(zip(columns, row)) for row in zip(*columns.values())]
    return texts, table[keys[found["label"]]]


def class_names(column):
    """list of str: the names of the classes of a column of `datasets`, by their numbers; None of other columns."""
    feature = getattr(column, "features", None)
    feature = getattr(feature, "feature", feature)  # of a list of classes that of its items
    return list(getattr(feature, "names", None) or ()) or None


def _keys(table):
    if isinstance(table, Mapping) and any(is_table(value) for value in table.values()):
        shown = ", ".join(map(str, table))
        raise TypeError(f"one table is needed, found several ({shown}); give one: data[{next(iter(table))!r}]")
    if isinstance(table, Mapping):
        return list(table)
    return list(getattr(table, "column_names", None) or table.columns)


def _find(header, names, has_labels):
    """part -> place of its column."""
    if not header:
        raise InputError("texts: a table without columns; texts and labels are needed")
    if has_labels and names.text_a is None and len(header) <= 2:
        return {part: at for at, part in zip(range(len(header)), ("text_a", "text_b"))}
    several = isinstance(names.label, (list, tuple))
    wanted = {"text_a": names.text_a, "text_b": names.text_b, "label": None if several else names.label}
    found = Columns(wanted, has_header=True).find(header, header, ("label",) if several or has_labels else ())
    if several and not has_labels:
        one_by_one = (Columns({"label": name}, has_header=True) for name in names.label)
        found["label"] = [columns.find(header, header)["label"] for columns in one_by_one]
    return found


def as_list(column):
    """A column, an array or any other iterable as a list, of Python's own values where it can say them."""
    method = next((name for name in ("to_pylist", "tolist", "to_list") if hasattr(column, name)), None)
    return getattr(column, method)() if method else list(column)


def rows_of(table):
    """A list of a dict for each row, name of a column -> value."""
    keys = _keys(table)
    columns = [as_list(table[key]) for key in keys]
    return [dict(zip(map(str, keys), row)) for row in zip(*columns)]
