"""From logits of the windows of a text to the best answers in it.

Source: google-research/bert, `run_squad.py:write_predictions`, `_get_best_indexes` and `get_final_text`.
"""

import dataclasses
import math

import numpy as np

from bertline.processors.tokenizers.rules.normalization import BasicTokenizer

RAW, ORIGINAL = "raw", "original"


@dataclasses.dataclass(frozen=True)
class AnswerRules:
    """How answers are chosen.

    Attributes:
      n_best_size: best starts and ends of a window that are combined, and answers that are kept.
      max_answer_length: pieces of the longest answer.
      has_unanswerable: whether a question may have no answer.
      null_score_diff_threshold: no answer is given where its score is higher by more than this; None: not decided.
      answer_text: RAW, the characters of the context as they stand there; ORIGINAL, as the original gives them: words
        joined by single blanks, of the first place in them that looks like the predicted tokens.
    """

    n_best_size: int = 20
    max_answer_length: int = 30
    has_unanswerable: bool = False
    null_score_diff_threshold: float | None = None
    answer_text: str = RAW


@dataclasses.dataclass(slots=True)
class SpanCandidate:
    """An answer that is possible.

    Attributes:
      text: "" for no answer.
      start, end: its characters in the context, `context[start:end]`; -1 for no answer.
      start_logit, end_logit: float.
      probability: among the candidates of its question.
    """

    text: str
    start: int
    end: int
    start_logit: float
    end_logit: float
    probability: float = 0.0

    @property
    def score(self):
        return self.start_logit + self.end_logit


def best_answers(example, rows, logits, tokenizer, rules):
    """The n best answers of a question.

    Args:
      example: a Question.
      rows: of QuestionWindows, one for each window.
      logits: (start float [tokens], end float [tokens]) of each window.
      tokenizer: that of the rows, which ORIGINAL texts are made by.
      rules: AnswerRules.

    Returns:
      (list of SpanCandidate, the best first, no answer among them where there may be none; the score of no answer, 0
      where each question has one.)
    """
    spans, null = [], None
    for window, (row, (starts, ends)) in enumerate(zip(rows, logits)):
        nothing = SpanCandidate("", -1, -1, float(starts[0]), float(ends[0]))
        if rules.has_unanswerable and (null is None or nothing.score < null.score):
            null, null_window = nothing, window
        spans += [(window, *one) for one in _spans(row, starts, ends, rules)]
    if null:
        spans.append((null_window, 0, 0, null.start_logit, null.end_logit))
    spans.sort(key=lambda one: one[3] + one[4], reverse=True)
    found = {}
    for window, start, end, *scores in spans:
        if len(found) >= rules.n_best_size:
            break
        one = _candidate(example, rows[window], start, end, scores, tokenizer, rules) if start else null
        found.setdefault(one.text, one)
    if null:
        found.setdefault("", null)
    nbest = list(found.values()) or [SpanCandidate("", -1, -1, 0.0, 0.0)]
    for one, probability in zip(nbest, _softmax([one.score for one in nbest])):
        one.probability = probability
    return nbest, null.score if null else 0.0


def _spans(row, starts, ends, rules):
    """(first token, last token, start logit, end logit) of the answers that a window can give, best starts first."""
    inside, length = row["word_of_token"] >= 0, len(row["word_of_token"])
    first = _best(starts, rules.n_best_size, inside & row["has_most_context"])
    last = _best(ends, rules.n_best_size, inside)
    fits = (first[:, None] <= last) & (last - first[:, None] < min(rules.max_answer_length, length))
    pairs = zip(*(numbers.tolist() for numbers in np.nonzero(fits)))
    return [(int(first[i]), int(last[j]), float(starts[first[i]]), float(ends[last[j]])) for i, j in pairs]


def _best(logits, count, allowed):
    """The numbers of the `count` highest logits, of equal ones the first, as far as they are allowed."""
    best = np.argsort(-np.asarray(logits), kind="stable")[:count]
    best = best[best < len(allowed)]
    return best[allowed[best]]


def _softmax(scores):
    highest = max(scores)
    shares = [math.exp(score - highest) for score in scores]
    total = sum(shares)
    return [share / total for share in shares]


def _candidate(example, row, first, last, scores, tokenizer, rules):
    """The SpanCandidate that some tokens of a window stand for."""
    start, end = int(row["offsets"][first, 0]), int(row["offsets"][last, 1])
    if rules.answer_text == RAW:
        return SpanCandidate(example.context[start:end], start, end, *scores)
    words = row["words"][row["word_of_token"][first] : row["word_of_token"][last] + 1]
    tokens = tokenizer.convert_ids_to_tokens(row["input_ids"][first : last + 1].tolist())
    predicted = " ".join(" ".join(tokens).replace(" ##", "").replace("##", "").split())
    basic = getattr(tokenizer, "basic_tokenizer", None) or BasicTokenizer(tokenizer.do_lower_case)
    return SpanCandidate(final_text(predicted, " ".join(words), basic), start, end, *scores)


def final_text(predicted, original, basic_tokenizer):
    """The part of `original` that the tokens `predicted`, which lack its case and accents, stand for.

    All of it, where both do not fit together character by character.
    """
    normal = " ".join(basic_tokenizer.tokenize(original))
    start = normal.find(predicted)
    if start == -1:
        return original
    places, normal_places = (_without_blanks(text) for text in (original, normal))
    if len(places) != len(normal_places):
        return original
    number = {place: i for i, place in enumerate(normal_places)}
    first, last = number.get(start), number.get(start + len(predicted) - 1)
    if first is None or last is None:
        return original
    return original[places[first] : places[last] + 1]


def _without_blanks(text):
    """The places of all characters that are no blank."""
    return [i for i, character in enumerate(text) if character != " "]
