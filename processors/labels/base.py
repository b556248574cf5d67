"""Labels as numbers and back: one declaration for the records, the scores and the files of predictions."""

import typing
from collections.abc import Iterable, Sequence

import numpy as np

from bertline import registry
from bertline.processors.base import check_labels
from bertline.processors.layouts.base import Layout


class Labels:
    """Base of the labels of all types of problem, each of which is registered by its name.

    A label knows the row when it becomes numbers, and the example when the outputs of its rows become an answer.

    Args:
      names: of the classes, in the order of their ids; [] where there are none.
      separator: between several labels in a text.

    Attributes:
      problem_type: the registered name.
      spec: name -> Feature, what a labelled row has beside what its layout gives.
      num_labels: int, numbers that a head gives for each label.
      scores: names of scores that are told of every task of this type, beside its own.
      report: what an evaluation draws: "classes", "numbers", "tags", "answers"; None: nothing.
      are_exclusive: whether an example has exactly one of the labels.
      thresholds: from which probability on an example has a label, where it may have several: one float of all labels,
        or one of each.
      abstain_below: the least probability of an answer that is meant; None: any is.
      needs_texts: whether the outputs of records say nothing without the texts that these were made of.
      input_name: what a list of inputs is called in messages.
      verb: what a model with such labels does, a method of Predictor.
    """

    problem_type: str | None = None
    input_name: str = "texts"
    verb: str = "predict"
    scores: tuple[str, ...] = ()
    report: str | None = None
    are_exclusive: bool = False
    thresholds: float | list[float] = 0.5
    abstain_below: float | None = None
    needs_texts: bool = False
    spec: dict[str, typing.Any] = {}

    def __init__(self, names: Iterable = (), separator: str = ","):
        self.names, self.separator = [str(name) for name in names], separator
        self._ids = {name: i for i, name in enumerate(self.names)}

    def __repr__(self):
        return f"{type(self).__name__}({self.names!r})"

    @property
    def num_labels(self) -> int:
        return max(1, len(self.names))

    @property
    def num_classes(self) -> int | None:
        """What `label_ids` are below; None where they are no classes."""
        return None

    def encode(self, label: typing.Any, row: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
        """The label of an example (InputExample.label and the like) as features of one of its rows.

        Args:
          label: None of an example without one.
          row: name -> array, as the layout gives it.

        Returns:
          name -> array; {} without a label.
        """
        raise NotImplementedError

    def answers(self, outputs: dict, examples: Sequence | None = None, layout: Layout | None = None) -> Sequence:
        """What is predicted for each example.

        Args:
          outputs: name -> array or list of arrays, one entry per row in the order of the examples and of their parts;
            `part` where examples are several rows.
          examples: the examples; None where only records are there.
          layout: the layout that made the rows.
        """
        raise NotImplementedError

    def example(self, given: typing.Any, place: str = "text") -> typing.Any:
        """What a user asks of, as an example without a label.

        Args:
          given: a text or the like; each class says what it takes.
          place: what errors call it.

        Raises:
          InputError: it is something else.
        """
        raise NotImplementedError

    def sample_inputs(self, texts: list[str]) -> list:
        """Texts as inputs that `example` takes."""
        return texts

    def predictions(self, outputs: dict, examples: Sequence, layout: Layout, rows: list) -> list:
        """What is said to a user of each of some examples: list of objects of bertline.processors.labels.predictions.

        Args:
          outputs, layout: as of `answers`. rows: list of the rows of each example.
        """
        raise NotImplementedError

    def golds(self, outputs: dict, examples: Sequence | None = None) -> Sequence:
        """What scores compare with, of each example: from the examples, else from what the records say."""
        raise NotImplementedError

    def prediction_files(
        self,
        answers: Sequence,
        examples: Sequence | None = None,
        truncated: np.ndarray | None = None,
        file_format: str = "tsv",
    ) -> dict[str, Iterable[str]]:
        """File name -> lines.

        Args:
          answers: of `answers`.
          truncated: bool [n], which examples were cut to the longest length; None where that is not known.
          file_format: of bertline.processors.labels.prediction_tables.FORMATS, of files that people read.
        """
        raise NotImplementedError

    def check(self, examples: Sequence, split: str) -> None:
        """Checks that every label of a split can be learned or scored. Raises InputError that names file and line."""
        check_labels(examples, self.names, split)

    def with_config(self, config: dict) -> "Labels":
        """The Labels with what config.json of a trained model says was found in its evaluation, and is not given here.

        config: name -> value.
        """
        return self

    def with_scores(self, scores: dict[str, float]) -> "Labels":
        """The Labels with what the scores of an evaluation say about how to choose answers; itself where they do not.

        scores: name -> float, as eval_results.txt has them.
        """
        return self

    def fit(self, golds: Sequence, answers: Sequence) -> "Labels":
        """The Labels with what they were told to find out about how to choose answers; itself where that is nothing.

        Args:
          golds, answers: of the examples of an evaluation, see there.
        """
        return self

    def config_entries(self) -> dict[str, typing.Any]:
        """What config.json of a trained model says of them."""
        return {"id2label": {str(i): name for i, name in enumerate(self.names)}, "label2id": dict(self._ids)}

    @classmethod
    def saved_options(cls, config: dict) -> dict[str, typing.Any]:
        """What `config_entries` wrote, as arguments of the constructor beside the names.

        Args:
          config: dict of a config.json, which may be another program's.

        Raises:
          InputError: an entry that cannot be.
        """
        return {}

    def distribution(self, labels: Iterable) -> str:
        """What the log says of a split's labels, those that are not None."""
        raise NotImplementedError

    def counts(self, labels: Iterable) -> dict[str, int]:
        """How often each class or the like occurs in labels that are not None, the most frequent first; {}: there is
        nothing to count.
        """
        return {}

    def confidences(self, outputs: dict) -> list[np.ndarray] | None:
        """How likely each part of the answer of each example is; None where `answers` say it.

        Args:
          outputs: as of `answers`.
        """
        return None

    def check_training(self, examples: Sequence, file: str) -> None:
        """Warns of what the training split's labels look like. Raises InputError where nothing can be learned."""


def make_labels(problem_type: str, names: Iterable = (), **options) -> Labels:
    """The Labels of a type of problem, and what their class takes beside. Raises InputError for an unknown type."""
    return registry.get("labels", problem_type)(names, **options)


def parts_of(outputs: dict) -> list[slice]:
    """Slices of the rows of each example in turn, by the number of a row among those of its example."""
    if "part" not in outputs:
        count = len(next(iter(outputs.values())))
        return [slice(i, i + 1) for i in range(count)]
    starts = [i for i, part in enumerate(outputs["part"]) if part == 0]
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], len(outputs["part"])])]
