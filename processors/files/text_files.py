"""Text files, read strictly and in bounded memory: what is wrong is named with file and line; nothing is guessed."""

import codecs
import contextlib
import gzip
import io
import logging
import os
import sys
import zlib

from bertline.errors import InputError
from bertline.processors.files import encodings
from bertline.processors.files.file_kinds import kind_of
from bertline.processors.files.folders import exists, is_remote, missing_file

log = logging.getLogger(__name__)

STANDARD_INPUT = "-"
_CHUNK_BYTES = 1 << 20
_LONGEST_LINE = 64 << 20  # characters
_GZIP = b"\x1f\x8b"
_START_BYTES = 8192  # that are looked into to know what a file is


class TextLines:
    """Iterates over the lines of a file as str, without line ends and byte order mark.

    Lines end at LF only: U+0085 or U+2028 inside a text is not a line end. A CR before it is part of the line end.

    Args:
      path: a local path, one with a scheme (gs://), or "-" for standard input; gzip is known by its first bytes.
      encoding: of the text, as Python calls it.
      flag: what chooses the encoding, for messages, as "--encoding"; None where it cannot be chosen.
      refuse_nul: whether NUL characters are an error, rather than part of the text.
      on_bytes: a function that is given the number of bytes of the file, as it is on disk, after each part of it.

    Raises (while it is iterated):
      InputError: the file is missing, cannot be read, is no text or not in `encoding`, has NUL characters or lines that
        end in CR alone or that memory should not hold. The message names file, line and offset, and what to do.
    """

    def __init__(self, path, encoding="utf-8", flag=None, refuse_nul=True, on_bytes=None):
        self.path, self._encoding, self._flag = os.fspath(path), encoding or "utf-8", flag
        self._refuse_nul, self._on_bytes = refuse_nul, on_bytes or (lambda count: None)
        encodings.check(self._encoding, flag)
        self._start = b""  # of the unpacked file
        self._lines = self._offset = 0  # before the bytes at hand

    def __iter__(self):
        self._lines = self._offset = 0
        decoder, mark, tail = None, "\ufeff", []
        for chunk in self._chunks():
            if decoder is None:
                self._check_start()
                decoder = codecs.getincrementaldecoder(self._codec())()
            text = self._decode(decoder, chunk)
            text, mark = text.removeprefix(mark), "" if text else mark
            cut = text.rfind("\n") + 1
            if cut:
                yield from _lines("".join([*tail, text[:cut]]))
                tail = []
            tail.append(text[cut:])
            self._check_length(tail)
        if decoder is not None:
            tail.append(self._decode(decoder, b"", final=True))
        last = "".join(tail)
        if not self._lines and "\r" in last.strip("\r"):
            raise InputError(f"{self.path}:1: lines end in CR alone; convert the file with `tr '\\r' '\\n'`")
        if last:
            yield last.removesuffix("\r")

    def _check_start(self):
        start = self._start
        kind = kind_of(start)
        if kind:
            raise InputError(f"{self.path}: {kind[0]}, text is needed; {kind[1]}")
        found, is_wide = encodings.wide_encoding(start), encodings.is_wide(self._encoding)
        if found and not is_wide:
            way = f"{self._flag}={found} reads it" if self._flag else f"convert it: `iconv -f {found} -t utf-8`"
            raise InputError(f"{self.path}:1: {found.upper()} text, not {self._encoding}; {way}")
        if start and is_wide and not found and b"\0" not in start and encodings.is_utf8(start):
            raise InputError(f"{self.path}:1: not {self._encoding} but UTF-8; name the encoding that the file has")
        doubt = encodings.doubt(start, self._encoding) if self._flag and not start.isascii() else None
        if doubt:
            read, name, better = doubt
            log.warning(
                "%s: read as %s, it has “%s”; %s=%s would read “%s”",
                self.path,
                self._encoding,
                read,
                self._flag,
                name,
                better,
            )

    def _codec(self):
        """The encoding with its order of bytes said, so that any part of the file can be read by itself."""
        start = self._start
        name = codecs.lookup(self._encoding).name
        if name not in ("utf-16", "utf-32"):
            return name
        order = {codecs.BOM_UTF16_LE: "le", codecs.BOM_UTF16_BE: "be", codecs.BOM_UTF32_BE[:2]: "be"}
        return f"{name}-{order.get(start[:2]) or encodings.byte_order(start)}"

    def _decode(self, decoder, chunk, final=False):
        try:
            text = decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise self._not_in_encoding(error, chunk) from None
        except UnicodeError as error:  # of a codec that does not say where
            raise InputError(f"{self.path}: not {self._encoding} ({error}); name the encoding that it has") from None
        if self._refuse_nul and "\0" in text:
            raise self._has_nul(text, chunk)
        self._lines, self._offset = self._lines + text.count("\n"), self._offset + len(chunk)
        return text

    def _not_in_encoding(self, error, chunk):
        # The decoder may have kept the first bytes of a character, which come before this chunk.
        data, start = error.object, error.start
        offset = self._offset + len(chunk) - len(data) + start
        line = self._lines + data[:start].decode(error.encoding, "ignore").count("\n") + 1
        advice = encodings.advice(data, start, self._encoding, self._flag)
        return InputError(
            f"{self.path}:{line}: byte 0x{data[start]:02x} at offset {offset} is not {self._encoding}; {advice}"
        )

    def _has_nul(self, text, chunk):
        line = self._lines + text.count("\n", 0, text.index("\0")) + 1
        at = "" if encodings.is_wide(self._encoding) else f" at offset {self._offset + chunk.index(0)}"
        return InputError(f"{self.path}:{line}: NUL byte{at}; plain text is needed (remove it: `tr -d '\\000'`)")

    def _check_length(self, tail):
        if sum(map(len, tail)) > _LONGEST_LINE:
            raise InputError(
                f"{self.path}:{self._lines + 1}: a line of more than {_LONGEST_LINE >> 20} Mi characters; break it "
                "into sentences or paragraphs, one a line"
            )

    def _chunks(self):
        """Yields the bytes of the file, unpacked."""
        try:
            with _open(self.path) as file:
                source = gzip.GzipFile(fileobj=file) if is_packed(file) else file
                self._start, position = source.peek(_START_BYTES)[:_START_BYTES], 0
                chunk = None
                while chunk != b"":
                    chunk = source.read1(_CHUNK_BYTES)
                    now = file.tell() if file.seekable() else position + len(chunk)
                    self._on_bytes(now - position)
                    position = now
                    yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(f"{self.path}: broken gzip data ({error}); fetch or pack the file anew") from error
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be read ({error.strerror or error}); a readable file is needed"
            ) from error


