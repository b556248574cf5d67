"""predictions.html: what is wrong comes first, and no text is taken for markup."""

import html
import re

from bertline.processors.base import TaggedWords
from bertline.processors.tagging.tag_page import page

EVIL = "<script>alert('x')</script>&amp;"


def example(number, words, label):
    text = " ".join(words)
    starts = [len(" ".join(words[:i])) + (i > 0) for i in range(len(words))]
    offsets = tuple((start, start + len(word)) for start, word in zip(starts, words))
    return TaggedWords(f"s{number}", tuple(words), label, f"dev.txt:{number}", text, offsets)


def texts(shown):
    found = re.findall(r'<p class="text" dir="auto">(.*?)</p>', shown, re.DOTALL)
    return [html.unescape(re.sub("<[^>]+>", "", re.sub("<small>.*?</small>", "", one))) for one in found]


def test_errors_come_first_gold_beside_predicted():
    rows = [example(1, ["Ida", "left"], ("B-PER", "O")), example(2, [EVIL, "Rome", "x"], ("O", "B-LOC", "O"))]
    shown = "\n".join(page([["B-PER", "O"], ["B-PER", "O", "B-LOC"]], rows))
    assert re.findall(r'class="where">(\S+?)(?: <|</p>)', shown) == ["dev.txt:2", "dev.txt:1"]
    assert texts(shown) == [rows[1].text] * 2 + [rows[0].text] * 2 and "<script" not in shown
    wrong = re.findall(r'<mark class="wrong"[^>]*>(.*?)<small>(.*?)</small>', shown)
    assert wrong == [("Rome", "LOC"), (html.escape(EVIL), "PER"), ("x", "LOC")]
    assert "errors: 3" in shown and "2 sentences, 1 of them with errors" in shown
    assert "http" not in shown.replace("http-equiv", "")  # nothing is fetched


def test_parts_of_speech_show_the_words_that_are_wrong():
    shown = "\n".join(page([["DT", "NN"]], [example(1, ["a", "run"], ("DT", "VB"))]))
    wrong = re.findall(r'<mark class="wrong"[^>]*>(.*?)<small>(.*?)</small>', shown)
    assert wrong == [("run", "VB"), ("run", "NN")] and texts(shown) == ["a run", "a run"]


def test_without_right_tags_there_is_one_side():
    shown = "\n".join(page([["B-<b>"]], [example(1, ["Ida"], None)]))
    assert "gold" not in shown and "&lt;b&gt;" in shown and "<b>" not in shown
