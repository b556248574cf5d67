"""Scores of answers: the official program's numbers for its predictions, and its rules, stated again."""

import gzip
import json
import re
import types

import pytest

from bertline import registry
from bertline.processors.answering.question_files import read_questions
from bertline.training.scores.chinese_answers import segments


def answer(text, odds=None, best=None):
    return types.SimpleNamespace(text=text, null_odds=odds, best_text=text if best is None else best)


def score(name, pairs):
    found = registry.get("score", name)()
    for gold, given in pairs:
        found.update(gold, given)
    return found.result()


@pytest.mark.real_data
@pytest.mark.parametrize("file, threshold", [("official_no_na", None), ("official_with_na", 0.5)])
def test_scores_and_thresholds_are_the_official_ones(golden_dir, data_dir, file, threshold):
    folder = golden_dir / "techniques" / "squad_official_scorer"

    def read(name):
        with gzip.open(folder / name, "rt", encoding="utf-8") as opened:
            return json.load(opened)

    predictions, odds = read("predictions.json.gz"), read("na_prob.json.gz") if threshold else {}
    pairs = []
    for one in read_questions(data_dir / "squad2_half_dev" / "dev-v2.0.json", has_unanswerable=True):
        text, none = predictions[one.guid], odds.get(one.guid)
        given = "" if threshold and none > threshold else text
        pairs.append((tuple(a.text for a in one.label), answer(given, none, text)))
    found, expected = score("answer_f1", pairs), json.loads((folder / f"{file}.json").read_text())
    names = {
        "exact": "exact_match",
        "f1": "answer_f1",
        "HasAns_exact": "has_answer_exact_match",
        "HasAns_f1": "has_answer_answer_f1",
        "NoAns_exact": "no_answer_exact_match",
        "NoAns_f1": "no_answer_answer_f1",
        "best_exact": "best_exact",
        "best_exact_thresh": "best_exact_thresh",
        "best_f1": "best_f1",
        "best_f1_thresh": "best_f1_thresh",
    }
    expected = {names[name]: value for name, value in expected.items() if not name.endswith("total")}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "pairs, best, threshold",
    [
        ([(("a b",), answer("", 2.0, "b")), ((), answer("", 3.0, "c"))], 100.0, 2.0),
        ([(("x",), answer("", 2.0, "b")), ((), answer("", 3.0, "c"))], 50.0, 1.0),  # no answer at all is best
        ([(("x y",), answer("", -1.0, "x")), ((), answer("", -2.0, ""))], 100 * (1 + 2 / 3) / 2, -1.0),
    ],
)
def test_the_threshold_that_is_best(pairs, best, threshold):
    found = score("answer_f1", pairs)
    assert (found["best_f1"], found["best_f1_thresh"]) == pytest.approx((best, threshold))


def test_where_each_question_has_an_answer_there_is_no_threshold():
    found = score("answer_f1", [(("a cat", "The Dog!"), answer("dog")), (("x",), answer("y"))])
    assert found == {"answer_f1": 50.0, "exact_match": 50.0}


# The official program's list; the entry of two characters never matches one.
PUNCTUATION = [*"-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』", "……"]


def official_segments(text):
    """cmrc2018_evaluate.py:mixed_segmentation, stated again; words instead of NLTK's."""
    found, other = [], ""
    for character in text.lower().strip():
        if character in PUNCTUATION:
            continue
        if "\u4e00" <= character <= "\u9fa5":
            found += [*re.findall(r"\w+|[^\w\s]", other), character]
            other = ""
        else:
            other += character
    return found + re.findall(r"\w+|[^\w\s]", other)


def longest_common(gold, given):
    """The official program's, over all pairs of places."""
    best = 0
    for i in range(len(gold)):
        for j in range(len(given)):
            length = 0
            while i + length < len(gold) and j + length < len(given) and gold[i + length] == given[j + length]:
                length += 1
            best = max(best, length)
    return best


@pytest.mark.parametrize(
    "golds, given, exact",
    [
        (("光荣和ω-force",), "光荣和", 0.0),
        (("《战国无双3》", "战国无双3"), "战国无双３".replace("３", "3"), 1.0),
        (("于1950年12月24日", "1950年"), "1950年12月。", 0.0),
        (("NBA，2011",), "nba 2011", 0.0),
        (("便利店",), "超市", 0.0),
        (("便利店",), "", 0.0),
        (("便利店、洗衣店",), "便利店洗衣店！", 1.0),
    ],
)
def test_chinese_answers_are_scored_by_characters(golds, given, exact):
    found = score("chinese_answer_f1", [(golds, answer(given))])
    shares = []
    for gold in golds:
        one, other = official_segments(gold), official_segments(given)
        common = longest_common(one, other)
        shares.append(2 * common / (len(one) + len(other)) if common else 0.0)
    assert found == pytest.approx({"chinese_answer_f1": 100 * max(shares), "chinese_exact_match": 100 * exact})


def test_segments_are_characters_and_words():
    assert segments("光荣和ω-Force于2011年,") == ["光", "荣", "和", "ωforce", "于", "2011", "年", ","]
    assert segments("3.5万，1,000 u.s. 5%…") == ["3.5", "万", "1,000", "u.s", ".", "5", "%", "…"]
    assert segments("New York (纽约)") == ["new", "york", "(", "纽", "约", ")"]
