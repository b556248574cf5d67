"""Any number of classes for each text."""

import math

import numpy as np

from bertline import registry
from bertline.processors.labels.predictions import Prediction
from bertline.processors.labels.single import ClassLabels
from bertline.processors.records.feature_spec import Feature


@registry.register("labels", "multi_label_classification")
class SeveralLabels(ClassLabels):
    """`label_ids` float32 [num_labels] of 0 and 1; NaN of a row without labels."""

    problem_type = "multi_label_classification"
    are_exclusive = False

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
        return [name for name, p in zip(self.names, probabilities) if p >= 0.5]

    def prediction(self, probabilities, truncated=False):
        named = dict(zip(self.names, map(float, probabilities)))
        return Prediction(tuple(self.decide(probabilities)), named, None, truncated)

    def to_json(self, label):
        return None if label is None else [str(name) for name in label]

    def text(self, label):
        return self.separator.join(self.to_json(label) or ())

    def _names_of(self, label):
        return label
