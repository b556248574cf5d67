"""Labels as numbers: one declaration for the record's feature, the loss and the prediction files."""

import numpy as np

from processors.feature_spec import Feature


class Labels:
    """The labels of a task.

    Args:
      problem_type: "single_label_classification", "multi_label_classification" or "regression".
      names: list of class names, [] for regression.
      separator: between several labels in `text`.
    """

    def __init__(self, problem_type, names, separator=","):
        self.problem_type, self.names, self.separator = problem_type, [str(name) for name in names], separator
        self._ids = {name: i for i, name in enumerate(self.names)}
        kind = {
            "single_label_classification": Feature("int32", absent=-1),
            "regression": Feature("float32", absent=float("nan")),
            "multi_label_classification": Feature("float32", (len(self.names),), absent=float("nan")),
        }
        self.spec = {"label_ids": kind[problem_type]}

    def __repr__(self):
        return f"Labels({self.problem_type!r}, {self.names!r})"

    @property
    def num_labels(self):
        """Width of the head: 1 for regression."""
        return max(1, len(self.names))

    def encode(self, label):
        """InputExample.label -> array for `label_ids`; None, of an unlabelled row, stays None."""
        if label is None:
            return None
        if self.problem_type == "regression":
            return np.float32(label)
        if self.problem_type == "multi_label_classification":
            hot = np.zeros(len(self.names), np.float32)
            hot[[self._ids[name] for name in label]] = 1.0
            return hot
        return np.int32(self._ids[str(label)])

    def predicted(self, probabilities):
        """float [num_labels] -> the predicted label: a class, a list of several, or a score."""
        if self.problem_type == "regression":
            return float(f"{probabilities[0]:.6g}")
        if self.problem_type == "multi_label_classification":
            return [name for name, p in zip(self.names, probabilities) if p >= 0.5]
        return self.names[int(np.argmax(probabilities))]

    def decode(self, probabilities):
        """float [num_labels] -> the predicted label as text; see `text`."""
        return self.text(self.predicted(probabilities))

    def plain(self, label):
        """InputExample.label -> what JSON knows: a str (a class), a list of str, a float (a score), None (no label)."""
        if label is None:
            return None
        if self.problem_type == "multi_label_classification":
            return [str(name) for name in label]
        return float(label) if self.problem_type == "regression" else str(label)

    def text(self, label):
        """A label as text: a class, "a,b" of several (with the separator), or a score; "" where there is none."""
        value = self.plain(label)
        if isinstance(value, list):
            return self.separator.join(value)
        return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
