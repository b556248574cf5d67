"""Scores of answers, as SQuAD's official program counts them: in percent, of the right answer that fits best.

Source: Rajpurkar et al. 2016, section 6.1, and 2018; evaluate-v2.0.py.
"""

import collections
import re
import string

import registry
from training.score import Score

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@registry.register("score", "answer_f1")
class AnswerF1(Score):
    """F1 over words, and exact matches; of questions with an answer and of those without one too, where both occur."""

    def __init__(self):
        self._found = {"has_answer": [], "no_answer": []}

    def update(self, gold, answer):
        texts = [text for text in gold if normalized(text)] or [""]
        kind = "has_answer" if gold else "no_answer"
        self._found[kind].append(
            (max(float(normalized(text) == normalized(answer.text)) for text in texts),
             max(f1(text, answer.text) for text in texts))
        )  # fmt: skip

    def result(self):
        every = [pair for pairs in self._found.values() for pair in pairs]
        found = _means("", every)
        if all(self._found.values()):
            for kind, pairs in self._found.items():
                found |= _means(f"{kind}_", pairs)
        return found


def _means(prefix, pairs):
    exact, overlap = (100.0 * sum(values) / max(1, len(pairs)) for values in zip(*pairs or [(0.0, 0.0)]))
    return {f"{prefix}answer_f1": overlap, f"{prefix}exact_match": exact}


def normalized(text):
    """Lower case, without punctuation, articles and more than one blank in a row."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def f1(gold, answer):
    """Of the words of two texts, 0 to 1; 1 where both have none."""
    gold, answer = normalized(gold).split(), normalized(answer).split()
    if not gold or not answer:
        return float(gold == answer)
    common = (collections.Counter(gold) & collections.Counter(answer)).total()
    return 2.0 * common / (len(gold) + len(answer))
