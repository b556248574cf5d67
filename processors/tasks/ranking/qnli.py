"""QNLI as what it was made of: which sentence of a paragraph answers a question?

Source: Liu et al. 2019 (MT-DNN), https://arxiv.org/abs/1901.11504, section 3.1: ranking instead of classification.
"""

from bertline import registry
from bertline.options import Option
from bertline.processors.tasks.classification.glue import QnliProcessor
from bertline.processors.tasks.ranking.groups import group_rows, training_queries


@registry.register("processor", "qnli-ranking")
class QnliRankingProcessor(QnliProcessor):
    """GLUE's files, of which the sentences of one question are ranked."""

    options = {
        "num_candidates": Option(
            8,
            "Candidates that are compared at once, the right one among them; more are several rows.",
            least=2,
            most=99,
        )
    }
    problem_type = "ranking"
    metrics = ("accuracy_at_1", "mrr", "map")

    def __init__(self, num_candidates=8):
        super().__init__()
        self.num_candidates = num_candidates
        self.label_options = self.layout_options = {"num_candidates": num_candidates}

    def get_labels(self):
        return []

    def get_train_examples(self, data_dir):
        return training_queries(self._queries(super().get_train_examples(data_dir)), self.num_candidates)

    def get_dev_examples(self, data_dir):
        return self._queries(super().get_dev_examples(data_dir))

    def get_test_examples(self, data_dir):
        return self._queries(super().get_test_examples(data_dir))

    def _queries(self, rows):
        return group_rows(rows, lambda label: label == self.labels[0])
