"""Anybody's tables of candidates: a query, a candidate and 1 or 0 in each row."""

from bertline import registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.processors.tasks.classification.delimited import DelimitedProcessor
from bertline.processors.tasks.ranking.groups import group_rows, training_queries

RIGHT = {0.0: False, 1.0: True}


@registry.register("processor", "ranking")
class RankingProcessor(DelimitedProcessor):
    """Which of a query's candidates is right? The rows of a query may stand anywhere in the file.

    Args:
      train_file, ..., quoting: as of DelimitedProcessor; text_a_column is the query's, text_b_column the candidate's.
      num_candidates: of a row that is trained on, the right one included; longer lists are cut into several.
    """

    options = {
        "num_candidates": Option(
            8,
            "Candidates that are compared at once, the right one among them; more are several rows.",
            least=2,
            most=99,
        ),
        "problem_type": None,
        "label_list": None,
        "label_separator": None,
        # Rows of one query must not fall into several splits, and are a group of their own.
        "group_column": None,
        "dev_fraction": None,
        "test_fraction": None,
        "split_seed": None,
    }
    problem_type = "ranking"

    def __init__(
        self,
        *,
        train_file=None,
        dev_file=None,
        test_file=None,
        text_a_column=None,
        text_b_column=None,
        label_column=None,
        id_column=None,
        has_header=None,
        delimiter=None,
        quoting="auto",
        num_candidates=8,
    ):
        super().__init__(
            train_file=train_file,
            dev_file=dev_file,
            test_file=test_file,
            text_a_column=text_a_column,
            text_b_column=text_b_column,
            label_column=label_column,
            id_column=id_column,
            has_header=has_header,
            delimiter=delimiter,
            quoting=quoting,
            problem_type="regression",
        )
        self.problem_type, self.metrics = "ranking", ("map", "mrr", "accuracy_at_1")
        self.num_candidates = num_candidates
        self.label_options = self.layout_options = {"num_candidates": num_candidates}

    @classmethod
    def as_trained(cls, given, problem_type, labels):
        return given

    def get_labels(self):
        return []

    def get_train_examples(self, data_dir):
        """See base class: one right candidate in each."""
        return training_queries(self._queries(data_dir, "train"), self.num_candidates)

    def get_dev_examples(self, data_dir):
        return self._queries(data_dir, "dev")

    def get_test_examples(self, data_dir):
        return self._queries(data_dir, "test")

    def _queries(self, data_dir, split):
        rows = self._examples(data_dir, split)
        for row in rows:
            if row.label is not None and row.label not in RIGHT:
                raise InputError(f"{row.source}: label {row.label:g}; 1 of a right candidate or 0 is needed")
        return group_rows(rows, RIGHT.get)
