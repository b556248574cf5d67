"""A number for each text."""

import logging
import math

import numpy as np

from bertline import registry
from bertline.processors.labels.predictions import Prediction
from bertline.processors.labels.single import COLUMN
from bertline.processors.labels.whole_texts import LabelsOfTexts
from bertline.processors.records.feature_spec import Feature


@registry.register("labels", "regression")
class ScoreLabels(LabelsOfTexts):
    """`label_ids` float32 []; NaN of a row without a score."""

    problem_type = "regression"
    scores = ("mae", "rmse", "r2")
    report = "numbers"

    spec = {"label_ids": Feature("float32", absent=math.nan)}

    def to_array(self, label):
        return np.float32(label)

    def decide(self, probabilities):
        return float(f"{probabilities[0]:.6g}")

    def prediction(self, probabilities, truncated=False):
        return Prediction(None, None, float(probabilities[0]), truncated)

    def to_json(self, label):
        return None if label is None else float(label)

    def text(self, label):
        return "" if label is None else f"{self.to_json(label):.6g}"

    def distribution(self, labels):
        return f"scores from {min(labels):g} to {max(labels):g}, mean {sum(labels) / len(labels):.4g}"

    def check_training(self, examples, file):
        if len({example.label for example in examples}) == 1:
            logging.warning("%s: every row has the score %g; %s", file, examples[0].label, COLUMN)
