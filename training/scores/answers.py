"""Scores of answers, as SQuAD's official program counts them: in percent, of the right answer that fits best.

Source: Rajpurkar et al. 2016, section 6.1, and 2018; evaluate-v2.0.py.
"""

import collections
import re
import string

import numpy as np

from bertline import registry
from bertline.training.scores.score import Score, of_sums

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class AnswerScore(Score):
    """Base: exact matches and an overlap, of questions with an answer and of those without one too, where both occur.

    Where questions may have no answer, also the best of both that a threshold of their `null_odds` gives, and that
    threshold, which is below all of them where no answer is best.

    Attributes:
      prefix: of the names of all that is told.
    """

    problem_types = ("spans",)
    prefix = ""

    def __init__(self):
        self._found = {"has_answer": [], "no_answer": []}
        self._candidates = []

    def normalize(self, text):
        """What texts are compared by for an exact match."""
        raise NotImplementedError

    def overlap(self, gold, text):
        """Float, 0 to 1, of two texts."""
        raise NotImplementedError

    def update(self, gold, answer):
        texts = [text for text in gold if self.normalize(text)] or [""]
        self._found["has_answer" if gold else "no_answer"].append(self._pair(texts, answer.text))
        odds = getattr(answer, "null_odds", None)
        if odds is not None:
            best = answer.best_text
            # An answer that is given moves the score by what it is worth, or by -1 where none is right.
            worth = self._pair(texts, best) if gold else (-float(bool(best)),) * 2
            self._candidates.append((odds, *worth))

    def _pair(self, texts, answer):
        exact = max(float(self.normalize(text) == self.normalize(answer)) for text in texts)
        return exact, max(self.overlap(text, answer) for text in texts)

    def result(self):
        every = [pair for pairs in self._found.values() for pair in pairs]
        found = self._means("", every)
        if all(self._found.values()):
            for kind, pairs in self._found.items():
                found |= self._means(f"{kind}_", pairs)
        return found | self._best() if self._candidates else found

    def resampling(self):
        """Of the means; the best threshold is none."""
        has, without = (np.array(pairs).reshape(-1, 2) for pairs in self._found.values())
        rows = np.zeros([len(has) + len(without), 6])  # exact, overlap and number of either kind
        rows[: len(has), :2], rows[: len(has), 2] = has, 1.0
        rows[len(has) :, 3:5], rows[len(has) :, 5] = without, 1.0
        names = [f"{self.prefix}{{}}{name}" for name in ("exact_match", "answer_f1")]

        def of(sums):
            kinds = {"": sums[:, :3] + sums[:, 3:]}
            if len(has) and len(without):
                kinds |= {"has_answer_": sums[:, :3], "no_answer_": sums[:, 3:]}
            return {
                name.format(kind): 100.0 * np.divide(total[:, i], total[:, 2], out=_nan(total), where=total[:, 2] > 0)
                for kind, total in kinds.items()
                for i, name in enumerate(names)
            }

        return of_sums(rows, of)

    def _means(self, kind, pairs):
        exact, overlap = (100.0 * sum(values) / max(1, len(pairs)) for values in zip(*pairs or [(0.0, 0.0)]))
        return {f"{self.prefix}{kind}answer_f1": overlap, f"{self.prefix}{kind}exact_match": exact}

    def _best(self):
        found, count, without = {}, len(self._candidates), len(self._found["no_answer"])
        for place, name in ((1, "exact"), (2, "f1")):
            worths = [(one[0], one[place]) for one in self._candidates]
            best, threshold = best_threshold(worths, without)
            found |= {f"{self.prefix}best_{name}": 100.0 * best / count, f"{self.prefix}best_{name}_thresh": threshold}
        return found


def _nan(total):
    return np.full(len(total), np.nan)


@registry.register("score", "answer_f1")
class AnswerF1(AnswerScore):
    """F1 over words, and exact matches."""

    def normalize(self, text):
        return normalize(text)

    def overlap(self, gold, text):
        return f1(gold, text)


def best_threshold(worths, start):
    """(the highest sum, the odds up to which answers are given for it).

    Args:
      worths: (odds of no answer, what the sum gains by giving the answer) of each question.
      start: float, the sum where no answer is given.

    Source: evaluate-v2.0.py:find_best_thresh, which says 0 where no answer is best.
    """
    worths = sorted(worths, key=lambda one: one[0])
    best, threshold, total = start, worths[0][0] - 1.0, start
    for odds, worth in worths:
        total += worth
        if total > best:
            best, threshold = total, odds
    return best, threshold


def normalize(text):
    """Lower case, without punctuation, articles and more than one blank in a row."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def f1(gold, answer):
    """Of the words of two texts, 0 to 1; 1 where both have none."""
    gold, answer = normalize(gold).split(), normalize(answer).split()
    if not gold or not answer:
        return float(gold == answer)
    common = (collections.Counter(gold) & collections.Counter(answer)).total()
    return 2.0 * common / (len(gold) + len(answer))
