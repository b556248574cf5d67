"""Anybody's tables, of any kind: columns are named or numbered, nothing needs to be programmed."""

import logging
import os
import re

from bertline import registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.processors.base import DataProcessor, InputExample
from bertline.processors.files.folders import exists, is_remote, list_files, missing_file
from bertline.processors.tables.columns import Columns
from bertline.processors.tables.label_cells import label_of, natural_order
from bertline.processors.tables.splitting import Splitter
from bertline.processors.tables.table_files import ENDINGS, TableFile, check, is_table
from bertline.processors.tables.table_processor import check_widths

log = logging.getLogger(__name__)

_METRICS = {
    "single_label_classification": ("accuracy", "f1_macro"),
    "regression": ("pearson", "spearman"),
    "multi_label_classification": ("f1_micro", "f1_macro"),
}
# Split -> parts of an example that its file may lack, even where their columns are named.
_OPTIONAL = {"train": (), "dev": ("group",), "test": ("label", "group")}


@registry.register("processor", "delimited", "tsv", "csv", "jsonl", "parquet", "xlsx")
class DelimitedProcessor(DataProcessor):
    """Examples from one table a split, or from one that is split here; see `table_files` for the kinds of tables.

    Args:
      train_file, dev_file, test_file: paths, relative ones below `data_dir`; default: train, dev and test with one of
        the endings `table_files.ENDINGS`.
      text_a_column, text_b_column, label_column, id_column, group_column: names in the header (keys of JSON lines), or
        numbers from 0; usual names (`COLUMN_NAMES`) are found without being given.
      has_header: None: line 1 is a header if columns that are named here, or have usual names, are in it; a number is
        no name then. `label_column` may be several, comma-separated, each of 0 or 1: the labels are their names.
      delimiter: between cells; None: tab in .tsv and .txt, comma in .csv. A backslash and t mean a tab.
      quoting: "minimal" (cells may be in double quotes), "none" (quotes are text), "auto": minimal for commas.
      label_list: the classes in the order of their ids, or one str with commas between them; None: those of the
        training data, in natural order.
      problem_type: see `DataProcessor`.
      label_separator: between the labels of one cell, where a text has several.
      encoding: of the files; None: UTF-8.
      dev_fraction, test_fraction: shares of the training file's rows that are dev and test rows; 0: these have files of
        their own. See `splitting.assign`.
      split_seed: of that choice, int.

    Attributes:
      splitter: a Splitter, for those who keep the choice.
      type_of_cells: the problem type that a cell of the label's column is read by.

    Raises:
      InputError: an argument that is not allowed; in the get methods whatever is wrong with a file.
    """

    options = {
        "train_file": Option(
            None,
            "The training file; default train.tsv, .csv, .jsonl, .parquet or .xlsx.",
            shapes_weights=False,
            holds="path",
            as_trained=False,
        ),
        "dev_file": Option(
            None, "The file to evaluate on; default dev.*.", shapes_weights=False, holds="path", as_trained=False
        ),
        "test_file": Option(
            None, "The file to predict; default test.*.", shapes_weights=False, holds="path", as_trained=False
        ),
        "dev_fraction": Option(
            0.0,
            "Share of the training file's rows that are the dev rows, where they have no file.",
            shapes_weights=False,
            as_trained=False,
        ),
        "test_fraction": Option(
            0.0,
            "Share of the training file's rows that are the test rows, where they have no file.",
            shapes_weights=False,
            as_trained=False,
        ),
        "split_seed": Option(
            1,
            "Of the choice of dev and test rows by --dev_fraction and --test_fraction, which is kept in "
            "OUTPUT_DIR/split.tsv.",
            shapes_weights=False,
            as_trained=False,
        ),
        "text_a_column": Option(None, "Name or number (from 0) of the text's column.", shapes_weights=False),
        "text_b_column": Option(None, "Name or number of the second text's column, if any.", shapes_weights=False),
        "label_column": Option(
            None,
            "Name or number of the label's column; or of several columns of 0 and 1, comma-separated.",
            shapes_weights=False,
        ),
        "id_column": Option(
            None,
            "Name or number of the column that names a row in predictions.tsv.",
            shapes_weights=False,
            as_trained=False,
        ),
        "group_column": Option(
            None,
            "For --num_folds: name or number of a column; rows with the same cell in it are in one fold.",
            shapes_weights=False,
            as_trained=False,
        ),
        "has_header": Option(None, "Whether line 1 is a header; by default found out.", bool, shapes_weights=False),
        "delimiter": Option(None, "Between columns; by default from the file's ending.", shapes_weights=False),
        "quoting": Option("auto", "auto, minimal (as in CSV) or none.", shapes_weights=False),
        "label_list": Option(
            None, "The labels, comma-separated; by default those found.", shapes_weights=False, as_trained=False
        ),
        "problem_type": Option(
            "single_label_classification",
            "single_label_classification, multi_label_classification or regression.",
        ),
        "label_separator": Option(",", "Between several labels of one row.", shapes_weights=False),
    }

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
        group_column=None,
        has_header=None,
        delimiter=None,
        quoting="auto",
        label_list=None,
        problem_type="single_label_classification",
        label_separator=",",
        encoding=None,
        dev_fraction=0.0,
        test_fraction=0.0,
        split_seed=1,
    ):
        if problem_type not in _METRICS:
            raise InputError(f"--problem_type={problem_type}: allowed: {', '.join(_METRICS)}")
        check(delimiter, quoting)
        self.files = {"train": train_file, "dev": dev_file, "test": test_file}
        self.splitter = Splitter({"dev": dev_fraction, "test": test_fraction}, split_seed)
        names = {"text_a": text_a_column, "text_b": text_b_column, "label": label_column, "id": id_column}
        names |= {} if group_column is None else {"group": group_column}
        several = problem_type == "multi_label_classification"
        self.columns = Columns(names, has_header, several)
        self.has_header, self.delimiter, self.quoting = has_header, delimiter, quoting
        names = label_list.split(",") if isinstance(label_list, str) else label_list
        self.label_list = list(names) if names else None
        self.problem_type = self.type_of_cells = problem_type
        self.metrics = _METRICS[problem_type]
        self.label_separator, self.label_options = label_separator, {"separator": label_separator}
        self.encoding = encoding or self.encoding
        self._column_labels = None

    def get_train_examples(self, data_dir):
        """See base class. Learns the list of labels, unless it was given."""
        examples = self._examples(data_dir, "train")
        if self.label_list is None and self.problem_type != "regression":
            labels = (e.label if isinstance(e.label, tuple) else (e.label,) for e in examples if e.label is not None)
            self.label_list = sorted({one for several in labels for one in several}, key=natural_order)
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
            raise InputError("the labels are not known before the training examples are read; give --label_list")
        return list(self.label_list)

    def needs_folder(self, split):
        """See base class."""
        return not (self.files[split] or (self.splitter.is_used and self.files["train"]))

    @classmethod
    def as_trained(cls, given, problem_type, labels):
        """See base class."""
        found = {**given, "problem_type": problem_type or given["problem_type"]}
        if found["problem_type"] != "regression":
            found["label_list"] = given["label_list"] or labels
        return found

    def _examples(self, data_dir, split):
        own = split != "train" and (self.files[split] or next(iter(self._there(data_dir, split)), None))
        if self.splitter.takes(split, own):
            return self.splitter.part(self._path(data_dir, "train"), self._read, split)
        return self._read(self._path(data_dir, split), split)

    def _there(self, data_dir, split):
        """The files of a split that are in the folder, by the usual names."""
        return [split + ending for ending in ENDINGS if exists(os.path.join(data_dir or ".", split + ending))]

    def _path(self, data_dir, split):
        file, folder = self.files[split], data_dir or "."
        if file:
            return file if is_remote(file) else os.path.join(folder, file)
        there = self._there(folder, split)
        if not there and self.splitter.is_used:
            there = [name for name in list_files(folder) if is_table(name)]
        if not there:
            raise missing_file(folder, [split + ending for ending in ENDINGS])
        if len(there) > 1:
            raise InputError(f"{folder}: {' and '.join(there)} are both there; say which by --{split}_file")
        return os.path.join(folder, there[0])

    def _read(self, path, split):
        table = TableFile(path, self.delimiter, self.quoting, self.encoding)
        try:
            return self._examples_of(table, split)
        except InputError as error:
            raise table.quotes_error() if table.may_be_quoted and table.are_in_quotes() else error from None

    def _examples_of(self, table, split):
        path, header, rows = table.path, table.keys(), list(table.rows())
        if not rows:
            raise InputError(f"{path}: no rows; at least one is needed")
        has_header_row = not table.has_keys and self.columns.has_header(rows[0])
        header = header or (rows[0] if has_header_row else None)
        start = int(has_header_row)
        columns = self.columns.find(header, header or rows[0], _OPTIONAL[split])
        if not rows[start:]:
            raise InputError(f"{path}: a header and no rows; at least one row is needed")
        found = ", ".join(f"{part} = {self._describe(header, at)}" for part, at in columns.items())
        log.info("%s: %d rows, %s, columns: %s", path, len(rows) - start, "header" if header else "no header", found)
        self._set_labels(columns.get("label"), header)
        examples = [self._example(row, columns, split, index) for index, row in enumerate(rows[start:], start)]
        check_widths(header or rows[0], rows[start:], bool(header))
        if not header and split == "train" and self.has_header is None:
            self._check_no_header(examples)
        if table.may_be_quoted:
            self._check_quotes(table, rows)
        return examples

    def _describe(self, header, at):
        if isinstance(at, list):
            return ",".join(self._describe(header, one) for one in at)
        return str(header[at]) if header else str(at)

    def _set_labels(self, at, header):
        """Where each label has a column, the labels are the names of the columns."""
        if not isinstance(at, list):
            return
        if not header:
            raise InputError("--label_column: several columns have names in a header only, and line 1 is none")
        self._column_labels = [header[one].strip() for one in at]
        if self.label_list is None:
            self.label_list = list(self._column_labels)

    def _check_quotes(self, table, rows):
        """Raises InputError, or warns, where double quotes that enclose cells were taken for text."""
        begun = [cell for row in rows for cell in row if cell.startswith('"')]
        if not begun:
            return
        if table.are_in_quotes():
            raise table.quotes_error()
        enclosed = [cell for cell in begun if re.fullmatch(r'"(?:[^"]|"")*"', cell)]
        if len(enclosed) == len(begun) and any('""' in cell[1:-1] for cell in enclosed):
            log.warning(
                "%s: %d cells are in double quotes, as pandas writes them, and keep them: --quoting=minimal takes them "
                "off, --quoting=none says that they are text",
                table.path,
                len(enclosed),
            )

    def _example(self, row, columns, split, index):
        cells = {part: self._cell(row, part, at) for part, at in columns.items()}
        for part in ("text_a", "text_b"):
            if part in cells:
                if cells[part] is None or cells[part] != cells[part]:  # NaN, which JSON may have
                    raise InputError(
                        f"{row.source}: no {self.columns.name_in_messages(part, columns[part])}; a text is needed"
                    )
                cells[part] = str(cells[part])
        guid = f"{split}-{index}" if cells.get("id") is None else str(cells["id"])
        label = label_of(cells.get("label"), self.type_of_cells, split, row.source, self.label_separator)
        group = None if cells.get("group") is None else str(cells["group"])
        return InputExample(guid, cells["text_a"], cells.get("text_b"), label, row.source, group)

    def _cell(self, row, part, at):
        if not isinstance(at, list):
            return row.column(at, self.columns.name_in_messages(part, at))
        return {name: row.column(one, name) for name, one in zip(self._column_labels, at)}

    def _check_no_header(self, examples):
        """A header that was taken for data would become a class of its own."""
        if self.problem_type != "single_label_classification" or self.label_list is not None:
            return
        labels = [example.label for example in examples]
        if len(set(labels)) > 2 and labels.count(labels[0]) == 1 and len(labels) > 2 * len(set(labels)):
            raise InputError(
                f"{examples[0].source}: label {labels[0]!r} is in no other row; say by --has_header if it is one"
            )
