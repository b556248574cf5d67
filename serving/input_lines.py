"""Lines of text, or of pairs of texts, from a file or from standard input, one after the other.

Source: google-research/bert `extract_features.py:read_examples`.
"""

import gzip
import re
import sys

from errors import InputError

_PAIR = re.compile(r"^(.*) \|\|\| (.*)$")
STANDARD_INPUT = "-"


def text_or_pair(line):
    """A line -> a text, or (text_a, text_b) of a line `text_a ||| text_b`."""
    found = _PAIR.match(line)
    return found.groups() if found else line


def read_lines(path):
    """Yields the lines (str) of a file, without white space at either end; an empty line is a text like any other.

    Raises:
      InputError: the file cannot be read, or a line is not UTF-8.
    """
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, 1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                try:
                    yield line.decode("utf-8").strip()
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{path}:{number}: byte 0x{line[error.start]:02x} at offset {error.start} of the line is not "
                        "UTF-8; convert the file, if it is Latin-1 with `iconv -f latin1 -t utf-8`"
                    ) from None
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def count_lines(path):
    """How many lines a plain file has; None where that cannot be known beforehand."""
    if path == STANDARD_INPUT or path.endswith(".gz"):
        return None
    count, last = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")


def _opened(path):
    if path == STANDARD_INPUT:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
