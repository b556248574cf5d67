"""predictions.html of answers: wrong ones first, marks at the right characters, no text is taken for markup."""

import html
import re

from bertline.processors.answering.answer_page import MOST_CHARACTERS, page
from bertline.processors.answering.spans import SpanCandidate
from bertline.processors.base import Answer, Question
from bertline.processors.labels.spans import SpanAnswer

CONTEXT = "Ida <b>met</b> Leo in New Ulm on Monday."


def answer(context, text):
    start = context.index(text) if text else -1
    end = start + len(text) if text else -1
    best = SpanCandidate(text, start, end, 1.0, 2.0, 0.75)
    return SpanAnswer(text, start, end, [best, SpanCandidate("", -1, -1, 0.0, 0.0, 0.25)], None)


def question(number, label, context=CONTEXT):
    found = None if label is None else tuple(Answer(text, context.index(text)) for text in label)
    return Question(f"q{number}", "where <i>?", context, found, f"dev.json: qas[{number}]")


def marks(shown, name):
    return re.findall(rf'<mark class="[^"]*{name}[^"]*">(.*?)</mark>', shown)


def test_wrong_answers_come_first_with_both_marked():
    examples = [question(0, ["Leo"]), question(1, ["New Ulm"]), question(2, [])]
    shown = "\n".join(page([answer(CONTEXT, "leo".title()), answer(CONTEXT, "in New"), answer(CONTEXT, "")], examples))
    assert re.findall(r"qas\[(\d)\]", shown) == ["1", "0", "2"] and shown.count('class="error"') == 1
    _, first, second, third = shown.split("<article>")
    assert marks(first, "predicted") == ["in ", "New"] and marks(first, "gold") == ["New", " Ulm"]
    assert marks(second, "predicted") == marks(second, "gold") == ["Leo"] and not marks(third, "")
    texts = re.findall(r'<p class="text" dir="auto">(.*?)</p>', shown)
    assert [html.unescape(re.sub("</?mark[^>]*>", "", one)) for one in texts] == [CONTEXT] * 3
    assert "<i>?" not in shown and "<b>" not in shown and "3 questions, 1 of them" in shown and "http" not in shown


def test_of_a_long_context_the_part_around_the_answer_is_shown():
    context = "x" * 5000 + " Leo " + "y" * 5000
    [text] = re.findall(
        r'<p class="text" dir="auto">(.*?)</p>', "\n".join(page([answer(context, "Leo")], [question(0, None, context)]))
    )
    assert text.startswith("…x") and text.endswith("y…") and len(text) < MOST_CHARACTERS + 100 and "Leo" in text
