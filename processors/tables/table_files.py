"""A table in a file of any kind, known by its ending: delimited text, JSON lines, parquet, Excel; a stream of rows."""

import datetime
import importlib
import logging
import math
import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.files.file_kinds import kind_of
from bertline.processors.files.folders import exists, is_remote, missing_file
from bertline.processors.files.text_files import iterate_lines
from bertline.processors.tables.rows import Row, iterate_rows

log = logging.getLogger(__name__)

JSON, PARQUET, EXCEL = "JSON lines", "parquet", "Excel"
# Ending -> what separates the cells, or the kind of a file that says itself what its cells are.
KINDS = {
    ".tsv": "\t",
    ".txt": "\t",
    ".csv": ",",
    ".jsonl": JSON,
    ".json": JSON,
    ".parquet": PARQUET,
    ".xlsx": EXCEL,
}
_OF_TEXT = (".tsv", ".csv", ".jsonl")
# What a split may be called, in the order in which the names are listed.
ENDINGS = (*_OF_TEXT, *(ending + ".gz" for ending in _OF_TEXT), ".parquet", ".xlsx")
QUOTING = ("auto", "minimal", "none")
_BATCH_ROWS = 1024


def ending_of(path):
    """The ending of a file's name, lower case, without the .gz of a packed one."""
    path = os.fspath(path).lower()
    return os.path.splitext(path.removesuffix(".gz"))[1]


def is_table(path):
    """Whether a file's name ends as that of a table: what a .txt file is is not known by its name."""
    return ending_of(path) in KINDS.keys() - {".txt"}


def check(delimiter, quoting):
    """Raises InputError for what a table cannot have."""
    if delimiter is not None and delimiter != "\\t" and (len(delimiter) != 1 or delimiter in '\r\n\0"'):
        raise InputError(f"--delimiter={delimiter}: one character is needed, no line end and no double quote")
    if quoting not in QUOTING:
        raise InputError(f"--quoting={quoting}: allowed: {', '.join(QUOTING)}")


