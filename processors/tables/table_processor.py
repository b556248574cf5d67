"""Processors of tasks whose files are tables: a task states file names and column numbers, the reading is here."""

import dataclasses
import logging
import math
import os

from bertline.errors import InputError
from bertline.processors.base import DataProcessor, InputExample
from bertline.processors.files.folders import exists, missing_file
from bertline.processors.tables.rows import read_rows

log = logging.getLogger(__name__)

# What headers call their columns, by the part of an example they hold; lower case.
COLUMN_NAMES = {
    "text_a": ("text", "text_a", "sentence", "sentence1", "utterance"),
    "text_b": ("text_b", "sentence2"),
    "label": ("label", "intent", "class", "score"),
}


@dataclasses.dataclass(frozen=True)
class Table:
    """A file and where it keeps the parts of an example; columns count from 0, negative ones from the end.

    Attributes:
      file: name in the data folder.
      text_a: column, or a tuple of columns whose cells are joined by a space.
      text_b, label: columns; None: there is none.
      header: whether line 1 is a header; None: it is one if it has a usual column name where text or label belong.
      guid: column of the row's id; None: the row's index, as in the original (a header is row 0).
      delimiter, quotechar: see `read_rows`.
    """

    file: str
    text_a: int | tuple[int, ...]
    text_b: int | None = None
    label: int | None = None
    header: bool | None = True
    guid: int | None = None
    delimiter: str = "\t"
    quotechar: str | None = None

    def parts(self):
        """(part, column) for each column that is read."""
        texts = self.text_a if isinstance(self.text_a, tuple) else (self.text_a,)
        columns = [*(("text_a", column) for column in texts), ("text_b", self.text_b), ("label", self.label)]
        return [(part, column) for part, column in columns if column is not None]

    def fits(self, row):
        """Whether a row has every column."""
        return all(-len(row) <= column < len(row) for _, column in self.parts())

    def has_header(self, first):
        """Whether the first row is a header."""
        if self.header is not None:
            return self.header
        return any(
            column < len(first) and first[column].strip().lower() in COLUMN_NAMES[part] for part, column in self.parts()
        )


def check_widths(first, rows, has_header):
    """Raises InputError for a row of another width: a delimiter inside a text cuts it and shifts what is behind it.

    Args:
      first: the Row to compare with, the header or the first one.
      rows: list of Row. Empty cells at the end do not count.
      has_header: whether `first` is a header, of which a row may lack the last columns.
    """
    for row in rows:
        if any(row[len(first) :]) or (not has_header and any(first[len(row) :])):
            wanted = f"{'the header' if has_header else 'line 1'} has {len(first)}"
            raise InputError(f"{row.source}: {len(row)} columns, {wanted}; is there a delimiter inside a text?")


class TableProcessor(DataProcessor):
    """A task in tables. Subclasses set the attributes.

    Attributes:
      labels: the classes in the order of their ids; empty for regression.
      tables: split -> the tables it may be in. The first whose file is there, and is wide enough, is read.
      set_types: split -> prefix of the guids where it is not the split's name.
      label_names: how a file spells a label -> the label.
      no_label: spellings of "no agreed label". Such rows are left out of train and dev, counted in the log, and kept
        without a label in test.
      leave_out_broken_rows: leave out, and count in the log, train and dev rows of another width than the header.
    """

    labels = ()
    tables = {}
    set_types = {}
    label_names = {}
    no_label = ()
    leave_out_broken_rows = False

    def get_labels(self):
        """See base class."""
        return list(self.labels)

    def get_train_examples(self, data_dir):
        """See base class."""
        return self._read_split(data_dir, "train")

    def get_dev_examples(self, data_dir):
        """See base class."""
        return self._read_split(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class."""
        return self._read_split(data_dir, "test")

    def _read_split(self, data_dir, split):
        present = [table for table in self.tables[split] if exists(os.path.join(data_dir, table.file))]
        if not present:
            raise missing_file(data_dir, list(dict.fromkeys(table.file for table in self.tables[split])))
        path = os.path.join(data_dir, present[0].file)
        rows = read_rows(path, present[0].delimiter, present[0].quotechar, self.encoding)
        same_file = [table for table in present if table.file == present[0].file]
        table = next((table for table in same_file if table.fits(rows[0])), present[0])
        examples = self._create_examples(rows, split, table)
        if not examples:
            raise InputError(f"{path}: {len(rows)} rows, none of them an example of this task; at least one is needed")
        return examples

    def _is_wanted(self, row, split):
        """Whether a row belongs to the task at all (XNLI keeps one language of many)."""
        return True

    def _create_examples(self, rows, split, table):
        header = rows[0] if table.has_header(rows[0]) else None
        if header is not None and table.label is not None and self._is_label(header.column(table.label)):
            raise InputError(f"{header.source}: label {header[table.label]!r} in the header; is the header missing?")
        set_type = self.set_types.get(split, split)
        names = {column: (header or [])[column:][:1] for _, column in table.parts()}
        examples, left_out = [], {}
        for index, row in enumerate(rows):
            if row is header or not self._is_wanted(row, split):
                continue
            if split != "test" and self.leave_out_broken_rows and len(row) != len(header):
                left_out.setdefault("another number of columns than the header", []).append(row.source)
                continue
            cells = {}
            for part, column in table.parts():
                cell = row.column(column, "".join(names[column]) or part)
                cells[part] = f"{cells[part]} {cell}" if part in cells else cell
            if cells.get("label") in self.no_label:
                if split != "test":
                    left_out.setdefault(f"label {cells['label']!r}", []).append(row.source)
                    continue
                del cells["label"]
            if "label" in cells:
                cells["label"] = self._label(cells["label"], row)
            guid = f"{set_type}-{index if table.guid is None else row.column(table.guid, 'id')}"
            examples.append(InputExample(guid, source=row.source, **cells))
        # Official files are read as the original reads them: some have rows of several widths.
        if table.header is None:
            check_widths(rows[0], rows, header is not None)
        for reason, sources in left_out.items():
            log.warning("%s: %d rows left out: %s", sources[0], len(sources), reason)
        return examples

    def _label(self, cell, row):
        """The label that a cell spells."""
        if self.problem_type != "regression":
            return self.label_names.get(cell, cell)
        try:
            return float(cell)
        except ValueError:
            raise InputError(f"{row.source}: score {cell!r}; a number is needed") from None

    def _is_label(self, cell):
        if self.problem_type != "regression":
            return self.label_names.get(cell, cell) in self.labels
        try:
            return math.isfinite(float(cell))
        except ValueError:
            return False
