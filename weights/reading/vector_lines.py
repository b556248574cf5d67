"""Text files of word vectors: a word and its numbers in each line.

Source: word2vec's `distance.c` and fastText's .vec have a first line with the numbers of words and of columns, which
GloVe's files lack (https://nlp.stanford.edu/projects/glove/).
"""

import itertools
import logging
import re
import warnings

import numpy as np

from bertline.errors import InputError
from bertline.processors.files.text_files import TextLines

_LINES_AT_ONCE = 4096
_LARGEST = float(np.finfo(np.float32).max)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)  # float() takes 1_000 too
_HEADER = re.compile(r"\s*(\d+)\s+(\d+)\s*")
_SPACES = re.compile(r"[ \t]+")  # no others: U+00A0 and U+0085 are parts of words


def read_vectors(path):
    """Reads a file in one pass; beside the result it needs room for some thousand lines.

    Args:
      path: of the text, which may be gzip.

    Returns:
      (words, list of V str; table, float32 [V, W]). Of a word that comes again the first line is kept, and said.

    Raises:
      InputError: no text, another number of columns, what is no finite number, or another number of lines than the
        header says; the message has file and line.
    """
    lines = enumerate(TextLines(path), 1)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise InputError(f"{path}: the file is empty; a word and its numbers in each line are needed")
    header = _HEADER.fullmatch(first[1])
    said, width = map(int, header.groups()) if header else (None, _width(path, *first))
    reading = _Reading(path, width)
    lines = lines if header else itertools.chain([first], lines)
    while chunk := list(itertools.islice(lines, _LINES_AT_ONCE)):
        reading.add(chunk)
    if said is not None and said != reading.lines:
        raise InputError(
            f"{path}:1: the header says {said} words, {reading.lines} follow; is the file whole? Fetch it again"
        )
    return reading.result()


def _width(path, number, line):
    """How many numbers the first line has behind its word."""
    fields = _SPACES.split(line.strip(" \t"))
    width = next((at for at, field in enumerate(reversed(fields)) if not _is_number(field)), len(fields) - 1)
    # A word may be a number itself.
    width = max(width, len(fields) - 1) if all(map(_is_number, fields[1:])) else width
    if width < 1:
        raise InputError(f"{path}:{number}: {_show(line)} has no numbers; a word and its numbers are needed")
    return width


def _is_number(field):
    try:
        float(field)
    except ValueError:
        return False
    return True


class _Reading:
    """Lines that become a table, which grows in place."""

    def __init__(self, path, width):
        self._path, self._width = path, width
        self._table = np.empty([_LINES_AT_ONCE, width], np.float32)
        self._rows, self._again = {}, []  # word -> row; (word, line) of those that come again
        self.lines = 0

    def add(self, chunk):
        """chunk: list of (line number, line)."""
        chunk = [(number, *self._split(number, line)) for number, line in chunk if line.strip(" \t")]
        values = self._numbers(chunk)
        self.lines += len(chunk)
        new = []
        for at, (number, word, _) in enumerate(chunk):
            if word in self._rows:
                self._again.append((word, number))
            else:
                self._rows[word] = len(self._rows)
                new.append(at)
        count = len(self._rows)
        if count > len(self._table):
            # In place, so that the table is never there twice.
            self._table.resize([max(count, len(self._table) * 3 // 2), self._width], refcheck=False)
        self._table[count - len(new) : count] = values[new]

    def result(self):
        if self._again:
            some = ", ".join(f"{word!r} in line {number}" for word, number in self._again[:3])
            logging.warning(
                "%s: %d lines have a word that was there before (%s); the first one counts",
                self._path,
                len(self._again),
                some,
            )
        if not self._rows:
            raise InputError(f"{self._path}: no words in it; a word and its numbers in each line are needed")
        self._table.resize([len(self._rows), self._width], refcheck=False)
        return list(self._rows), self._table

    def _split(self, number, line):
        """(word, its numbers with single spaces between)."""
        word, _, numbers = line.rstrip(" ").partition(" ")
        if word and numbers.count(" ") == self._width - 1 and "\t" not in line:
            return word, numbers
        fields = _SPACES.split(line.strip(" \t"))
        if len(fields) <= self._width:
            raise InputError(
                f"{self._path}:{number}: {_show(line)} has {len(fields) - 1} numbers, the others have {self._width}; "
                "is the line whole? Fetch the file again"
            )
        # GloVe's largest tables have words with spaces.
        return " ".join(fields[: -self._width]), " ".join(fields[-self._width :])

    def _numbers(self, chunk):
        """float32 [lines, W]."""
        text = " ".join(numbers for _, _, numbers in chunk)
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)  # what fromstring says of what is no number
            try:
                values = np.fromstring(text, np.float32, sep=" ")
            except (DeprecationWarning, ValueError):
                values = np.empty(0, np.float32)
        if len(values) != len(chunk) * self._width or not np.isfinite(values).all():
            for number, word, numbers in chunk:
                self._check(number, word, numbers)
        return values.reshape(len(chunk), self._width)

    def _check(self, number, word, numbers):
        for field in numbers.split(" "):
            if not _DECIMAL.fullmatch(field) or not abs(float(field)) <= _LARGEST:
                raise InputError(
                    f"{self._path}:{number}: {field[:40]!r} behind the word {word[:40]!r} is no finite number; "
                    f"{self._width} numbers are needed"
                )


def _show(line):
    return repr(line if len(line) <= 40 else line[:40] + "...")
