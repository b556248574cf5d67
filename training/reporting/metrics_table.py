"""metrics.csv of a run: a row for each reported step, with all that was measured there. A continued run adds to it."""

import csv
import io
import logging
import os

from bertline.common import table_lines
from bertline.common.files import replace_file
from bertline.errors import InputError

NAME = "metrics.csv"


class MetricsTable:
    """The table on disk. A process that is killed leaves at most its last row unfinished, which the next one drops.

    Args:
      path: of the file, which may be there.
      last_step: rows of later steps are dropped, since a run that goes on from here makes these steps again; None: all
        are kept.
    """

    def __init__(self, path, last_step=None):
        self._path = path
        self._columns, rows = read(path)
        rows = [row for row in rows if last_step is None or row["step"] <= last_step]
        self._last, self._last_offset = None, 0
        if os.path.exists(path):
            self._rewrite(rows)

    def add(self, step, values):
        """Adds numbers to the row of a step, which is made where there is none.

        Args:
          values: name of a column -> float.

        Raises:
          InputError: the file cannot be written.
        """
        values = {name: f"{value:.9g}" for name, value in values.items()}
        new = [name for name in values if name not in self._columns]
        before_last = self._last is not None and step < self._last["step"]
        if new or before_last or self._last is None:
            self._columns += new
            _, rows = read(self._path)
            by_step = {row["step"]: row for row in rows}
            by_step[step] = {**by_step.get(step, {}), "step": step, **values}
            self._rewrite([by_step[one] for one in sorted(by_step)])
        else:
            same = step == self._last["step"]
            self._append({**(self._last if same else {}), "step": step, **values}, self._last_offset if same else None)

    def _append(self, row, offset):
        """Writes a row at an offset, at the end where it is None."""
        try:
            with open(self._path, "r+b") as file:
                self._last, self._last_offset = row, file.seek(0, os.SEEK_END) if offset is None else offset
                file.seek(self._last_offset)
                file.write(self._line(row))
                file.truncate()
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def _rewrite(self, rows):
        with replace_file(self._path) as unfinished, open(unfinished, "wb") as file:
            file.write((table_lines.line(self._columns, ",") + "\n").encode())
            for row in rows:
                self._last_offset = file.tell()
                file.write(self._line(row))
        self._last = rows[-1] if rows else None

    def _line(self, row):
        return (table_lines.line([row.get(name) for name in self._columns], ",") + "\n").encode()


def read(path):
    """(columns, rows) of a table: rows are dicts of step -> int and name -> str, without the cells that are empty.

    A row that is not whole is left out; of a file that is no such table nothing is taken, with a warning.
    """
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            text = file.read()
    except FileNotFoundError:
        return ["step"], []
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    header, *rows = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline=""))) or [[]]
    if header[:1] != ["step"]:
        logging.warning("%s is not what a run writes; it is begun anew", path)
        return ["step"], []
    whole = [row for row in rows if len(row) == len(header) and row[0].isdecimal()]
    return header, [
        {"step": int(row[0]), **{name: cell for name, cell in zip(header[1:], row[1:]) if cell}} for row in whole
    ]
