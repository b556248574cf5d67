"""Rows of cells as lines of text that csv, pandas, R and Excel read back as they were."""

# Formats of tables, by the endings of their files -> what separates cells.
TSV, CSV = "tsv", "csv"
DELIMITERS = {TSV: "\t", CSV: ","}
# A cell with one of these would end too early, or begin too late, for a reader. Python's own writer leaves a CR bare.
_SPECIAL = frozenset('"\r\n')


def line(cells, delimiter="\t"):
    """One row, without its line end: cells are quoted as RFC 4180 says where they need it, and only there.

    Args:
      cells: what has a str(); None is an empty cell.
      delimiter: one character.
    """
    return delimiter.join(_cell(cell, delimiter) for cell in cells)


def align(rows):
    """Rows of str as columns of a terminal: a text of lines, two spaces between columns."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def _cell(cell, delimiter):
    text = "" if cell is None else str(cell)
    if delimiter in text or not _SPECIAL.isdisjoint(text):
        return '"' + text.replace('"', '""') + '"'
    return text
