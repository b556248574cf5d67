"""Any number of classes for each text."""

import logging
import math

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.labels.predictions import Prediction
from bertline.processors.labels.single import ClassLabels
from bertline.processors.records.feature_spec import Feature

THRESHOLDS = "label_thresholds"  # entry of config.json


@registry.register("labels", "multi_label_classification")
class SeveralLabels(ClassLabels):
    """`label_ids` float32 [num_labels] of 0 and 1; NaN of a row without labels.

    Args:
      thresholds: name -> the probability from which on an example has that label; 0.5 of those that are not named.
      tunes_thresholds: whether `fit` looks for them.
    """

    problem_type = "multi_label_classification"
    are_exclusive = False
    scores = ("f1_samples", "average_precision_macro", "average_precision_micro")

    def __init__(self, names=(), separator=",", thresholds=None, tunes_thresholds=False):
        super().__init__(names, separator)
        self._given, self.tunes_thresholds = thresholds or {}, tunes_thresholds
        self.thresholds = [self._given.get(name, 0.5) for name in self.names]

    @property
    def spec(self):
        return {"label_ids": Feature("float32", (len(self.names),), absent=math.nan)}

    @property
    def num_classes(self):
        return None

    def to_array(self, label):
        hot = np.zeros(len(self.names), np.float32)
        hot[[self._ids[name] for name in label]] = 1.0
        return hot

    def decide(self, probabilities):
        return [name for name, p, least in zip(self.names, probabilities, self.thresholds) if p >= least]

    def prediction(self, probabilities, truncated=False):
        named = dict(zip(self.names, map(float, probabilities)))
        return Prediction(tuple(self.decide(probabilities)), named, None, truncated)

    def fit(self, golds, answers):
        """See base class: thresholds of the best F1 of each label."""
        if not self.tunes_thresholds:
            return self
        columns = zip(np.array(golds).T, np.array(answers, np.float64).T)
        found = [best_threshold(gold > 0, probabilities) for gold, probabilities in columns]
        return self._with(dict(zip(self.names, found)))

    def with_config(self, config):
        """See base class: the thresholds."""
        found = self.saved_options(config).get("thresholds")
        if not found or self._given or self.tunes_thresholds:
            return self
        logging.info("thresholds of the labels: as config.json of the model says")
        return self._with(found)

    def _with(self, thresholds):
        return SeveralLabels(self.names, self.separator, thresholds, self.tunes_thresholds)

    def config_entries(self):
        """See base class."""
        said = {THRESHOLDS: dict(zip(self.names, self.thresholds))} if self._given else {}
        return {**super().config_entries(), **said}

    @classmethod
    def saved_options(cls, config):
        """See base class."""
        said = config.get(THRESHOLDS)
        if said is None:
            return {}
        fits = isinstance(said, dict) and all(type(value) in (int, float) and value >= 0 for value in said.values())
        if not fits:
            raise InputError(
                f"{THRESHOLDS} is {json_files.excerpt(said)}; an object of labels and probabilities is needed"
            )
        return {"thresholds": said}

    def to_json(self, label):
        return None if label is None else [str(name) for name in label]

    def text(self, label):
        return self.separator.join(self.to_json(label) or ())

    def _names_of(self, label):
        return label


def best_threshold(gold, probabilities):
    """The threshold of the best F1 of a label, half way between two probabilities; 0.5 where no example has the label.

    Of several that are as good it is the highest.

    Args:
      gold: bool [n]. probabilities: float [n].
    """
    if not gold.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    ranked, right = probabilities[order], np.cumsum(gold[order])
    f1 = 2.0 * right / (np.arange(1, len(order) + 1) + gold.sum())
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # no threshold is between equal ones
    last = int(np.argmax(f1))
    below = ranked[last + 1] if last + 1 < len(order) else 0.0
    return float((ranked[last] + below) / 2.0)
