"""Questions about a text, whose answers are parts of it.

Source: Rajpurkar et al. 2016 and 2018 (SQuAD 1.1 and 2.0); google-research/bert `run_squad.py:read_squad_examples`.
"""

import logging
import os

import json_files
import registry
from errors import InputError
from options import Option
from processors.base import Answer, DataProcessor, Question
from processors.context_words import context_words
from processors.folders import find_file, is_remote
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
      doc_stride, max_query_length: see `processors.question_layout`; the others: see `processors.spans.AnswerRules`.
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
        "verbose_logging": Option(False, "Accepted for old commands; --dry_run shows rows.", shapes_weights=False),
    }  # fmt: skip

    def __init__(
        self, *, train_file=None, dev_file=None, predict_file=None, version_2_with_negative=False, doc_stride=128,
        max_query_length=64, n_best_size=20, max_answer_length=30, null_score_diff_threshold=0.0, verbose_logging=False,
    ):  # fmt: skip
        self.files = {"train": train_file, "dev": dev_file, "test": predict_file}
        self.has_unanswerable = version_2_with_negative
        sizes = {
            "doc_stride": doc_stride, "n_best_size": n_best_size, "max_answer_length": max_answer_length,
            "max_query_length": max_query_length,
        }  # fmt: skip
        for name, value in sizes.items():
            if value < 1:
                raise InputError(f"--{name}={value}: a number above 0 is needed")
        rules = AnswerRules(n_best_size, max_answer_length, version_2_with_negative, null_score_diff_threshold)
        self.label_options = {"rules": rules}
        self.layout_options = {"doc_stride": doc_stride, "max_query_length": max_query_length}

    def needs_folder(self, split):
        """See base class."""
        return not self.files[split]

    def get_labels(self):
        """See base class. An answer is no class."""
        return []

    def get_train_examples(self, data_dir):
        """See base class. Questions whose answer is not where it should be are left out, and said."""
        return self._read(data_dir, "train")

    def get_dev_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "dev")

    def get_test_examples(self, data_dir):
        """See base class."""
        return self._read(data_dir, "test")

    def _read(self, data_dir, split):
        context = None
        file, folder = self.files[split], data_dir or "."
        path = (file if is_remote(file) else os.path.join(folder, file)) if file else find_file(folder, *NAMES[split])
        examples, seen, wrong, words = [], set(), [], None
        for example in self._questions(path):
            if words is None or example.context != context:
                context, words = example.context, context_words(example.context)
            if example.guid in seen:
                raise InputError(f"{example.source}: the id {example.guid!r} stands twice; predictions are known by it")
            seen.add(example.guid)
            if split == "train" and example.label and not words.has(example.label[0]):
                wrong.append(example)
                continue
            examples.append(example)
        if wrong:
            logging.warning(
                "%s: %d of %d questions are left out: the text at answer_start is not the answer (%s: %r)", path,
                len(wrong), len(seen), wrong[0].source, wrong[0].label[0].text,
            )  # fmt: skip
        if not examples:
            raise InputError(f"{path}: no question; data -> paragraphs -> qas, as in SQuAD, is needed")
        return examples

    def _questions(self, path):
        found = json_files.read(path)
        for a, article in enumerate(_list(found, "data", path)):
            for p, paragraph in enumerate(_list(article, "paragraphs", f"{path}: data[{a}]")):
                where = f"{path}: data[{a}].paragraphs[{p}]"
                context = _text(paragraph, "context", where)
                for q, entry in enumerate(_list(paragraph, "qas", where)):
                    yield self._question(entry, context, f"{where}.qas[{q}]")

    def _question(self, entry, context, where):
        guid = entry.get("id") if isinstance(entry, dict) else None
        question = _text(entry, "question", where)
        if not isinstance(guid, (str, int)):
            raise InputError(f"{where}: id is {json_files.shown(guid)}, a string is needed")
        answers = None
        if entry.get("answers") is not None:
            answers = tuple(
                _answer(one, f"{where}.answers[{i}]") for i, one in enumerate(_list(entry, "answers", where))
            )
        if self.has_unanswerable and entry.get("is_impossible"):
            answers = ()
        if answers == () and not self.has_unanswerable:
            answers = None
        return Question(str(guid), question, context, answers, where)


def _list(value, key, where):
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise InputError(f"{where}: {key} is {json_files.shown(found)}, a list is needed")
    return found


def _text(value, key, where):
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise InputError(f"{where}: {key} is {json_files.shown(found)}, a text is needed")
    return found


def _answer(value, where):
    start = value.get("answer_start") if isinstance(value, dict) else None
    if type(start) is not int:
        raise InputError(f"{where}: answer_start is {json_files.shown(start)}, a number of characters is needed")
    return Answer(_text(value, "text", where), start)