def _lines(text):
    """The lines of a text that ends in LF."""
    lines = text.replace("\r\n", "\n").split("\n")
    lines.pop()
    return lines


def is_packed(file):
    """Whether a buffered binary file, at its beginning, is gzip."""
    return file.peek(2).startswith(_GZIP)


@contextlib.contextmanager
def _open(path):
    """A buffered binary file."""
    if path == STANDARD_INPUT:
        with open(sys.stdin.fileno(), "rb", closefd=False) as file:
            yield file
        return
    if not exists(path):
        raise missing_file(os.path.dirname(path) or ".", [os.path.basename(path)])
    if not is_remote(path):
        with open(path, "rb") as file:
            yield file
        return
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            yield io.BufferedReader(_Raw(file), _CHUNK_BYTES)
    except tf.errors.OpError as error:
        raise InputError(f"{path}: cannot be read: {error.message.splitlines()[0]}") from None


def read_lines(path, encoding="utf-8", flag=None):
    """The lines of a text file, a list of str; empty ones at the end are dropped.

    Raises:
      InputError: see `TextLines`; or the file is empty.
    """
    return list(iterate_lines(path, encoding, flag))


def iterate_lines(path, encoding="utf-8", flag=None):
    """The same, one after the other."""
    waiting, is_empty = [], True
    for line in TextLines(path, encoding, flag):
        waiting.append(line)
        if line.strip():
            yield from waiting
            waiting, is_empty = [], False
    if is_empty:
        raise InputError(f"{os.fspath(path)}: the file is empty; rows of text are needed")


class _Raw(io.RawIOBase):
    """A file of TensorFlow's as the raw file that Python's buffer wants."""

    def __init__(self, file):
        self._file = file

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
