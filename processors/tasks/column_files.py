"""Words in columns, one a line, with a tag: CoNLL's files of named entities, chunks and parts of speech."""

import logging
import os

import registry
from errors import InputError
from options import Option
from processors.base import DataProcessor, TaggedWords
from processors.folders import find_file, is_remote
from processors.label_cells import natural_order
from processors.text_files import iterate_lines

# Usual names of each split's file.
NAMES = {
    "train": ("train.txt", "train.conll", "train.tsv", "eng.train"),
    "dev": ("dev.txt", "dev.conll", "dev.tsv", "valid.txt", "eng.testa"),
    "test": ("test.txt", "test.conll", "test.tsv", "eng.testb"),
}
DOCUMENT = "-DOCSTART-"  # the first column of a line that begins a document
OUTSIDE = "O"
MOST_WORDS = 300  # of a sentence that is alone in its file and not wondered at


@registry.register("processor", "conll")
class ColumnFilesProcessor(DataProcessor):
    """A word a line, an empty line between sentences; columns are separated by tabs, or by blanks where there is none.

    Args:
      train_file, dev_file, test_file: paths, relative ones below `data_dir`; default: `NAMES`.
      word_column, tag_column: numbers of columns, from 0; negative ones from the end.
      label_list: the tags in the order of their ids, or one str with commas between them; None: those of the training
        data.
    """

    problem_type = "tags"
    options = {
        "train_file": Option(
            None, "The training file; default train.*.", shapes_weights=False, holds="path", as_trained=False
        ),
        "dev_file": Option(
            None, "The file to evaluate on; default dev.*.", shapes_weights=False, holds="path", as_trained=False
        ),
        "test_file": Option(
            None, "The file to predict; default test.*.", shapes_weights=False, holds="path", as_trained=False
        ),
        "word_column": Option(0, "Number of the words' column, from 0.", shapes_weights=False),
        "tag_column": Option(-1, "Number of the tags' column; -1 is the last one.", shapes_weights=False),
        "label_list": Option(
            None, "The labels, comma-separated; by default those found.", shapes_weights=False, as_trained=False
        ),
    }

    def __init__(
        self, *, train_file=None, dev_file=None, test_file=None, word_column=0, tag_column=-1, label_list=None
    ):
        self.files = {"train": train_file, "dev": dev_file, "test": test_file}
        self.word_column, self.tag_column = word_column, tag_column
        names = label_list.split(",") if isinstance(label_list, str) else label_list
        self.label_list = list(names) if names else None

    @classmethod
    def as_trained(cls, given, problem_type, labels):
        """See base class."""
        return {**given, "label_list": given["label_list"] or labels}

    @property
    def metrics(self):
        """Of entities or chunks, where tags say where one begins; of words alone, where they do not."""
        marked = any(tag[:2] in ("B-", "I-") for tag in self.label_list or ())
        return ("entity_f1", "tag_accuracy") if marked else ("tag_accuracy",)

    def needs_folder(self, split):
        """See base class."""
        return not self.files[split]

    def get_train_examples(self, data_dir):
        """See base class. Learns the list of tags, unless it was given."""
        examples = self._read(data_dir, "train")
        if self.label_list is None:
            found = {tag for example in examples for tag in example.label}
            self.label_list = sorted(found, key=lambda tag: (tag != OUTSIDE, natural_order(tag)))
        return examples

    def get_dev_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class. Lines of a single column are words without tags."""
        return self._read(data_dir, "test")

    def get_labels(self):
        """See base class. Known once the training examples were read, or `label_list` was given."""
        if self.label_list is None:
            raise InputError("the tags are not known before the training examples are read; read them, or list them")
        return list(self.label_list)

    def _read(self, data_dir, split):
        file, folder = self.files[split], data_dir or "."
        if file:
            path = file if is_remote(file) else os.path.join(folder, file)
        else:
            path = find_file(folder, *NAMES[split])
        found = list(self._sentences(path, split))
        if len(found) == 1 and len(found[0].words) > MOST_WORDS:
            logging.warning(
                "%s: its %d lines are one sentence; a word a line, and an empty line between sentences, are needed",
                path, len(found[0].words),
            )  # fmt: skip
        return found

    def _sentences(self, path, split):
        """Yields the TaggedWords of a file."""
        words, tags, first, count = [], [], 0, 0
        for number, line in enumerate([*iterate_lines(path, self.encoding, "--encoding"), ""], 1):
            cells = line.split("\t") if "\t" in line else line.split()
            if any(cells) and cells[0] != DOCUMENT:
                first = first or number
                words.append(self._cell(cells, self.word_column, path, number, "word"))
                tags.append(self._tag(cells, split, path, number))
            elif words:
                count += 1
                source = f"{path}:{first}"
                yield TaggedWords(f"{split}-{count}", tuple(words), self._label(tags, path, first), source)
                words, tags, first = [], [], 0

    def _tag(self, cells, split, path, number):
        if split == "test" and len(cells) == 1:
            return None
        return self._cell(cells, self.tag_column, path, number, "tag", least=2)

    def _cell(self, cells, column, path, number, what, least=1):
        try:
            cell = cells[column].strip() if len(cells) >= least else ""
        except IndexError:
            cell = ""
        if not cell:
            raise InputError(
                f"{path}:{number}: no {what} in {len(cells)} column(s); --{what}_column={column} is read; a word and a "
                "tag are needed in each line"
            )
        return cell

    def _label(self, tags, path, first):
        if all(tag is None for tag in tags):
            return None
        if None in tags:
            raise InputError(f"{path}:{first + tags.index(None)}: no tag, but other words of the sentence have one")
        return tuple(tags)
