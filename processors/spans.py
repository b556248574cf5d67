"""From logits of the windows of a text to the best answers in it.

Source: google-research/bert, `run_squad.py:write_predictions`, `_get_best_indexes` and `get_final_text`.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class AnswerRules:
    """How answers are chosen.

    Attributes:
      n_best_size: best starts and ends of a window that are combined, and answers that are kept.
      max_answer_length: pieces of the longest answer.
      has_unanswerable: whether a question may have no answer.
      null_score_diff_threshold: no answer is given where its score is higher by more than this.
    """

    n_best_size: int = 20
    max_answer_length: int = 30
    has_unanswerable: bool = False
    null_score_diff_threshold: float = 0.0


def best_answers(example, rows, logits, tokenizer, rules):
    """The n best answers of a question.

    Args:
      example: a Question.
      rows: of QuestionWindows, one for each window.
      logits: (start float [tokens], end float [tokens]) of each window.

    Returns:
      (list of dicts text, probability, start_logit, end_logit, the best first; the score of no answer.)
    """
    candidates, null = [], None
    for window, (row, (starts, ends)) in enumerate(zip(rows, logits)):
        if rules.has_unanswerable and (null is None or starts[0] + ends[0] < sum(null[2:])):
            null = 0, 0, float(starts[0]), float(ends[0])
            null_window = window
        candidates += [(window, *one) for one in _spans(row, starts, ends, rules)]
    if null:
        candidates.append((null_window, *null))
    candidates.sort(key=lambda one: one[3] + one[4], reverse=True)
    found = {}
    for window, start, end, start_logit, end_logit in candidates:
        if len(found) >= rules.n_best_size:
            break
        text = _text(example, rows[window], start, end, tokenizer) if start else ""
        found.setdefault(text, (start_logit, end_logit))
    if null and "" not in found:
        found[""] = null[2:]
    found = found or {"": (0.0, 0.0)}
    probabilities = _softmax([start + end for start, end in found.values()])
    nbest = [
        {"text": text, "probability": probability, "start_logit": start, "end_logit": end}
        for (text, (start, end)), probability in zip(found.items(), probabilities)
    ]
    return nbest, sum(null[2:]) if null else 0.0


def _spans(row, starts, ends, rules):
    """Yields (start, end, start logit, end logit) of the answers that a window can give."""
    words, length = row["word_of_token"], len(row["word_of_token"])
    best_starts, best_ends = _best(starts, rules.n_best_size), _best(ends, rules.n_best_size)
    for start in best_starts:
        if start >= length or words[start] < 0 or not row["has_most_context"][start]:
            continue
        for end in best_ends:
            if start <= end < length and words[end] >= 0 and end - start < rules.max_answer_length:
                yield start, end, float(starts[start]), float(ends[end])


def _best(logits, count):
    """The numbers of the highest logits, of equal ones the first."""
    return sorted(range(len(logits)), key=lambda i: -logits[i])[:count]


def _softmax(scores):
    highest = max(scores)
    shares = [math.exp(score - highest) for score in scores]
    return [share / sum(shares) for share in shares]


def _text(example, row, start, end, tokenizer):
    """The part of the context that some tokens of a window stand for."""
    words = row["words"][row["word_of_token"][start] : row["word_of_token"][end] + 1]
    tokens = tokenizer.convert_ids_to_tokens(row["input_ids"][start : end + 1].tolist())
    predicted = " ".join(" ".join(tokens).replace(" ##", "").replace("##", "").split())
    return final_text(predicted, " ".join(words), tokenizer.basic_tokenizer)


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