class TableFile:
    """The rows of a table, as often as they are asked for.

    Args:
      path: of the file; text may be gzip and remote.
      delimiter: between the cells of text; None: by the ending. A backslash and t mean a tab.
      quoting: one of QUOTING: "minimal" (cells may be in double quotes), "none" (quotes are text), "auto": minimal for
        commas.
      encoding: of text.

    Attributes:
      has_keys: whether the columns have names that are no row: JSON lines, parquet.
      may_be_quoted: whether double quotes were taken for text because nothing else was said.

    Raises:
      InputError: an ending that is no table's, or a library that is missing; in the methods what is wrong with the
        file.
    """

    def __init__(self, path, delimiter=None, quoting="auto", encoding="utf-8"):
        self.path, self.encoding = os.fspath(path), encoding
        ending = ending_of(path)
        kind = KINDS.get(ending)
        self._kind = kind if kind in (JSON, PARQUET, EXCEL) else None
        check(delimiter, quoting)
        self.delimiter = "\t" if delimiter == "\\t" else delimiter
        if kind is None and self.delimiter is None:
            raise self._unknown(ending)
        self.delimiter = self.delimiter or kind
        self._quotes = quoting == "minimal" or (quoting == "auto" and self.delimiter == ",")
        self.has_keys, self._keys = self._kind in (JSON, PARQUET), None
        self.may_be_quoted = self._kind is None and quoting == "auto" and not self._quotes
        if self._kind in (PARQUET, EXCEL):
            self._library = _import({PARQUET: "pyarrow.parquet", EXCEL: "openpyxl"}[self._kind], self.path)

    def _unknown(self, ending):
        known = ", ".join(KINDS)
        if not is_remote(self.path) and os.path.isfile(self.path):
            with open(self.path, "rb") as file:
                kind = kind_of(file.read(8192))
            if kind:
                return InputError(f"{self.path}: {kind[0]}; {kind[1]}")
        what = f"the ending {ending} is none" if ending else "a name without an ending; it is none"
        return InputError(f"{self.path}: {what} of {known}; rename it, or give --delimiter")

    def keys(self):
        """The names of the columns, a Row, of a file that has keys; else None. Of JSON lines those of all objects."""
        if self._keys is None and self._kind == JSON:
            self._keys = Row(dict.fromkeys(key for value in self._objects() for key in value), f"{self.path}:1")
        if self._keys is None and self._kind == PARQUET:
            with self._readable():
                self._keys = Row(self._library.read_schema(self.path).names, f"{self.path}:1")
        return self._keys

    def rows(self):
        """Yields every `Row`; of a file without keys the first may be a header.

        Cells are str. In JSON lines and parquet they are what JSON knows, and None where there is none.
        """
        if self._kind is None:
            yield from iterate_rows(self.path, self.delimiter, '"' if self._quotes else None, self.encoding)
        elif self._kind == EXCEL:
            yield from self._excel_rows()
        else:
            keys = self.keys()
            values = self._objects() if self._kind == JSON else self._parquet_values()
            for number, value in enumerate(values, 1):
                yield Row((value.get(key) for key in keys), f"{self.path}:{number}", self.delimiter)

    def are_in_quotes(self):
        """Whether text reads as a table of another number of rows, all equally wide, if double quotes enclose cells.

        So does what pandas and Excel write of texts with line ends.
        """
        widths, has_line_end = set(), False
        try:
            for row in iterate_rows(self.path, self.delimiter, '"', self.encoding):
                widths.add(len(row))
                for cell in row:
                    if "\n" in cell:
                        has_line_end = True
                        if self.delimiter in cell:  # quotes of a text in one row, and of another in a later one
                            return False
        except InputError:
            return False
        return has_line_end and len(widths) == 1

    def quotes_error(self):
        """The InputError of a file whose double quotes enclose cells."""
        return InputError(
            f"{self.path}: cells are in double quotes and have line ends in them, as pandas and Excel write them; "
            "--quoting=minimal reads them"
        )

    def _objects(self):
        lines = iterate_lines(self.path, self.encoding, "--encoding")
        for number, line in enumerate(lines, 1):
            if number == 1 and ending_of(self.path) == ".json" and line.lstrip().startswith("["):
                yield from self._list_objects("\n".join([line, *lines]))
                return
            yield json_files.parse(line, self.path, mend="one JSON object a line is needed", line=number)

    def _list_objects(self, text):
        """The objects of a file that is one list of them."""
        for number, value in enumerate(json_files.parse(text, self.path, list, "objects are needed"), 1):
            if not isinstance(value, dict):
                raise InputError(f"{self.path}: value {number} of the list is no object; objects are needed")
            yield value

    def _parquet_values(self):
        with self._readable():
            with self._library.ParquetFile(self.path) as file:
                for batch in file.iter_batches(_BATCH_ROWS):
                    for value in batch.to_pylist():
                        yield {key: _of_json(cell) for key, cell in value.items()}

    def _excel_rows(self):
        with self._readable():
            book = self._library.load_workbook(self.path, read_only=True, data_only=True)
            try:
                sheets = book.worksheets
                if len(sheets) > 1:
                    log.warning("%s: %d sheets; %s, the first one, is read", self.path, len(sheets), sheets[0].title)
                waiting, width = [], 0
                for number, values in enumerate(sheets[0].iter_rows(values_only=True), 1):
                    cells = [_of_excel(value) for value in values]
                    width = width or len(cells)
                    cells += [""] * (width - len(cells))
                    waiting.append(Row(cells, f"{self.path}:{number}", self.delimiter))
                    if any(cells):
                        yield from waiting
                        waiting = []
            finally:
                book.close()

    def _readable(self):
        return _Readable(self.path, self._kind)


class _Readable:
    """Turns what a library raises of a damaged file into an InputError."""

    def __init__(self, path, kind):
        self._path, self._kind = path, kind

    def __enter__(self):
        if not exists(self._path):
            raise missing_file(os.path.dirname(self._path) or ".", [os.path.basename(self._path)])

    def __exit__(self, kind, error, trace):
        if isinstance(error, Exception) and not isinstance(error, InputError):
            why = " ".join(str(error).split())[:120] or type(error).__name__
            raise InputError(
                f"{self._path}: no {self._kind} file that can be read ({why}); copy it again, or write it as CSV"
            ) from error


def _import(name, path):
    try:
        return importlib.import_module(name)
    except ImportError:
        library = name.partition(".")[0]
        raise InputError(
            f"{path}: {library} is needed to read it: pip install {library} (`make tables` in a clone); or write "
            "it as CSV, encoded in UTF-8"
        ) from None


def _of_json(value):
    """A value of parquet as JSON has it: dates and the like are text, NaN is nothing."""
    if isinstance(value, list):
        return [_of_json(one) for one in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value if value is None or isinstance(value, (str, int, float, dict)) else str(value)


def _of_excel(value):
    """A cell as Excel writes it into a CSV file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return str(value)
