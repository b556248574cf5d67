"""The rows of tables in text files: cells that know the line that they come from."""

import csv

from bertline.errors import InputError
from bertline.processors.files.text_files import iterate_lines

# csv refuses longer fields by default at 131072 characters; a document in one cell may be longer.
_LONGEST_CELL = 1 << 27
_SEPARATED = {"\t": "tab-separated", ",": "comma-separated"}


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
    return list(iterate_rows(path, delimiter, quotechar, encoding))


def iterate_rows(path, delimiter="\t", quotechar=None, encoding="utf-8"):
    """The same, one after the other."""
    lines = iterate_lines(path, encoding, "--encoding")
    if quotechar is None:
        for number, line in enumerate(lines, 1):
            yield Row(line.split(delimiter) if line else [], f"{path}:{number}", delimiter)
        return
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, quotechar=quotechar, strict=True)
    number, limit = 1, csv.field_size_limit()
    while True:
        csv.field_size_limit(_LONGEST_CELL)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}:{number}: {error}; close the {quotechar}, or say --quoting=none") from None
        finally:
            csv.field_size_limit(limit)
        if cells is None:
            return
        yield Row(cells, f"{path}:{number}", delimiter)
        number = reader.line_num + 1
