"""predictions.tsv and .csv read back: the rows of cells that were written, whatever characters they have."""

import csv
import sys

from bertline.errors import InputError


def read_cells(path, delimiter):
    """The rows of a table that `table_lines` wrote, header first: lists of str.

    Raises:
      InputError: it cannot be read, or a quotation mark is out of place.
    """
    limit = csv.field_size_limit(sys.maxsize)  # a document may be one cell
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.reader(file, delimiter=delimiter, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}; predict anew") from error
    finally:
        csv.field_size_limit(limit)
