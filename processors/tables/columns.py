"""Which columns of a table are the texts, the label and the id: by name, by number, or by the usual names."""

import difflib

from bertline.errors import InputError
from bertline.processors.tables.table_processor import COLUMN_NAMES

PARTS = ("text_a", "text_b", "label", "id", "group")


class Columns:
    """What the user says of the columns of a table.

    Args:
      names: part -> name in the header, number from 0, or None: found by its usual names (`COLUMN_NAMES`).
      has_header: whether row 1 is a header; None: it is one if names that are given, or usual ones, are in it; a number
        is no name then.
      several_labels: whether the label may be a comma-separated list of columns, one for each label.
    """

    def __init__(self, names, has_header=None, several_labels=False):
        self._names, self._has_header, self._several_labels = names, has_header, several_labels

    def has_header(self, first):
        """Whether the first Row of a file is a header. Raises InputError where it cannot be known."""
        if self._has_header is not None:
            return self._has_header
        for part, column in self._names.items():
            if column is None:
                found = any(_is_usual(cell, part) for cell in first)
            elif is_number(column):
                # A cell that reads the same proves nothing: column 1 and the label "1" are not related.
                found = int(column) < len(first) and _is_usual(first[int(column)], part)
            else:
                named = [name for name in _split_names(column) if not is_number(name)]
                found = _find_near(column, first, same_letters=True) or (named and self._are_there(column, first))
            if found:
                return True
        numbers = [column for column in self._names.values() if isinstance(column, str) and is_number(column)]
        if numbers and all(number in first for number in numbers):
            raise InputError(
                f"{first.source}: {' and '.join(numbers)} are cells of line 1, names or positions; say by --has_header "
                "whether it is a header"
            )
        return False

    def find(self, header, first, optional=()):
        """part -> number of its column, for the parts that the file has; a list of numbers for several labels.

        Args:
          header: Row, or None.
          first: the first Row of the file.
          optional: parts that may be missing, even those that are named.

        Raises:
          InputError: a column that is not there; the message has the nearest one.
        """
        found = {}
        for part, column in self._names.items():
            at = (
                self._find_usual(header, first, part, optional)
                if column is None
                else self._find_named(header, first, part, column, optional)
            )
            if at is not None:
                found[part] = at
        return found

    def name_in_messages(self, part, at):
        """What messages call a column."""
        column = self._names.get(part)
        return part if column in (None, at, str(at)) else str(column)

    def _find_usual(self, header, first, part, optional):
        usual = [at for at, cell in enumerate(header or ()) if _is_usual(cell, part)]
        # Of a pair of which one text is named the other one is named too.
        wanted = part != "text_b" or self._names["text_a"] is None
        if usual and wanted:
            return usual[0]
        if part in optional or part in ("text_b", "id"):
            return None
        near = next((found for name in COLUMN_NAMES[part] for found in _find_near(name, header or ())), None)
        raise _no_column(first, f"none of the columns is named {', '.join(COLUMN_NAMES[part])}", part, near)

    def _find_named(self, header, first, part, column, optional):
        if header and column in header:
            if header.count(column) > 1:
                raise InputError(f"{header.source}: the column {column!r} is there twice; give its number")
            return header.index(column)
        if is_number(column):
            return None if part in optional and int(column) >= len(first) else int(column)
        if part == "label" and self._are_there(column, header or first):
            if not self._several_labels:
                raise InputError(
                    f"{first.source}: --label_column={column}: several columns, one for each label, are for "
                    "--problem_type=multi_label_classification"
                )
            names = header or []
            return [names.index(one) if one in names else int(one) for one in _split_names(column)]
        if part in optional and not _find_near(column, header or (), same_letters=True):
            return None
        of_several = [name for name in _split_names(column) if name not in first] if self._several_labels else []
        wrong = of_several[0] if part == "label" and 0 < len(of_several) < len(_split_names(column)) else None
        near = next(iter(_find_near(wrong or column, header or first)), None)
        raise _no_column(first, f"no column {wrong or column!r}", part, near, wrong)

    @staticmethod
    def _are_there(column, first):
        """Whether a comma-separated list names columns only, more than one."""
        names = _split_names(column)
        return len(names) > 1 and all(name in first or (is_number(name) and int(name) < len(first)) for name in names)


def _split_names(column):
    return [name.strip() for name in str(column).split(",")]


def is_number(column):
    """Whether a column is given by its number."""
    return isinstance(column, int) or (isinstance(column, str) and column.isdecimal())


def _is_usual(cell, part):
    return str(cell).strip().lower() in COLUMN_NAMES.get(part, ())


def _find_near(column, names, same_letters=False):
    """The names that come near: of the same letters in any case and spacing first, else with a few others."""
    plain = {}
    for name in names:
        plain.setdefault(_simplify(name), str(name))
    if _simplify(column) in plain:
        return [plain[_simplify(column)]]
    return [] if same_letters else [plain[name] for name in difflib.get_close_matches(_simplify(column), plain, n=1)]


def _simplify(name):
    return "".join(char for char in str(name).casefold() if char.isalnum()) or str(name)


def _no_column(first, what, part, near, named=None):
    flag = f"--{part}_column"
    found = ", ".join(str(cell)[:40] for cell in first[:12])
    if near is not None:
        way = f"did you mean {near}? {flag}={near}" if named is None else f"did you mean {near}?"
    else:
        way = f"give {flag}, a name or a number from 0"
    hint = ""
    if len(first) == 1:
        other = next((mark for mark in "\t,;|" if mark in str(first[0])), None)
        hint = f"; is the delimiter {other!r}? (--delimiter)" if other else ""
    return InputError(f"{first.source}: {what}; line 1 has: {found}; {way}{hint}")
