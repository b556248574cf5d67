"""Text files of any size, plain or gzip, line by line; what is wrong is named with file and line."""

import contextlib
import glob
import gzip
import io
import os
import zlib

from errors import InputError
from processors import text_files

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_LONGEST_PART = 1 << 20  # bytes: a corpus may be a single line


def find_files(patterns):
    """The files that a comma-separated list of names and patterns (`*`, `?`, `[a-z]`, `**`) stands for, each once.

    Raises:
      InputError: a name is no file, or a pattern fits none.
    """
    found = {}
    for pattern in filter(None, (part.strip() for part in patterns.split(","))):
        found |= dict.fromkeys(_matches(pattern))
    if not found:
        raise InputError(f"no file in {patterns!r}; give names or patterns, separated by commas")
    return list(found)


def _matches(pattern):
    if text_files.is_remote(pattern):
        import tensorflow as tf

        paths = sorted(tf.io.gfile.glob(pattern))
    elif os.path.isdir(pattern):
        raise InputError(f"{pattern}: a folder; name files, as {os.path.join(pattern, '*.txt')}")
    elif os.path.exists(pattern):
        return [pattern]
    else:
        paths = sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    if not paths and not glob.has_magic(pattern):
        raise text_files.missing_file(os.path.dirname(pattern) or ".", [os.path.basename(pattern)])
    if not paths:
        raise InputError(f"{pattern}: no file fits this pattern")
    return paths


def read_lines(path):
    """Yields the lines of a file, str without line ends; empty lines too.

    A line of more than a mebibyte comes in several parts, cut at white space where it has any. Lines end at LF; a byte
    order mark and the CR of CRLF are dropped. A file that begins as gzip does is unpacked, whatever its name.

    Raises:
      InputError: the file cannot be read, is damaged, has NUL bytes or is not UTF-8; the message has file and line.
    """
    number, carried = 1, b""
    try:
        with _opened(path) as file:
            while part := file.readline(_LONGEST_PART):
                ends = part.endswith(b"\n")
                part = carried + part
                if number == 1 and not carried:
                    part = _without_mark(path, part)
                part, carried = (part, b"") if ends else _cut(part)
                yield _decoded(path, number, part)
                number += ends
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}:{number}: cannot be read ({reason}); copy or unpack it again") from error
    if carried:
        yield _decoded(path, number, carried)


@contextlib.contextmanager
def _opened(path):
    if text_files.is_remote(path):
        import tensorflow as tf

        opened = io.BufferedReader(_Remote(tf.io.gfile.GFile(path, "rb")))
    else:
        opened = open(path, "rb")
    with opened as raw:
        if raw.peek(len(_GZIP)).startswith(_GZIP):
            with gzip.open(raw) as unpacked:
                yield unpacked
        else:
            yield raw


class _Remote(io.RawIOBase):
    """A file of TensorFlow's file systems, with the interface of Python's."""

    def __init__(self, file):
        self._file = file

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _without_mark(path, part):
    if part.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path}:1: UTF-16 text; convert it with `iconv -f utf-16 -t utf-8`")
    return part.removeprefix(_BOM)


def _cut(part):
    """A part without a line end -> (what can be decoded now, what must wait for the next part)."""
    if len(part) < _LONGEST_PART:
        return part, b""  # the end of the file
    cut = max(part.rfind(b" "), part.rfind(b"\t")) + 1
    if not cut:  # no white space: at the first byte of the last character
        cut = len(part) - 1
        while cut > len(part) - 4 and part[cut] & 0xC0 == 0x80:
            cut -= 1
    return part[:cut], part[cut:]


def _decoded(path, number, line):
    if b"\0" in line:
        raise InputError(f"{path}:{number}: NUL byte; plain text is needed (remove it: `tr -d '\\000'`)")
    try:
        return line.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}:{number}: byte 0x{line[error.start]:02x} at column {error.start + 1} is not UTF-8; convert the "
            "file, if it is Latin-1 with `iconv -f latin1 -t utf-8`"
        ) from None
