"""Questions about a text, whose answers are parts of it.

Source: Rajpurkar et al. 2016 and 2018 (SQuAD 1.1 and 2.0); google-research/bert `run_squad.py`, whose flags these are.
"""

import os

import registry
from errors import InputError
from options import Option
from processors.answer_places import place_answers
from processors.base import DataProcessor
from processors.folders import find_file, is_remote
from processors.question_files import read_questions
from processors.spans import AnswerRules

NAMES = {
    "train": ("train-v2.0.json", "train-v1.1.json", "train.json"),
    "dev": ("dev-v2.0.json", "dev-v1.1.json", "dev.json"),
    "test": ("test.json", "dev-v2.0.json", "dev-v1.1.json", "dev.json"),
}


@registry.register("processor", "squad")
class SquadProcessor(DataProcessor):
    """JSON of SQuAD: data -> paragraphs -> qas.

    Args:
      train_file, dev_file, predict_file: paths, relative ones below `data_dir`; default: `NAMES`.
      version_2_with_negative: whether questions may have no answer.
      doc_stride, max_query_length: see `processors.layouts.questions`; the others: see `processors.spans.AnswerRules`.
    """

    problem_type = "spans"
    metrics = ("answer_f1",)
    options = {
        "train_file": Option(
            None, "The training file; default train-v2.0.json or train-v1.1.json.", shapes_weights=False, holds="path",
            as_trained=False,
        ),
        "dev_file": Option(
            None, "The file to evaluate on; default dev-v2.0.json or dev-v1.1.json.", shapes_weights=False,
            holds="path", as_trained=False,
        ),
        "predict_file": Option(
            None, "The questions to answer; default those to evaluate on.", shapes_weights=False, holds="path",
            as_trained=False,
        ),
        "version_2_with_negative": Option(False, "Whether some questions have no answer, as in SQuAD 2.0."),
        "doc_stride": Option(128, "Tokens from the begin of a window of a long text to that of the next."),
        "max_query_length": Option(64, "Tokens of a question that are read."),
        "n_best_size": Option(20, "Answers in nbest_predictions.json.", shapes_weights=False),
        "max_answer_length": Option(30, "Tokens of the longest answer.", shapes_weights=False),
        "null_score_diff_threshold": Option(
            0.0, "No answer is given where its score is higher than that of the best one by more than this.",
            shapes_weights=False,
        ),
        "verbose_logging": Option(
            False, "List every question whose answer is not where it is said to be.", shapes_weights=False,
        ),
        "answer_text": Option(
            "raw", "Of an answer: raw, its characters as they stand in the context; original, words of it joined by "
            "single blanks, as google-research/bert gives them.", choices=("raw", "original"), shapes_weights=False,
        ),
    }  # fmt: skip

    def __init__(
        self, *, train_file=None, dev_file=None, predict_file=None, version_2_with_negative=False, doc_stride=128,
        max_query_length=64, n_best_size=20, max_answer_length=30, null_score_diff_threshold=0.0, verbose_logging=False,
        answer_text="raw",
    ):  # fmt: skip
        self.files = {"train": train_file, "dev": dev_file, "test": predict_file}
        self.has_unanswerable, self.lists_all = version_2_with_negative, verbose_logging
        sizes = {
            "doc_stride": doc_stride, "n_best_size": n_best_size, "max_answer_length": max_answer_length,
            "max_query_length": max_query_length,
        }  # fmt: skip
        for name, value in sizes.items():
            if value < 1:
                raise InputError(f"--{name}={value}: a number above 0 is needed")
        rules = AnswerRules(
            n_best_size, max_answer_length, version_2_with_negative, null_score_diff_threshold, answer_text
        )
        self.label_options = {"rules": rules}
        self.layout_options = {"doc_stride": doc_stride, "max_query_length": max_query_length}

    def needs_folder(self, split):
        """See base class."""
        return not self.files[split]

    def get_labels(self):
        """See base class. An answer is no class."""
        return []

    def get_train_examples(self, data_dir):
        """See base class. Questions whose context does not have the answer are left out, and said."""
        return self._read(data_dir, "train")

    def get_dev_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "test")

    def _read(self, data_dir, split):
        file, folder = self.files[split], data_dir or "."
        path = (file if is_remote(file) else os.path.join(folder, file)) if file else find_file(folder, *NAMES[split])
        questions = read_questions(path, self.has_unanswerable)
        return place_answers(questions, path, leave_out=split == "train", list_all=self.lists_all)
