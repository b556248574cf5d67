"""report.html of answers in texts: whether there is one, and questions in the order of how sure a wrong answer is."""

import re

import numpy as np
import pytest
from small_reports import EVIL, page, table

from bertline.processors.answering.spans import AnswerRules, SpanCandidate
from bertline.processors.base import Answer, Question
from bertline.processors.labels.base import make_labels
from bertline.processors.labels.spans import SpanAnswer
from bertline.training.evaluation.evaluated import evaluate

CONTEXT = f"The red fox saw {EVIL} and a dog."


def candidate(text, probability):
    start = CONTEXT.index(text) if text else -1
    return SpanCandidate(text, start, start + len(text) if text else -1, 1.0, 1.0, probability)


def answer(text, probability, second=0.0):
    best = candidate(text, probability)
    return SpanAnswer(text, best.start, best.end, [best, candidate("dog", second)], 0.0)


GOLDS = ("red fox", "red fox", "", EVIL, "")
ANSWERS = [
    answer("red fox", 0.9, 0.05),
    answer("fox", 0.7, 0.2),
    answer("", 0.6, 0.5),
    answer("red", 0.8, 0.1),
    answer("saw", 0.4, 0.3),
]


@pytest.fixture
def evaluated():
    examples = [
        Question(f"q-{i}", f"who {EVIL}?", CONTEXT, (Answer(gold, CONTEXT.index(gold)),) if gold else (), f"dev:{i}")
        for i, gold in enumerate(GOLDS)
    ]
    labels = make_labels("spans", (), rules=AnswerRules(has_unanswerable=True))
    return evaluate("dev", labels, ("answer_f1",), labels.golds({}, examples), ANSWERS, examples)


def test_errors_and_doubts_come_in_order(tmp_path, evaluated):
    shown = page(tmp_path, evaluated)
    order = re.findall(r'<article><p class="where">dev:(\d)', shown)
    assert order == ["3", "1", "4", "2", "4", "1", "3", "0"]  # wrong ones by probability, then all by their lead
    assert "<script" not in shown and '<mark class="predicted">' in shown
    cells = [row[1:] for row in table(shown, "label \\ predicted")[1:]]
    assert cells == [["3", ""], ["1", "1"]]
    error = next(row for row in table(shown, "")[1:] if row[0] == "expected calibration error")
    right, sure = np.array([1, 0, 1, 0, 0]), np.array([0.9, 0.7, 0.6, 0.8, 0.4])
    assert float(error[1]) == pytest.approx(np.mean(np.abs(right - sure)), abs=1e-4)  # each in a bin of its own


def test_scores_have_intervals_of_either_kind_of_question(tmp_path, evaluated):
    rows = {row[0]: row[1:] for row in table(page(tmp_path, evaluated), "score")[1:]}
    assert rows["exact_match"][0] == "40.00" and " to " in rows["exact_match"][1]
    assert " to " in rows["no_answer_exact_match"][1] and rows["best_f1"][1] == "–"
