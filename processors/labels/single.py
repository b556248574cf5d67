"""One class of several for each text."""

import collections
import logging

import numpy as np

from bertline import registry
from bertline.errors import InputError
from bertline.processors.labels.whole_texts import LabelsOfTexts
from bertline.processors.records.feature_spec import Feature

SHOWN = 20  # labels of a line
FEW_ROWS = 2  # of a class, from which next to nothing can be learnt
MANY_NUMBERS = 10  # so many different numbers as classes are likely to be scores
COLUMN = "is --label_column the right column?"


@registry.register("labels", "single_label_classification")
class ClassLabels(LabelsOfTexts):
    """`label_ids` int32 []; -1 of a row without a label.

    Args:
      abstain_below: files of predictions say that a row abstains whose class is less probable; None: they say nothing.
    """

    problem_type = "single_label_classification"
    are_exclusive = True
    report = "classes"

    spec = {"label_ids": Feature("int32", absent=-1)}

    def __init__(self, names=(), separator=",", abstain_below=None):
        super().__init__(names, separator)
        self.abstain_below = abstain_below

    @property
    def num_classes(self):
        return len(self.names)

    def to_array(self, label):
        return np.int32(self._ids[str(label)])

    def decide(self, probabilities):
        return self.names[int(np.argmax(probabilities))]

    def counts(self, labels):
        """See base class."""
        return dict(collections.Counter(str(name) for label in labels for name in self._names_of(label)).most_common())

    def distribution(self, labels):
        found = list(self.counts(labels).items())
        shown = ", ".join(f"{name} {count}" for name, count in found[:SHOWN])
        return f"labels: {shown}" + (f", ... ({len(found)} in all)" if len(found) > SHOWN else "")

    def check_training(self, examples, file):
        if self.are_exclusive and len(self.names) == 1:
            raise InputError(f"{file} has a single label, {self.names[0]!r}; {COLUMN}")
        counts = collections.Counter(str(name) for example in examples for name in self._names_of(example.label))
        if len(counts) == 1 and counts.total() == len(examples):
            logging.warning("%s: every row has the label %r; %s", file, next(iter(counts)), COLUMN)
            return
        few = [name for name in self.names if counts[name] <= FEW_ROWS]
        if not few:
            return
        shown = ", ".join(f"{name} ({counts[name]})" for name in few[:SHOWN]) + (", ..." if len(few) > SHOWN else "")
        are_numbers = len(self.names) > MANY_NUMBERS and all(map(_is_number, self.names))
        hint = (
            "numbers may be scores: --problem_type=regression learns those"
            if are_numbers
            else "join or drop such labels, or give them weight by --class_weights=balanced; if these are no classes, "
            "--label_column names another column"
        )
        logging.warning(
            "%s: %d of %d labels have at most %d rows: %s; %s", file, len(few), len(self.names), FEW_ROWS, shown, hint
        )

    def _names_of(self, label):
        """The classes that a label names."""
        return (label,)


def _is_number(name):
    try:
        float(name)
    except ValueError:
        return False
    return True
