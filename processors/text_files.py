"""Reads text files strictly: what is wrong is named with file and line; nothing is guessed or skipped."""

import csv
import difflib
import os

from errors import InputError

# csv refuses longer fields by default at 131072 characters; a document in one cell may be longer.
_LONGEST_CELL = 1 << 27
_BOM = b"\xef\xbb\xbf"
_SEPARATED = {"\t": "tab-separated", ",": "comma-separated"}


class AbsentError(InputError):
    """A file that is needed is not there, or a task has no such split."""


class ColumnError(InputError, IndexError):
    """A line without a column that is needed. An IndexError too, as from the plain lists of the original."""


class Row(list):
    """The cells of one line, str. `row[3]` beyond the last cell is a `ColumnError` that names file and line.

    Attributes:
      source: where the row starts, as `train.tsv:17`.
      delimiter: what separated the cells.
    """

    __slots__ = ("source", "delimiter")

    def __init__(self, cells, source, delimiter="\t"):
        super().__init__(cells)
        self.source = source
        self.delimiter = delimiter

    def __getitem__(self, index):
        return super().__getitem__(index) if isinstance(index, slice) else self.column(index)

    def column(self, index, name=None):
        """The cell at `index` (from 0; negative from the end); `name` is what the error calls it."""
        try:
            return super().__getitem__(index)
        except IndexError:
            number = index + 1 if index >= 0 else index
            wanted = f"column {number} ({name})" if name else f"column {number}"
            if not self:
                raise ColumnError(f"{self.source}: empty line, {wanted} is needed; remove the line") from None
            kind = _SEPARATED.get(self.delimiter, f"separated by {self.delimiter!r}")
            raise ColumnError(f"{self.source}: {len(self)} columns, {wanted} is needed; is the file {kind}?") from None


def is_remote(path):
    """Whether the path has a scheme (gs://bucket/file), which TensorFlow's file systems read."""
    return "://" in os.fspath(path)


def list_files(folder):
    """The names of the files in a folder, sorted; [] where there is no such folder."""
    if is_remote(folder):
        import tensorflow as tf

        return sorted(tf.io.gfile.listdir(folder)) if tf.io.gfile.isdir(folder) else []
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def exists(path):
    """Whether there is a file or folder at a local or remote path."""
    if is_remote(path):
        import tensorflow as tf

        return tf.io.gfile.exists(path)
    return os.path.exists(path)


def missing_file(folder, names):
    """The AbsentError for a folder in which none of the files `names` is there, with the nearest name."""
    wanted = " or ".join(names)
    if not exists(folder):
        return AbsentError(f"{os.path.join(folder, names[0])}: there is no folder {folder}; mend the path")
    found = list_files(folder)
    near = [match for name in names for match in difflib.get_close_matches(name, found, n=1)]
    there = f"did you mean {near[0]}?" if near else f"files found there: {', '.join(found[:8]) or 'none'}"
    return AbsentError(f"{os.path.join(folder, names[0])}: no such file ({wanted} is needed); {there}")


def find_file(folder, *names):
    """The path of the first of `names` that is in the folder.

    Raises:
      AbsentError: none of them is there.
    """
    for name in names:
        if exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    raise missing_file(folder, names)


def _read_bytes(path):
    if not exists(path):
        raise missing_file(os.path.dirname(path) or ".", [os.path.basename(path)])
    if is_remote(path):
        import tensorflow as tf

        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a readable file is needed") from error


def read_lines(path, encoding="utf-8"):
    """The lines of a text file, without line ends; a byte order mark, CRLF and empty lines at the end are dropped.

    Lines end at LF only: U+0085 or U+2028 inside a text is not a line end.

    Raises:
      InputError: the file is missing, empty, has NUL bytes or is not in `encoding`.
    """
    path = os.fspath(path)
    data = _read_bytes(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path}:1: UTF-16 text; convert it with `iconv -f utf-16 -t utf-8`")
    bom = len(_BOM) if data.startswith(_BOM) else 0
    if (nul := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, nul) + 1
        raise InputError(f"{path}:{line}: NUL byte at offset {nul}; plain text is needed (remove it: `tr -d '\\000'`)")
    try:
        text = data[bom:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = error.start + bom
        line = data.count(b"\n", 0, offset) + 1
        raise InputError(
            f"{path}:{line}: byte 0x{data[offset]:02x} at offset {offset} is not "
            f"{encoding}; convert the file, if it is Latin-1 with `iconv -f latin1 -t utf-8`"
        ) from None
    except LookupError:
        raise InputError(f"{path}: unknown encoding {encoding!r}; name one that Python knows, as utf-8") from None
    if "\r" in text and "\n" not in text:
        raise InputError(f"{path}:1: lines end in CR alone; convert the file with `tr '\\r' '\\n'`")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"{path}: the file is empty; rows of text are needed")
    return lines


def read_rows(path, delimiter="\t", quotechar=None, encoding="utf-8"):
    """The rows of a table in a text file, the header included.

    Args:
      path: a local path, or one with a scheme (gs://).
      delimiter: what separates the cells.
      quotechar: what encloses a cell that has delimiters or line ends in it; None: quotes are text, a line is a row.
      encoding: of the file.

    Returns:
      A list of `Row`; an empty line is an empty row.

    Raises:
      InputError: as `read_lines`, or a quotation mark out of place.
    """
    lines = read_lines(path, encoding)
    if quotechar is None:
        return [
            Row(line.split(delimiter) if line else [], f"{path}:{number}", delimiter)
            for number, line in enumerate(lines, 1)
        ]
    rows, number = [], 1
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, quotechar=quotechar, strict=True)
        for cells in reader:
            rows.append(Row(cells, f"{path}:{number}", delimiter))
            number = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{number}: {error}; close the {quotechar} or switch quoting off") from None
    finally:
        csv.field_size_limit(limit)
    return rows
