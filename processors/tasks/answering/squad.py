"""Questions about a text, whose answers are parts of it.

Source: Rajpurkar et al. 2016 and 2018 (SQuAD 1.1 and 2.0); google-research/bert `run_squad.py`, whose flags these are.
"""

import logging
import os

from bertline import registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.processors.answering.answer_places import place_answers
from bertline.processors.answering.question_files import read_questions
from bertline.processors.answering.spans import AnswerRules
from bertline.processors.base import DataProcessor
from bertline.processors.files.folders import find_file, is_remote
from bertline.processors.tokenizers.rules.character_rules import is_cjk

CHINESE_SAMPLE = 100  # questions that show their language
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
      doc_stride, max_query_length: see `bertline.processors.layouts.questions`; the others: see
        `bertline.processors.answering.spans.AnswerRules`.
    """

    problem_type = "spans"
    metrics = ("answer_f1",)
    options = {
        "train_file": Option(
            None,
            "The training file; default train-v2.0.json or train-v1.1.json.",
            shapes_weights=False,
            holds="path",
            as_trained=False,
        ),
        "dev_file": Option(
            None,
            "The file to evaluate on; default dev-v2.0.json or dev-v1.1.json of --data_dir, without it --predict_file.",
            shapes_weights=False,
            holds="path",
            as_trained=False,
        ),
        "predict_file": Option(
            None,
            "The questions to answer; default those to evaluate on.",
            shapes_weights=False,
            holds="path",
            as_trained=False,
        ),
        "version_2_with_negative": Option(False, "Whether some questions have no answer, as in SQuAD 2.0."),
        "doc_stride": Option(128, "Tokens from the begin of a window of a long text to that of the next."),
        "max_query_length": Option(64, "Tokens of a question that are read."),
        "n_best_size": Option(20, "Answers in nbest_predictions.json.", shapes_weights=False),
        "max_answer_length": Option(30, "Tokens of the longest answer.", shapes_weights=False),
        "null_score_diff_threshold": Option(
            None,
            "No answer is given where its score is higher than that of the best one by more than this; by "
            "default what --do_eval found best, which model/config.json keeps, else 0.",
            kind=float,
            shapes_weights=False,
        ),
        "verbose_logging": Option(
            False,
            "List every question whose answer is not where it is said to be.",
            shapes_weights=False,
        ),
        "answer_text": Option(
            "raw",
            "Of an answer: raw, its characters as they stand in the context; original, words of it joined by "
            "single blanks, as google-research/bert gives them.",
            choices=("raw", "original"),
            shapes_weights=False,
        ),
        "answer_score": Option(
            None,
            "answer_f1: SQuAD's, by words; chinese_answer_f1: CMRC's, by characters; default: as texts are.",
            choices=("answer_f1", "chinese_answer_f1"),
            shapes_weights=False,
        ),
    }

    def __init__(
        self,
        *,
        train_file=None,
        dev_file=None,
        predict_file=None,
        version_2_with_negative=False,
        doc_stride=128,
        max_query_length=64,
        n_best_size=20,
        max_answer_length=30,
        null_score_diff_threshold=None,
        verbose_logging=False,
        answer_text="raw",
        answer_score=None,
    ):
        self.files = {"train": train_file, "dev": dev_file, "test": predict_file}
        self.metrics, self.knows_score = (answer_score or "answer_f1",), answer_score is not None
        self.has_unanswerable, self.lists_all = version_2_with_negative, verbose_logging
        sizes = {
            "doc_stride": doc_stride,
            "n_best_size": n_best_size,
            "max_answer_length": max_answer_length,
            "max_query_length": max_query_length,
        }
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
        return not (self.files[split] or split == "dev" and self.files["test"])

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
        if split == "dev" and self.files["test"] and not (file or data_dir):
            file = self.files["test"]
            logging.warning(
                "%s is evaluated, which is to be predicted too: what is chosen by its scores is chosen with its own "
                "answers; --dev_file gives other questions",
                file,
            )
        path = (file if is_remote(file) else os.path.join(folder, file)) if file else find_file(folder, *NAMES[split])
        questions = read_questions(path, self.has_unanswerable)
        if not self.knows_score:
            self.metrics, self.knows_score = ("chinese_answer_f1" if _are_chinese(questions) else "answer_f1",), True
        return place_answers(questions, path, leave_out=split == "train", list_all=self.lists_all)


def _are_chinese(questions):
    """Whether most letters of some questions are ideographs."""
    letters = [one for question in questions[:CHINESE_SAMPLE] for one in question.question if one.isalpha()]
    return 2 * sum(map(is_cjk, letters)) > len(letters)
