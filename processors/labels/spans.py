"""A part of a text for each question: where answers begin and end, and how predictions of windows become one answer.

Source: google-research/bert, `run_squad.py:write_predictions` and `get_final_text`.
"""

import dataclasses
import json
import logging

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.answering import answer_page
from bertline.processors.answering.spans import RAW, AnswerRules, best_answers
from bertline.processors.base import Question
from bertline.processors.labels.base import Labels, parts_of
from bertline.processors.labels.predictions import FoundAnswer
from bertline.processors.records.feature_spec import Feature
from bertline.processors.text.texts import checked_question

ANSWER_RULES = "answer_rules"  # entry of config.json
# The best threshold is the odds of one question, which another batch or device computes a little otherwise.
ROUNDING = 1e-4


@dataclasses.dataclass(frozen=True)
class SpanAnswer:
    """Attributes:
    text: the answer, "" where there is none.
    start, end: its characters in the context, `context[start:end]`; -1 where there is none.
    nbest: list of bertline.processors.answering.spans.SpanCandidate, the best first.
    null_odds: the score of no answer minus that of the best one; None where each question has an answer.
    """

    text: str
    start: int
    end: int
    nbest: list
    null_odds: float | None

    @property
    def best_text(self):
        """The best answer that is one, whatever the odds; "" where there is none."""
        return next((one.text for one in self.nbest if one.text), "")

    @property
    def probability(self):
        """Of the answer that is given, among the candidates."""
        return next((one.probability for one in self.nbest if one.text == self.text), 0.0)


def answer_of(nbest, null_score, rules):
    """The SpanAnswer of a question: which of its candidates is given.

    Args:
      nbest, null_score: of bertline.processors.answering.spans.best_answers.
      rules: AnswerRules.
    """
    chosen, odds = nbest[0], None
    if rules.has_unanswerable:
        best = next((one for one in nbest if one.text), None)
        odds = 0.0 if best is None else null_score - best.start_logit - best.end_logit
        gives_none = best is None or odds > (rules.null_score_diff_threshold or 0.0)
        chosen = next(one for one in nbest if not one.text) if gives_none else best
    return SpanAnswer(chosen.text, chosen.start, chosen.end, nbest, odds)


