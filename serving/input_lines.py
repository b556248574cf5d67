"""Lines of text, or of pairs of texts, from a file or from standard input, one after the other.

Source: google-research/bert `extract_features.py:read_examples`.
"""

import re

from processors import encodings
from processors.text_files import STANDARD_INPUT, TextLines, is_packed

_PAIR = re.compile(r"^(.*) \|\|\| (.*)$")


def text_or_pair(line):
    """A line -> a text, or (text_a, text_b) of a line `text_a ||| text_b`."""
    found = _PAIR.match(line)
    return found.groups() if found else line


def read_lines(path, encoding="utf-8"):
    """Iterates over the lines (str) of a file, without white space at either end; an empty line is a text too.

    Raises:
      InputError: see `processors.text_files.TextLines`.
    """
    return map(str.strip, TextLines(path, encoding, "--encoding", refuse_nul=False))


def count_lines(path, encoding="utf-8"):
    """How many lines a plain file has; None where that cannot be known beforehand."""
    if path == STANDARD_INPUT or encodings.is_wide(encoding):
        return None
    count, last = 0, b"\n"
    with open(path, "rb") as file:
        if is_packed(file):
            return None
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")
