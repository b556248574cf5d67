"""What the labels of whole texts and pairs share: one row, one vector of numbers, a table of predictions."""

from bertline.processors.base import InputExample
from bertline.processors.labels import prediction_tables
from bertline.processors.labels.base import Labels
from bertline.processors.labels.prediction_tables import PredictedRows
from bertline.processors.labels.predictions import Prediction
from bertline.processors.text.texts import check_text


class LabelsOfTexts(Labels):
    """`label_ids` in each row; answers are vectors of probabilities, or of a score, float [num_labels]."""

    def encode(self, label, row=None):
        return {} if label is None else {"label_ids": self.to_array(label)}

    def to_array(self, label):
        """The label as an array."""
        raise NotImplementedError

    def config_entries(self):
        """id2label, label2id and problem_type, as transformers has them."""
        names = self.names or ["score"]
        return {
            "id2label": {str(i): name for i, name in enumerate(names)},
            "label2id": {name: i for i, name in enumerate(names)},
            "problem_type": self.problem_type,
        }

    def answers(self, outputs, examples=None, layout=None):
        return outputs["probabilities"]

    def example(self, given, place="text"):
        """See base class. A str, or a pair of str."""
        given = check_text(given, place)
        return InputExample(place, *((given,) if isinstance(given, str) else given))

    def predictions(self, outputs, examples, layout, rows):
        """See base class: list of Prediction."""
        cut = ["uncut_length" in row for [row] in rows]
        return [self.prediction(*one) for one in zip(outputs["probabilities"], cut)]

    def prediction(self, probabilities, truncated=False):
        """float [num_labels], and whether the end of the text was not read -> Prediction."""
        named = dict(zip(self.names, map(float, probabilities)))
        return Prediction(self.decode(probabilities), named, None, truncated)

    def golds(self, outputs, examples=None):
        if "label_ids" in outputs:
            return list(outputs["label_ids"])
        return [None if example.label is None else self.to_array(example.label) for example in examples or ()]

    def prediction_files(self, answers, examples=None, truncated=None, file_format="tsv"):
        return prediction_tables.prediction_files(PredictedRows(answers, self, examples, truncated), file_format)

    def decide(self, probabilities):
        """float [num_labels] -> the predicted label: a class, a list of several, or a score."""
        raise NotImplementedError

    def decode(self, probabilities):
        """float [num_labels] -> the predicted label as text; see `text`."""
        return self.text(self.decide(probabilities))

    def to_json(self, label):
        """InputExample.label -> what JSON knows: a str (a class), a list of str, a float (a score), None (no label)."""
        return None if label is None else str(label)

    def text(self, label):
        """A label as text: a class, "a,b" of several (with the separator), or a score; "" where there is none."""
        value = self.to_json(label)
        return "" if value is None else value
