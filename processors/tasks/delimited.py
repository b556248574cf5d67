"""Anybody's TSV, CSV or JSON lines: columns are named or numbered, nothing needs to be programmed."""

import json
import logging
import math
import os
import re

import json_files
import registry
from errors import InputError
from processors.base import DataProcessor, InputExample
from processors.folders import exists, is_remote, missing_file
from processors.rows import Row, read_rows
from processors.tables import COLUMN_NAMES, check_widths
from processors.text_files import read_lines

log = logging.getLogger(__name__)

# None: not a table but a JSON object a line.
_DELIMITERS = {".tsv": "\t", ".txt": "\t", ".csv": ",", ".jsonl": None, ".json": None}
_ENDINGS = (".tsv", ".csv", ".jsonl")
_QUOTING = ("auto", "minimal", "none")
_METRICS = {
    "single_label_classification": ("accuracy", "f1_macro"),
    "regression": ("pearson", "spearman"),
    "multi_label_classification": ("f1_micro", "f1_macro"),
}


@registry.register("processor", "delimited", "tsv", "csv", "jsonl")
class DelimitedProcessor(DataProcessor):
    """Examples from one table, or one file of JSON lines, a split.

    Args:
      train_file, dev_file, test_file: paths, relative ones below `data_dir`; default: train, dev and test with the
        ending .tsv, .csv or .jsonl.
      text_a_column, text_b_column, label_column, id_column: names in the header (keys of JSON lines), or numbers from
        0; usual names (`COLUMN_NAMES`) are found without being given.
      has_header: None: line 1 is a header if columns that are named here, or have usual names, are in it; a number is
        no name then.
      delimiter: between cells; None: tab in .tsv and .txt, comma in .csv. A backslash and t mean a tab.
      quoting: "minimal" (cells may be in double quotes), "none" (quotes are text), "auto": minimal for commas.
      label_list: the classes in the order of their ids; None: those of the training data, in natural order.
      problem_type: see `DataProcessor`.
      label_separator: between the labels of one cell, where a text has several.
      encoding: of the files; None: UTF-8.

    Raises:
      InputError: an argument that is not allowed; in the get methods whatever is wrong with a file.
    """

    def __init__(
        self,
        *,
        train_file=None,
        dev_file=None,
        test_file=None,
        text_a_column=None,
        text_b_column=None,
        label_column=None,
        id_column=None,
        has_header=None,
        delimiter=None,
        quoting="auto",
        label_list=None,
        problem_type="single_label_classification",
        label_separator=",",
        encoding=None,
    ):
        for name, value, allowed in (("problem_type", problem_type, _METRICS), ("quoting", quoting, _QUOTING)):
            if value not in allowed:
                raise InputError(f"{name} {value!r}; allowed: {', '.join(allowed)}")
        self.delimiter = "\t" if delimiter == "\\t" else delimiter
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise InputError(f"delimiter {delimiter!r}; one character is needed")
        self.files = {"train": train_file, "dev": dev_file, "test": test_file}
        self.columns = {"text_a": text_a_column, "text_b": text_b_column, "label": label_column, "id": id_column}
        self.has_header = has_header
        self.quoting = quoting
        self.label_list = list(label_list) if label_list else None
        self.problem_type = problem_type
        self.metrics = _METRICS[problem_type]
        self.label_separator = label_separator
        self.encoding = encoding or self.encoding

    def get_train_examples(self, data_dir):
        """See base class. Learns the list of labels, unless it was given."""
        examples = self._examples(data_dir, "train")
        if self.label_list is None and self.problem_type != "regression":
            labels = (e.label if isinstance(e.label, tuple) else (e.label,) for e in examples if e.label is not None)
            self.label_list = sorted({one for several in labels for one in several}, key=_natural_order)
        return examples

    def get_dev_examples(self, data_dir):
        """See base class."""
        return self._examples(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class. Without a label column, and where its cell is empty, the label is None."""
        return self._examples(data_dir, "test")

    def get_labels(self):
        """See base class. Known once the training examples were read, or `label_list` was given."""
        if self.problem_type == "regression":
            return []
        if self.label_list is None:
            raise InputError("the labels are not known before the training examples are read; read them, or list them")
        return list(self.label_list)

    def _path(self, data_dir, split):
        file, data_dir = self.files[split], data_dir or "."
        if file:
            return file if is_remote(file) else os.path.join(data_dir, file)
        names = [split + ending for ending in _ENDINGS]
        there = [name for name in names if exists(os.path.join(data_dir, name))]
        if not there:
            raise missing_file(data_dir, names)
        if len(there) > 1:
            raise InputError(f"{data_dir}: {' and '.join(there)} are both there; say which by {split}_file")
        return os.path.join(data_dir, there[0])

    def _examples(self, data_dir, split):
        path = self._path(data_dir, split)
        header, rows = self._table(path)
        columns = self._find_columns(header, rows[0], split)
        rows, start = (rows[1:], 1) if rows[0] is header else (rows, 0)
        if not rows:
            raise InputError(f"{path}: a header and no rows; at least one row is needed")
        found = ", ".join(f"{part} = {header[at] if header else at}" for part, at in columns.items())
        log.info("%s: %d rows, %s, columns: %s", path, len(rows), "header" if header else "no header", found)
        examples = [self._example(row, columns, split, index) for index, row in enumerate(rows, start)]
        check_widths(header or rows[0], rows, bool(header))
        if not header and split == "train" and self.has_header is None:
            self._check_no_header(examples)
        return examples

    def _table(self, path):
        """(header or None, rows with the header as the first of them); JSON keys are a header that is no row."""
        ending = os.path.splitext(path)[1].lower()
        delimiter = self.delimiter or _DELIMITERS.get(ending)
        if ending not in _DELIMITERS and not delimiter:
            raise InputError(f"{path}: the ending is none of {', '.join(_DELIMITERS)}; rename it or give the delimiter")
        if _DELIMITERS.get(ending, delimiter) is None:
            return _read_json_lines(path, self.encoding)
        quoted = self.quoting == "minimal" or (self.quoting == "auto" and delimiter == ",")
        rows = read_rows(path, delimiter, '"' if quoted else None, self.encoding)
        has_header = self._looks_like_header(rows[0]) if self.has_header is None else self.has_header
        return rows[0] if has_header else None, rows

    def _looks_like_header(self, first):
        for part, column in self.columns.items():
            if column is None:
                found = any(_is_usual(cell, part) for cell in first)
            elif _is_number(column):
                # A cell that reads the same proves nothing: column 1 and the label "1" are not related.
                found = int(column) < len(first) and _is_usual(first[int(column)], part)
            else:
                found = column in first
            if found:
                return True
        numbers = [column for column in self.columns.values() if isinstance(column, str) and _is_number(column)]
        if numbers and all(number in first for number in numbers):
            raise InputError(
                f"{first.source}: {' and '.join(numbers)} are cells of line 1, names or positions; say by has_header "
                "whether it is a header"
            )
        return False

    def _find_columns(self, header, first, split):
        """part -> number of its column, for the parts that the file has."""
        columns = {}
        for part, column in self.columns.items():
            optional = part in ("text_b", "id") or (part == "label" and split == "test")
            if column is None:
                usual = [at for at, cell in enumerate(header or ()) if _is_usual(cell, part)]
                wanted = part != "text_b" or self.columns["text_a"] is None
                column = usual[0] if usual and wanted else None
                if column is None and not optional:
                    names = ", ".join(COLUMN_NAMES[part])
                    raise _no_column(first, f"none of the columns is named {names}", f"{part}_column")
            elif header and column in header:
                if header.count(column) > 1:
                    raise InputError(f"{header.source}: the column {column!r} is there twice; give its number")
                column = header.index(column)
            elif _is_number(column):
                column = int(column)
                if part == "label" and split == "test" and column >= len(first):
                    continue
            elif part == "label" and split == "test":
                continue
            else:
                raise _no_column(first, f"no column {column!r}", f"{part}_column")
            if column is not None:
                columns[part] = column
        return columns

    def _example(self, row, columns, split, index):
        cells = {part: row.column(at, self._called(part, at)) for part, at in columns.items()}
        for part in ("text_a", "text_b"):
            if part in cells:
                if cells[part] is None:
                    raise InputError(f"{row.source}: no {self._called(part, columns[part])}; a text is needed")
                cells[part] = str(cells[part])
        guid = f"{split}-{index}" if cells.get("id") is None else str(cells["id"])
        label = self._label(cells.get("label"), split, row.source)
        return InputExample(guid, cells["text_a"], cells.get("text_b"), label, row.source)

    def _called(self, part, at):
        return part if self.columns[part] in (None, at, str(at)) else self.columns[part]

    def _label(self, cell, split, source):
        if isinstance(cell, str):
            cell = cell.strip()
        several = self.problem_type == "multi_label_classification"
        if cell is None or cell == "":
            return () if several and cell == "" and split != "test" else None
        if self.problem_type == "regression":
            try:
                return float(cell)
            except (TypeError, ValueError):
                raise InputError(f"{source}: score {cell!r}; a number is needed (is line 1 a header?)") from None
        if several:
            names = cell if isinstance(cell, list) else str(cell).split(self.label_separator)
            return tuple(dict.fromkeys(name for name in (_spelled(one, source) for one in names) if name))
        return _spelled(cell, source)

    def _check_no_header(self, examples):
        """A header that was taken for data would become a class of its own."""
        if self.problem_type != "single_label_classification" or self.label_list is not None:
            return
        labels = [example.label for example in examples]
        if len(set(labels)) > 2 and labels.count(labels[0]) == 1 and len(labels) > 2 * len(set(labels)):
            raise InputError(
                f"{examples[0].source}: label {labels[0]!r} is in no other row; say by has_header if it is one"
            )


def _read_json_lines(path, encoding):
    objects = [
        json_files.parse(line, path, mend="one JSON object a line is needed", line=number)
        for number, line in enumerate(read_lines(path, encoding, "--encoding"), 1)
    ]
    header = Row(dict.fromkeys(key for value in objects for key in value), f"{path}:1")
    return header, [
        Row((value.get(key) for key in header), f"{path}:{number}") for number, value in enumerate(objects, 1)
    ]


def _is_number(column):
    return isinstance(column, int) or (isinstance(column, str) and column.isdecimal())


def _is_usual(cell, part):
    return cell.strip().lower() in COLUMN_NAMES.get(part, ())


def _no_column(first, what, argument):
    hint = ""
    if len(first) == 1:
        other = next((mark for mark in "\t,;|" if mark in str(first[0])), None)
        hint = f"; is the delimiter {other!r}?" if other else ""
    found = ", ".join(str(cell)[:40] for cell in first[:12])
    return InputError(f"{first.source}: {what}; line 1 has: {found}; give {argument}, a name or a number from 0{hint}")


def _spelled(label, source):
    """A label as a str: JSON's numbers and truth values as JSON writes them."""
    if isinstance(label, (list, dict)):
        raise InputError(f"{source}: label {label!r}; one label is needed (several: multi_label_classification)")
    return label.strip() if isinstance(label, str) else json.dumps(label)


def _natural_order(label):
    """Numbers by value and before words, "class 2" before "class 10"; "1" and "1.0", which tie, by their text."""
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return (0, value, [], label)
    pieces = re.split(r"(\d+)", label)
    return (1, 0.0, [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)], label)
