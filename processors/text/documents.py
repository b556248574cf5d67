"""A corpus as a stream of documents, each a list of sentences; memory does not grow with the corpus."""

import dataclasses
import logging

from bertline.errors import InputError
from bertline.processors.files.text_files import TextLines

# Documents are gathered into blocks of at least so many bytes of text; one of more than half of it is cut.
BLOCK_BYTES = 2 << 20
# A random next sentence comes from another document of the same block, so a block has several, as long as this many
# times the bytes suffice.
DOCUMENTS_IN_BLOCK, MOST_BLOCKS_BYTES = 4, 4
UNITS = ("blank_line", "blank_line_or_file", "file", "line")


class Corpus:
    """Text files, read as documents.

    Args:
      files: paths; gzip is known by its first bytes, whatever the name.
      unit: what ends a document: "blank_line", as in the original, which goes on in the next file where there is none;
        "blank_line_or_file", the end of the file too; "file", nothing else; "line", each line.
      split: paragraph's lines (list of str) -> sentences, where lines are not sentences; None: a line is a sentence.
      columns: where each line is a document of tab-separated sentences: how many it may have, ints; None: elsewhere.
      encoding: of the files.

    Attributes:
      bytes_read: int, of the files as they are on disk, for those who show progress.
      nul_bytes: int, how many NUL bytes were dropped.
    """

    def __init__(self, files, unit="blank_line", split=None, columns=None, encoding="utf-8"):
        self.files, self.unit, self.bytes_read, self.nul_bytes = files, unit, 0, 0
        self._split, self._columns, self._encoding, self._has_said_cut = split, columns, encoding, False

    def documents(self):
        """Yields (number of the document, list of sentences), neither of them empty.

        A document of more than half a block is cut at the end of a sentence, into parts of the same number; the log
        says so, once.
        """
        number, sentences, size = 0, [], 0
        for path, sentence in self._all_sentences():
            if sentence is None:
                if sentences:
                    yield number, sentences
                sentences, size, number = [], 0, number + 1
                continue
            sentences.append(sentence)
            size += num_bytes(sentence)
            if size >= BLOCK_BYTES // 2:
                self._say_cut(path)
                yield number, sentences
                sentences, size = [], 0
        if sentences:
            yield number, sentences

    def _all_sentences(self):
        """Yields (file, sentence), and (file, None) where a document ends."""
        for path in self.files:
            for sentence in self._sentences(path):
                yield path, sentence
            if self.unit in ("file", "blank_line_or_file"):
                yield path, None

    def _say_cut(self, path):
        if not self._has_said_cut:
            self._has_said_cut = True
            logging.info(
                "%s: a document of more than %d KiB; such ones are cut at the end of a sentence, to keep memory small",
                path,
                BLOCK_BYTES >> 11,
            )

    def _sentences(self, path):
        """Yields sentences, and None where a document ends."""
        if self._columns is not None:
            yield from self._cells(path)
            return
        lines = (line.strip() for line in self.lines(path))
        if self._split is not None:
            yield from self._split_paragraphs(lines)
        elif self.unit == "line":
            for line in lines:
                if line:
                    yield line
                    yield None
        elif self.unit == "file":
            yield from filter(None, lines)
        else:
            for line in lines:
                yield line or None

    def _cells(self, path):
        for number, line in enumerate(self.lines(path), 1):
            cells = [cell.strip() for cell in line.rstrip().split("\t")]
            if not any(cells):
                continue
            if len(cells) not in self._columns or not all(cells):
                blank = f", column {cells.index('') + 1} blank" if "" in cells else ""
                raise InputError(
                    f"{path}:{number}: {len(cells)} tab-separated column(s){blank}; "
                    f"{' or '.join(map(str, self._columns))} with text are needed"
                )
            yield from cells
            yield None

    def _split_paragraphs(self, lines):
        for paragraph in _paragraphs(lines, self.unit):
            yield from self._split(paragraph) if paragraph is not None else (None,)

    def lines(self, path):
        """Yields the lines of a file as str, without line ends; see `bertline.processors.files.text_files.TextLines`.

        NUL bytes are dropped, as the original's tokenizer does, and so are lines of nothing else: they are not blank.

        Raises:
          InputError: the file cannot be read, is not in the encoding, or has a line that memory should not hold.
        """
        lines = TextLines(path, self._encoding, "--encoding", refuse_nul=False, on_bytes=self._count_bytes)
        for number, line in enumerate(lines, 1):
            if "\0" not in line:
                yield line
                continue
            if not self.nul_bytes:
                logging.warning("%s:%d: a NUL byte; they are dropped", path, number)
            self.nul_bytes += line.count("\0")
            rest = line.replace("\0", "")
            if rest.strip():
                yield rest

    def _count_bytes(self, count):
        self.bytes_read += count


def _paragraphs(lines, unit):
    """Yields the lines of each paragraph, and None where a document ends."""
    paragraph, size = [], 0
    for line in lines:
        if line:
            paragraph.append(line)
            size += len(line)
        if paragraph and (not line or unit == "line" or size >= BLOCK_BYTES // 2):
            yield paragraph
            paragraph, size = [], 0
        if unit == "line" or (not line and unit.startswith("blank_line")):
            yield None
    if paragraph:
        yield paragraph


def num_bytes(text):
    """The length of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


@dataclasses.dataclass(frozen=True)
class TextBlock:
    """Consecutive documents or parts of them, the unit of work.

    Attributes:
      number: int, from 0.
      documents: list of documents, each a list of sentences (str).
      origins: list of int, which document of the corpus each of them is, or is a part of; ascending.
    """

    number: int
    documents: list
    origins: list


def blocks(documents):
    """Yields TextBlocks of at least `BLOCK_BYTES` and several documents, but for a corpus that has less.

    A last block that would be smaller joins the one before, so that no few documents are left among themselves.

    Args:
      documents: (number, list of sentences) of each, see Corpus.documents.
    """
    ready, waiting, size, different, number = [], [], 0, 0, 0
    for origin, document in documents:
        different += not waiting or waiting[-1][0] != origin
        waiting.append((origin, document))
        size += sum(map(num_bytes, document))
        if size >= BLOCK_BYTES * (1 if different >= DOCUMENTS_IN_BLOCK else MOST_BLOCKS_BYTES):
            if ready:
                yield _block(number, ready)
                number += 1
            ready, waiting, size, different = waiting, [], 0, 0
    if ready or waiting:
        yield _block(number, ready + waiting)


def _block(number, documents):
    origins, sentences = zip(*documents)
    return TextBlock(number, list(sentences), list(origins))
