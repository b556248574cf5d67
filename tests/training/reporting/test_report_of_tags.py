"""report.html of a tagger: types as seqeval counts them, sentences with their surest wrong word first."""

import collections
import re

import numpy as np
import pytest
from seqeval.metrics import classification_report
from small_reports import EVIL, page, table

from bertline.processors.base import TaggedWords
from bertline.processors.labels.base import make_labels
from bertline.training.evaluation.evaluated import evaluate

TAGS = ("B-x", "I-x", "B-y", "I-y", "O")


def tagged(tags, count=60, word="word", right=0.8):
    """An Evaluated of random sentences."""
    draw, labels = np.random.default_rng(2), make_labels("tags", tags)
    golds = [list(draw.choice(tags, draw.integers(1, 9))) for _ in range(count)]
    found = [[tag if draw.random() < right else str(draw.choice(tags)) for tag in one] for one in golds]
    sure = [draw.uniform(0.3, 1.0, len(one)) for one in golds]
    examples = [
        TaggedWords(f"s-{i}", tuple(f"{word}{j}" for j in range(len(one))), tuple(one), f"dev:{i}")
        for i, one in enumerate(golds)
    ]
    scores = ("entity_f1", "tag_accuracy") if "O" in tags else ("tag_accuracy",)
    return evaluate("dev", labels, scores, golds, found, examples, sure)


def test_types_are_those_of_seqeval(tmp_path):
    one = tagged(TAGS)
    rows = {row[0]: row[1:] for row in table(page(tmp_path, one), "type")[1:]}
    expected = classification_report(one.golds, one.answers, output_dict=True)
    assert set(rows) == {"x", "y"}
    for name, row in rows.items():
        theirs = [expected[name][key] for key in ("precision", "recall", "f1-score", "support")]
        assert [float(cell) for cell in row[:4]] == pytest.approx(theirs, abs=1e-4)
        assert sum(map(int, row[5:])) == pytest.approx(
            int(row[3]) * (1 - float(row[1])), abs=0.1
        )  # all that is not found


def test_what_became_of_entities(tmp_path):
    golds = [["B-x", "I-x", "O"], ["B-x", "I-x", "O"], ["O", "B-y", "O"], ["B-y", "O", "O"]]
    found = [["B-y", "I-y", "O"], ["O", "B-x", "O"], ["O", "O", "B-y"], ["B-y", "O", "O"]]
    examples = [TaggedWords(f"s-{i}", ("a", "b", "c"), tuple(one)) for i, one in enumerate(golds)]
    sure = [np.full(3, 0.5)] * 4
    one = evaluate("dev", make_labels("tags", TAGS), ("entity_f1",), golds, found, examples, sure)
    rows = {row[0]: row[-3:] for row in table(page(tmp_path, one), "type")[1:]}
    assert rows == {"x": ["1", "1", "0"], "y": ["0", "0", "1"]}  # other type, other words, missed


def test_the_surest_wrong_word_comes_first(tmp_path):
    one = tagged(TAGS)
    shown = page(tmp_path, one)
    surest = {
        i: max((p for p, a, b in zip(sure, gold, answer) if a != b), default=-1.0)
        for i, (sure, gold, answer) in enumerate(zip(one.confidences, one.golds, one.answers))
    }
    wrong = sorted((i for i in surest if surest[i] >= 0), key=lambda i: -surest[i])[:20]
    doubtful = sorted(surest, key=lambda i: one.confidences[i].min())[:20]
    assert re.findall(r'<article><p class="where">dev:(\d+)<', shown) == [str(i) for i in [*wrong, *doubtful]]
    place = int(
        np.argmax(
            [p if a != b else -1 for p, a, b in zip(*(s[wrong[0]] for s in (one.confidences, one.golds, one.answers)))]
        )
    )
    gold, answer = one.golds[wrong[0]][place], one.answers[wrong[0]][place]
    assert f"word{place}: predicted {answer} ({surest[wrong[0]]:.1%}), right {gold}" in shown
    errors = {row[0]: float(row[1]) for row in table(shown, "")[1:]}
    sure, right = (
        np.concatenate(side) for side in (one.confidences, [np.equal(*pair) for pair in zip(one.golds, one.answers)])
    )
    bins = collections.defaultdict(list)
    for p, ok in zip(sure, right):
        bins[min(int(p * 15), 14)].append(p - ok)
    assert errors["expected calibration error"] == pytest.approx(
        sum(abs(sum(b)) for b in bins.values()) / len(sure), abs=1e-4
    )


def test_parts_of_speech_have_a_table_and_a_confusion(tmp_path):
    one = tagged(("NN", "VB", "DT"), word=EVIL)
    shown = page(tmp_path, one)
    rows = {row[0]: row[1:] for row in table(shown, "tag")[1:]}
    words = [(a, b) for pair in zip(one.golds, one.answers) for a, b in zip(*pair)]
    for name, row in rows.items():
        right = sum(a == b == name for a, b in words)
        assert float(row[1]) == pytest.approx(right / sum(a == name for a, _ in words), abs=1e-4)
    cells = {row[0]: row[1:] for row in table(shown, "label \\ predicted")[1:]}
    assert int(cells["DT"][1]) == sum(pair == ("DT", "NN") for pair in words)
    assert "<script" not in shown and "entities" not in shown


def test_records_and_empty_sentences_have_a_page(tmp_path):
    one = tagged(TAGS, count=3)
    records = evaluate("dev", one.labels, ("entity_f1",), one.golds, one.answers, None, one.confidences)
    assert "<article" not in page(tmp_path, records)
    empty = evaluate("dev", one.labels, ("entity_f1",), [[]], [[]], [TaggedWords("s", (), ())], [np.zeros(0)])
    assert "entity_f1" in page(tmp_path, empty)
