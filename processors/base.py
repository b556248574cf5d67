"""What a task is: examples of three splits and a list of labels.

Source: the `DataProcessor` interface of google-research/bert, run_classifier.py.
"""

import dataclasses
import difflib
import math
import re

from bertline.errors import InputError
from bertline.processors.files.folders import AbsentError
from bertline.processors.files.text_files import read_lines
from bertline.processors.tables.rows import read_rows

__all__ = ["DataProcessor", "InputExample", "check_labels", "read_lines"]

_LINE_ENDS = re.compile("[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# So many labels are spelled out in an error; a longer list is cut.
_LABELS_SHOWN = 20


@dataclasses.dataclass(slots=True)
class InputExample:
    """One text or pair of texts.

    Attributes:
      guid: str, unique in its split; the original numbers rows: "train-1", "dev-1", "test-1".
      text_a, text_b: str, untokenized; text_b is None where there is one text only.
      label: None (unlabelled), str (a class), float (a score) or a tuple of str (several labels).
      source: "train.tsv:17", for messages; None where it is not known.
      group: rows of one group are never in two folds of a cross-validation; None: the row has no group.
    """

    guid: str
    text_a: str
    text_b: str | None = None
    label: str | float | tuple[str, ...] | None = None
    source: str | None = None
    group: str | None = None

    def inputs(self):
        """What a model reads of it."""
        return self.text_a, self.text_b

    def content(self):
        """All that a record of it depends on."""
        return *self.inputs(), self.label


@dataclasses.dataclass(slots=True)
class TaggedWords:
    """A sentence as words, with a tag for each.

    Attributes:
      guid, source: as of InputExample.
      words: tuple of str.
      label: tuple of str, one tag for each word; None: unlabelled.
      text, offsets: the raw text, and (start, end) of each word in it, in characters; None where it is not known.
      before, after: words of the document around the sentence, which are read and not tagged.
    """

    guid: str
    words: tuple[str, ...]
    label: tuple[str, ...] | None = None
    source: str | None = None
    text: str | None = None
    offsets: tuple[tuple[int, int], ...] | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def inputs(self):
        """What a model reads of it."""
        return (self.words,)

    def content(self):
        """All that a record of it depends on."""
        around = (self.before, self.after) if self.before or self.after else ()
        return self.words, self.label, *around


@dataclasses.dataclass(slots=True)
class RankedQuery:
    """A query, and the candidates that are to be ranked by how well they answer it.

    Attributes:
      guid, source: as of InputExample.
      query: str.
      candidates: tuple of str.
      label: tuple of bool, whether each of them is right; None: unlabelled.
    """

    guid: str
    query: str
    candidates: tuple[str, ...]
    label: tuple[bool, ...] | None = None
    source: str | None = None

    def inputs(self):
        """What a model reads of it."""
        return self.query, self.candidates

    def content(self):
        """All that a record of it depends on."""
        return self.query, self.candidates, self.label

    @property
    def group(self):
        """Its rows, where a query was cut into several, are of one fold (--num_folds)."""
        return self.query


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """A part of a text: `text`, and `start`, the place of its first character in the context."""

    text: str
    start: int


@dataclasses.dataclass(slots=True)
class Question:
    """A question, and the text in which its answer is looked for.

    Attributes:
      guid, source: as of InputExample.
      question, context: str.
      label: tuple of Answer, all of which are right; () where the context has no answer; None: unlabelled.
    """

    guid: str
    question: str
    context: str
    label: tuple[Answer, ...] | None = None
    source: str | None = None

    def inputs(self):
        """What a model reads of it."""
        return self.question, self.context

    def content(self):
        """All that a record of it depends on."""
        return self.question, self.context, self.label and [(one.text, one.start) for one in self.label]


class DataProcessor:
    """Base class of tasks. Subclasses give examples and labels; registered, they are found by name.

    Attributes:
      problem_type: "single_label_classification", "regression", "multi_label_classification", "ranking", ...
      metrics: names of scores, of training/scores/; the first is the one that picks the best checkpoint.
      score_range: of similarities: (the score of nothing in common, the score of the same); None where it is not known.
      encoding: of the task's text files; an instance may be given another one.
      options: name -> Option, what the constructor takes; flags of the fine-tuning scripts.
      label_options, layout_options: name -> value, what its Labels and the layout of its objective take beside.
    """

    problem_type = "single_label_classification"
    metrics = ("accuracy",)
    score_range = None
    encoding = "utf-8"
    options = {}
    label_options = {}
    layout_options = {}

    @classmethod
    def as_trained(cls, given, problem_type, labels):
        """The values of the options for a trained model, which knows some of them by itself.

        Args:
          given: name -> value of every option.
          problem_type: the model's; None where it is not known, or was asked for.
          labels: the model's, list of str; None where they are not known.
        """
        return given

    def needs_folder(self, split):
        """Whether the "train", "dev" or "test" examples are read from the folder of the task."""
        return True

    def get_train_examples(self, data_dir):
        """The training split, a list of `InputExample`."""
        raise self._absent_error("get_train_examples")

    def get_dev_examples(self, data_dir):
        """The split for evaluation, a list of `InputExample`."""
        raise self._absent_error("get_dev_examples")

    def get_test_examples(self, data_dir):
        """The split for prediction, a list of `InputExample`; `label` is None on unlabelled rows."""
        raise self._absent_error("get_test_examples")

    def has_split(self, data_dir, split):
        """Whether "train", "dev" or "test" is the data set's own; another may stand in for one that it lacks."""
        return True

    def get_labels(self):
        """The list of labels in the order of their ids; [] for regression."""
        if self.problem_type == "regression":
            return []
        raise self._absent_error("get_labels")

    def _absent_error(self, method):
        return AbsentError(f"the processor {type(self).__name__} has no {method}(); add the method to use this split")

    def _read_tsv(self, input_file, quotechar=None):
        """The rows of a tab-separated file, lists of str with their `source`; see `read_rows`."""
        return read_rows(input_file, quotechar=quotechar, encoding=self.encoding)


def check_labels(examples, labels, split_name):
    """Checks that every label of a split can be learnt or scored.

    Args:
      examples: list of InputExample.
      labels: what the processor's `get_labels` gives; [] for scores.
      split_name: "train", "dev" or "test"; only in "test" may a label be None.

    Raises:
      InputError: a label is missing, not in `labels`, or not a finite number; names file and line.
    """
    if len(set(labels)) < len(labels):
        raise InputError(f"a label stands twice in the label list: {_list_labels(labels)}; remove one")
    for name in labels:
        if _LINE_ENDS.search(str(name)):
            where = next(
                (one.source for one in examples if name == one.label or name in _several_labels(one.label)), None
            )
            raise InputError(
                f"{where or split_name}: the label {name!r} has a tab or a line end; a name on one line is needed, "
                "which files of predictions can have in their header"
            )
    known = set(labels)
    for example in examples:
        label, where = example.label, example.source or example.guid
        if label is None:
            if split_name == "test":
                continue
            raise InputError(f"{where}: no label; every {split_name} row needs one")
        if not labels:
            if isinstance(label, bool) or not isinstance(label, (int, float)) or not math.isfinite(label):
                raise InputError(f"{where}: label {label!r}; a finite number is needed")
            continue
        for one in label if isinstance(label, tuple) else (label,):
            if one not in known:
                near = difflib.get_close_matches(str(one), [str(name) for name in labels], n=1)
                mend = f"did you mean {near[0]!r}?" if near else "mend the row, or the column that is read as the label"
                raise InputError(f"{where}: label {one!r} in {split_name}; allowed: {_list_labels(labels)}; {mend}")


def _several_labels(label):
    return label if isinstance(label, tuple) else ()


def _list_labels(labels):
    more = f", ... ({len(labels)} in all)" if len(labels) > _LABELS_SHOWN else ""
    return ", ".join(str(label) for label in labels[:_LABELS_SHOWN]) + more
