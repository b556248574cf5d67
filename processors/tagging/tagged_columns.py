"""Words in columns, one a line, with a tag: CoNLL's files of 2000, 2002 and 2003, WNUT's, a character a line."""

import dataclasses
import logging

from bertline.errors import InputError
from bertline.processors.base import TaggedWords
from bertline.processors.files.text_files import iterate_lines

DOCUMENT = "-DOCSTART-"  # the first column of a line that begins a document
MOST_WORDS = 300  # of a sentence that is alone in its file and not wondered at


@dataclasses.dataclass(frozen=True)
class ColumnFile:
    """Columns are separated by tabs, or by blanks where there is none; an empty line ends a sentence.

    Attributes:
      path, encoding: of the file.
      split: "train", "dev" or "test"; lines of test may be words alone.
      word_column, tag_column: numbers of columns, from 0; negative ones from the end.
    """

    path: str
    encoding: str
    split: str
    word_column: int = 0
    tag_column: int = -1

    def documents(self):
        """list of lists of TaggedWords. Raises InputError that names file and line."""
        found, count = [[]], 0
        for first, rows, begins_document in self._blocks():
            if begins_document and found[-1]:
                found.append([])
            if rows:
                count += 1
                found[-1].append(self._sentence(f"{self.split}-{count}", first, rows))
        if count == 1 and len(found[-1][0].words) > MOST_WORDS:
            logging.warning(
                "%s: its %d lines are one sentence; a word a line, and an empty line between sentences, are needed",
                self.path,
                len(found[-1][0].words),
            )
        return found

    def _blocks(self):
        """Yields (number of the first line, (line's number, cells) of each word, whether a document begins with it)."""
        rows, begins = [], False
        for number, line in enumerate(iterate_lines(self.path, self.encoding, "--encoding"), 1):
            cells = line.split("\t") if "\t" in line else line.split()
            if any(cells) and cells[0] != DOCUMENT:
                rows.append((number, cells))
                continue
            if rows:
                yield rows[0][0], rows, begins
                rows, begins = [], False
            begins |= bool(cells) and cells[0] == DOCUMENT
        if rows:
            yield rows[0][0], rows, begins

    def _sentence(self, guid, first, rows):
        words = tuple(self._cell(cells, self.word_column, number, "word") for number, cells in rows)
        tags = [self._tag(cells, number) for number, cells in rows]
        source = f"{self.path}:{first}"
        if all(tag is None for tag in tags):
            return TaggedWords(guid, words, None, source)
        if None in tags:
            number = rows[tags.index(None)][0]
            raise InputError(f"{self.path}:{number}: no tag, but other words of the sentence have one")
        return TaggedWords(guid, words, tuple(tags), source)

    def _tag(self, cells, number):
        if self.split == "test" and len(cells) == 1:
            return None
        return self._cell(cells, self.tag_column, number, "tag", least=2)

    def _cell(self, cells, column, number, what, least=1):
        try:
            cell = cells[column].strip() if len(cells) >= least else ""
        except IndexError:
            cell = ""
        if not cell:
            raise InputError(
                f"{self.path}:{number}: no {what} in {len(cells)} column(s); --{what}_column={column} is read; a word "
                "and a tag are needed in each line"
            )
        return cell
