"""Where answers stand in their contexts: data sets have some that do not stand where they are said to."""

import dataclasses
import logging
import re

from bertline.errors import InputError
from bertline.processors.base import Answer

SHOWN = 5  # questions that a warning names
NOWHERE = -1  # the place of an answer that its context does not have


def place_answer(answer, context):
    """The Answer with the text that the context has, and its place.

    White space of any kind and number counts as equal. An answer that is not at its `start` is taken from the nearest
    place that has it, of two equally near ones from the first.

    Args:
      answer: an Answer.
      context: str.

    Returns:
      An Answer; None where the context does not have it, or where it has no text.
    """
    text, start = answer.text, answer.start
    if start >= 0 and text.strip() and context.startswith(text, start):
        return answer
    words = text.split()
    if not words:
        return None
    pattern = re.compile(r"\s+".join(map(re.escape, words)))
    found = min(pattern.finditer(context), key=lambda match: abs(match.start() - start), default=None)
    return found and Answer(found[0], found.start())


def place_answers(questions, path, leave_out=False, list_all=False):
    """The questions, with the right places of their answers; a warning counts and names those that were wrong.

    An answer that its context does not have stays, for scores, with the place `NOWHERE`.

    Args:
      questions: list of Question.
      path: of their file, for the warning.
      leave_out: whether questions are left out that have answers, but none in their context: nothing can be learned of
        them.
      list_all: whether a line names each question, rather than the first `SHOWN` of them.

    Returns:
      list of Question.

    Raises:
      InputError: all of them are left out.
    """
    kept, moved, some_absent, all_absent = [], [], [], []
    for question in questions:
        placed = [(place_answer(one, question.context), one) for one in question.label or ()]
        if all(found is one for found, one in placed):
            kept.append(question)
            continue
        new = dataclasses.replace(question, label=tuple(found or Answer(one.text, NOWHERE) for found, one in placed))
        absent = [found is None for found, _ in placed]
        if all(absent):
            all_absent.append((question, new))
        elif any(absent):
            some_absent.append((question, new))
        elif any(found.start != one.start for found, one in placed):
            moved.append((question, new))
        if not (leave_out and all(absent)):
            kept.append(new)
    what_then = "are left out: nothing can be learned of them" if leave_out else "are scored, and count for no loss"
    for pairs, said in (
        (moved, "have an answer that is not at its answer_start; it is taken from the nearest place"),
        (some_absent, "have an answer that is not in the context, beside one that is; it counts in scores alone"),
        (all_absent, f"have no answer that is in the context; they {what_then}"),
    ):
        _warn(pairs, f"{path}: {len(pairs)} of {len(questions)} questions {said}", list_all)
    if not kept:
        question, new = all_absent[0]
        raise InputError(
            f"{path}: nothing to learn: no context has the answer to its question, as {_place(question, new)}; "
            "answers are parts of their context, as it is spelled there"
        )
    return kept


def _warn(pairs, said, list_all):
    if not pairs:
        return
    shown = pairs if list_all else pairs[:SHOWN]
    lines = [said, *(f"  {_place(*pair)}" for pair in shown)]
    if len(shown) < len(pairs):
        lines.append("  ... (--verbose_logging lists all of them)")
    logging.warning("%s", "\n".join(lines))


def _place(question, new):
    """One line: where a question stands, its id, and the first answer that is elsewhere."""
    old, found = next((old, one) for old, one in zip(question.label, new.label) if old != one or one.start < 0)
    at = "nowhere" if found.start == NOWHERE else f"at {found.start}"
    place = question.source.partition(": ")[2] if question.source else question.guid
    return f"{place} ({question.guid}): {old.text[:40]!r}, answer_start {old.start}, found {at}"
