"""A tag for each word: named entities, chunks, parts of speech, from CoNLL's columns or texts with spans."""

import logging
import os

from bertline import registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.processors.base import DataProcessor
from bertline.processors.files.folders import find_file, is_remote
from bertline.processors.tables.label_cells import natural_order
from bertline.processors.tagging import document_context, tag_schemes, tagged_texts
from bertline.processors.tagging.tag_spans import OUTSIDE, marks_spans
from bertline.processors.tagging.tagged_columns import ColumnFile

# Usual names of each split's file.
NAMES = {
    "train": (
        "train.txt",
        "train.conll",
        "train.tsv",
        "eng.train",
        "train.jsonl",
        "esp.train",
        "ned.train",
        "wnut17train.conll",
    ),
    "dev": (
        "dev.txt",
        "dev.conll",
        "dev.tsv",
        "valid.txt",
        "eng.testa",
        "dev.jsonl",
        "esp.testa",
        "ned.testa",
        "emerging.dev.conll",
    ),
    "test": (
        "test.txt",
        "test.conll",
        "test.tsv",
        "eng.testb",
        "test.jsonl",
        "esp.testb",
        "ned.testb",
        "emerging.test.annotated",
    ),
}


@registry.register("processor", "conll")
class ColumnFilesProcessor(DataProcessor):
    """Columns: a word a line, an empty line between sentences. Texts with spans: a line of JSON each (.jsonl).

    Args:
      train_file, dev_file, test_file: paths, relative ones below `data_dir`; default: `NAMES`.
      predict_file: raw texts, a line each, or .jsonl, which are predicted in the place of the test split.
      word_column, tag_column: numbers of columns, from 0; negative ones from the end.
      label_list: the tags in the order of their ids, or one str with commas between them; None: those of the training
        data.
      tag_scheme: of tag_schemes.SCHEMES, or as_it_is; None: that of the label list, else of the training data, where
        IOB1 becomes IOB2.
      split_words: how raw texts become words, of word_offsets.SPLITS.
      document_context: whether neighbouring sentences are read beside each one.
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
        "predict_file": Option(
            None,
            'Raw text to predict in the place of --test_file: a sentence a line, or .jsonl with "text".',
            shapes_weights=False,
            holds="path",
            as_trained=False,
        ),
        "word_column": Option(0, "Number of the words' column, from 0.", shapes_weights=False),
        "tag_column": Option(-1, "Number of the tags' column; -1 is the last one.", shapes_weights=False),
        "label_list": Option(
            None, "The labels, comma-separated; by default those found.", shapes_weights=False, as_trained=False
        ),
        "tag_scheme": Option(
            None,
            "Scheme of tags to learn, which files are converted to: iob1, iob2, bioes, or as_it_is; by default "
            "that of the training file, and iob2 where it has iob1.",
            choices=("iob1", "iob2", "bioes", "as_it_is"),
        ),
        "split_words": Option(
            "words",
            "How raw text and texts of .jsonl become words: words (and signs), spaces or characters.",
            choices=("words", "spaces", "characters"),
        ),
        "document_context": Option(False, "Read the sentences around each one in its document, as in BERT's paper."),
    }

    def __init__(
        self,
        *,
        train_file=None,
        dev_file=None,
        test_file=None,
        predict_file=None,
        word_column=0,
        tag_column=-1,
        label_list=None,
        tag_scheme=None,
        split_words="words",
        document_context=False,
    ):
        self.files = {"train": train_file, "dev": dev_file, "test": predict_file or test_file}
        if predict_file and test_file:
            raise InputError(f"--predict_file={predict_file} and --test_file={test_file}: leave one out")
        self.reads_raw_text = predict_file is not None and not tagged_texts.is_json(predict_file)
        self.word_column, self.tag_column, self.split_words = word_column, tag_column, split_words
        names = label_list.split(",") if isinstance(label_list, str) else label_list
        self.label_list = list(names) if names else None
        self.tag_scheme = tag_scheme or (tag_schemes.scheme_of_list(self.label_list) if self.label_list else None)
        self.document_context = document_context
        self.label_options = {"split_words": split_words}

    @classmethod
    def as_trained(cls, given, problem_type, labels):
        """See base class."""
        return {**given, "label_list": given["label_list"] or labels}

    @property
    def metrics(self):
        """Of entities or chunks, where tags say where one begins; of words alone, where they do not."""
        marked = marks_spans(self.label_list or ())
        return ("entity_f1", "strict_entity_f1", "tag_accuracy") if marked else ("tag_accuracy",)

    def needs_folder(self, split):
        """See base class."""
        return not self.files[split]

    def get_train_examples(self, data_dir):
        """See base class. Learns the list of tags, unless it was given."""
        found = self._read(data_dir, "train")
        examples = [one for one in found if one.words]
        if not examples:
            raise InputError(f"{found[0].source}: no word in {len(found)} texts; sentences with tags are needed")
        if len(examples) < len(found):
            logging.info("%d training texts without a word are left out", len(found) - len(examples))
        if self.label_list is None:
            tags = {tag for example in examples for tag in example.label}
            self.label_list = sorted(tags, key=lambda tag: (tag != OUTSIDE, natural_order(tag)))
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
            raise InputError("the tags are not known before the training examples are read; give --label_list")
        return list(self.label_list)

    def _read(self, data_dir, split):
        file, folder = self.files[split], data_dir or "."
        if file:
            path = file if is_remote(file) else os.path.join(folder, file)
        else:
            path = find_file(folder, *NAMES[split])
        documents = self._documents(path, split)
        examples = [one for document in documents for one in document]
        if not examples:
            raise InputError(f"{path}: no sentence; a word and its tag in each line are needed")
        if self.document_context:
            examples = document_context.with_context(documents)
        return self._in_scheme(examples, split, path)

    def _documents(self, path, split):
        if split == "test" and self.reads_raw_text:
            return tagged_texts.raw_documents(path, self.encoding, self.split_words)
        if tagged_texts.is_json(path):
            return tagged_texts.span_documents(path, self.encoding, split, self.split_words)
        return ColumnFile(path, self.encoding, split, self.word_column, self.tag_column).documents()

    def _in_scheme(self, examples, split, path):
        """The examples with the tags of the scheme that is learned; what breaks a scheme is told of."""
        found = tag_schemes.scheme_of(one.label for one in examples if one.label)
        self.tag_scheme = self.tag_scheme or tag_schemes.LEARNED.get(found)
        return tag_schemes.in_scheme(examples, found, self.tag_scheme, path, fix=split == "train")