@registry.register("labels", "spans")
class SpanLabels(Labels):
    """`start_positions` and `end_positions` int32 [] in a row, 0 (the first token) where its window has no answer.

    Args:
      names: there are none.
      rules: AnswerRules, how answers are chosen; None: the default ones.
    """

    problem_type, verb, input_name = "spans", "answer", "questions"
    needs_texts, report = True, "answers"
    spec = {"start_positions": Feature("int32", absent=-1), "end_positions": Feature("int32", absent=-1)}

    def __init__(self, names=(), rules=None):
        super().__init__()
        self.rules = rules or AnswerRules()

    def encode(self, label, row=None):
        if row["answer"] is None:
            return {}
        start, end = row["answer"]
        return {"start_positions": np.int32(start), "end_positions": np.int32(end)}

    def answers(self, outputs, examples=None, layout=None):
        """list of SpanAnswer; the texts are needed to say them."""
        return self._answers(outputs, examples, layout, layout.features(examples))

    def _answers(self, outputs, examples, layout, rows_of_examples):
        found = []
        for example, rows, part in zip(examples, rows_of_examples, parts_of(outputs), strict=True):
            logits = list(zip(outputs["start_logits"][part], outputs["end_logits"][part]))
            found.append(answer_of(*best_answers(example, rows, logits, layout.tokenizer, self.rules), self.rules))
        return found

    def example(self, given, place="question"):
        """See base class. A pair (question, context) of str, or a dict of both."""
        return Question(place, *checked_question(given, place))

    def sample_inputs(self, texts):
        """See base class."""
        return [("a", text) for text in texts]

    def predictions(self, outputs, examples, layout, rows):
        """See base class: list of FoundAnswer."""
        return [_to_found_answer(one) for one in self._answers(outputs, examples, layout, rows)]

    def golds(self, outputs, examples=None):
        return [None if one.label is None else tuple(answer.text for answer in one.label) for one in examples]

    def check(self, examples, split):
        """See base class; answers were looked for when the file was read."""
        for example in examples:
            if example.label is None and split != "test":
                raise InputError(
                    f"{example.source}: no answers; every {split} question needs one, or --version_2_with_negative"
                )

    def with_config(self, config):
        """See base class: the threshold."""
        rules = config.get(ANSWER_RULES)
        threshold = rules.get("null_score_diff_threshold") if isinstance(rules, dict) else None
        if type(threshold) not in (int, float):
            return self
        return self._with(float(threshold), "as config.json of the model says")

    def with_scores(self, scores):
        """See base class: the threshold of the best F1, where questions with and without an answer were evaluated."""
        found = [value for name, value in scores.items() if name.endswith("best_f1_thresh")]
        has_both = any(name.endswith("no_answer_exact_match") for name in scores)
        if not found or not has_both:
            return self
        return self._with(found[0] + ROUNDING, "which gives the best F1 of this evaluation")

    def _with(self, threshold, why):
        if self.rules.null_score_diff_threshold is not None:
            return self
        logging.info("--null_score_diff_threshold=%.6g, %s", threshold, why)
        return SpanLabels(rules=dataclasses.replace(self.rules, null_score_diff_threshold=threshold))

    def config_entries(self):
        """See base class."""
        return {ANSWER_RULES: dataclasses.asdict(self.rules)}

    @classmethod
    def saved_options(cls, config):
        """See base class. Answers are given as the context has them, so that they have a place in it."""
        said = config.get(ANSWER_RULES)
        if said is None:
            return {}
        if not isinstance(said, dict) or any(name in said and not fits(said[name]) for name, fits in _RULES.items()):
            raise InputError(
                f"{ANSWER_RULES} is {json_files.excerpt(said)}; n_best_size and max_answer_length above 0, "
                "has_unanswerable true or false, and a number or null for null_score_diff_threshold are needed"
            )
        return {"rules": AnswerRules(**{name: said[name] for name in _RULES if name in said}, answer_text=RAW)}

    def prediction_files(self, answers, examples=None, truncated=None, file_format="tsv"):
        """predictions.json, nbest_predictions.json and, where questions may have no answer, null_odds.json, as the
        original writes them; predictions.html: answers marked in their contexts.
        """
        ids = [example.guid for example in examples]
        files = {
            "predictions.json": {guid: one.text for guid, one in zip(ids, answers)},
            "nbest_predictions.json": {guid: list(map(_entry, one.nbest)) for guid, one in zip(ids, answers)},
        }
        if self.rules.has_unanswerable:
            files["null_odds.json"] = {guid: one.null_odds for guid, one in zip(ids, answers)}
        lines = {name: json.dumps(content, indent=4).split("\n") for name, content in files.items()}
        return {**lines, "predictions.html": answer_page.page(answers, examples)}

    def counts(self, labels):
        """See base class."""
        without = sum(label == () for label in labels)
        found = {"with an answer": len(labels) - without, "without an answer": without}
        return {name: count for name, count in found.items() if count}

    def distribution(self, labels):
        without = sum(label == () for label in labels)
        return f"{len(labels) - without} questions with an answer" + (f", {without} without" if without else "")


# Entry of `answer_rules` in config.json -> whether a value is one.
_RULES = {
    "n_best_size": lambda value: type(value) is int and value > 0,
    "max_answer_length": lambda value: type(value) is int and value > 0,
    "has_unanswerable": lambda value: type(value) is bool,
    "null_score_diff_threshold": lambda value: value is None or type(value) in (int, float),
}


def _to_found_answer(answer):
    """The FoundAnswer of a SpanAnswer."""
    nbest = tuple(
        {
            "text": one.text,
            "score": one.probability,
            **_place(one),
            "start_logit": one.start_logit,
            "end_logit": one.end_logit,
        }
        for one in answer.nbest
    )
    chosen = next(one for one in answer.nbest if one.text == answer.text)
    return FoundAnswer(answer.text, chosen.probability, **_place(chosen), null_score=answer.null_odds, nbest=nbest)


def _place(one):
    """start and end of a SpanCandidate; None where it is no answer."""
    return {"start": one.start, "end": one.end} if one.text else {"start": None, "end": None}


def _entry(one):
    """What nbest_predictions.json says of a SpanCandidate."""
    return {name: getattr(one, name) for name in ("text", "probability", "start_logit", "end_logit")}
