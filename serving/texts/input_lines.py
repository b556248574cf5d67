"""Texts, or pairs of texts, from the lines of a file or of standard input, or from the rows of a table, one by one.

Source: google-research/bert `extract_features.py:read_examples`.
"""

import itertools
import logging
import re

from bertline.errors import InputError
from bertline.processors.files import encodings
from bertline.processors.files.text_files import STANDARD_INPUT, TextLines, is_packed
from bertline.processors.tables.columns import Columns
from bertline.processors.tables.table_files import TableFile, ending_of, is_table
from bertline.processors.tables.table_processor import check_widths

_PAIR = re.compile(r"^(.*) \|\|\| (.*)$")


def text_or_pair(line):
    """A line -> a text, or (text_a, text_b) of a line `text_a ||| text_b`."""
    found = _PAIR.match(line)
    return found.groups() if found else line


def read_texts(run):
    """Yields (text or pair of texts, the line that it is) of --input_file: of each line, or of each row of a table.

    Args:
      run: ExtractionSettings.

    Raises:
      InputError: see `bertline.processors.files.text_files.TextLines`,
        `bertline.processors.tables.table_files.TableFile` and `bertline.processors.tables.columns`.
    """
    if not reads_table(run):
        return ((text_or_pair(line), line) for line in strip_lines(run.input_file, run.encoding))
    return ((text, text if isinstance(text, str) else " ||| ".join(text)) for text in _rows(run))


def reads_table(run):
    """Whether the settings name a column."""
    return run.text_a_column is not None or run.text_b_column is not None


def check(run):
    """Raises InputError for settings of tables that do not fit the file; warns of tables that are read as lines."""
    if reads_table(run):
        TableFile(run.input_file, run.delimiter, run.quoting, run.encoding)
        return
    given = [name for name in ("has_header", "delimiter") if getattr(run, name) is not None]
    if given or run.quoting != "auto":
        name = (given or ["quoting"])[0]
        raise InputError(f"--{name} is for tables: --text_a_column names the column to read")
    ending = ending_of(run.input_file)
    if ending in (".parquet", ".xlsx"):
        raise InputError(f"{run.input_file}: a table: --text_a_column names the column to read")
    if is_table(run.input_file):
        logging.warning(
            "%s: each line is taken for a text, whatever its columns; --text_a_column=NAME (and --text_b_column) reads "
            "the file as a table",
            run.input_file,
        )


def _rows(run):
    """Yields the text, or pair of texts, of each row of a table."""
    table = TableFile(run.input_file, run.delimiter, run.quoting, run.encoding)
    columns = Columns({"text_a": run.text_a_column, "text_b": run.text_b_column}, run.has_header)
    header, rows = table.keys(), table.rows()
    if table.may_be_quoted and run.input_file != STANDARD_INPUT and table.are_in_quotes():
        raise table.quotes_error()
    first = next(rows, None)
    if first is None:
        raise InputError(f"{run.input_file}: no rows; at least one is needed")
    if not table.has_keys and columns.has_header(first):
        header, first = first, None
    found = columns.find(header, header or first)
    for row in rows if first is None else itertools.chain([first], rows):
        check_widths(header or first, [row], bool(header))
        texts = [_text(row, part, at, columns) for part, at in found.items()]
        yield texts[0] if len(texts) == 1 else tuple(texts)


def _text(row, part, at, columns):
    cell = row.column(at, columns.name_in_messages(part, at))
    if cell is None or cell != cell:  # NaN, which JSON may have
        raise InputError(f"{row.source}: no {columns.name_in_messages(part, at)}; a text is needed")
    return str(cell).strip()


def strip_lines(path, encoding="utf-8"):
    """Iterates over the lines (str) of a file, without white space at either end; an empty line is a text too.

    Raises:
      InputError: see `bertline.processors.files.text_files.TextLines`.
    """
    return map(str.strip, TextLines(path, encoding, "--encoding", refuse_nul=False))


def count_texts(run):
    """How many lines a plain file has; None where that cannot be known beforehand, as of tables."""
    if run.input_file == STANDARD_INPUT or encodings.is_wide(run.encoding) or reads_table(run):
        return None
    count, last = 0, b"\n"
    with open(run.input_file, "rb") as file:
        if is_packed(file):
            return None
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")
