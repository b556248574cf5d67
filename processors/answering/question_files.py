"""JSON of SQuAD: data -> paragraphs -> qas; each question with the text that may answer it.

Source: Rajpurkar et al. 2016 and 2018 (SQuAD 1.1 and 2.0); google-research/bert `run_squad.py:read_squad_examples`.
"""

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.base import Answer, Question


def read_questions(path, has_unanswerable=False):
    """The questions of a file, list of Question; `source` says where in the file each stands.

    Args:
      path: of a local file, or of one with a scheme (gs://).
      has_unanswerable: whether a question without answers has none; else it is one whose answers are not known.

    Raises:
      InputError: what is missing, of another type or there twice, by its path in the file; a file without a question.
    """
    found, seen = list(_questions(path, has_unanswerable)), {}
    for one in found:
        if one.guid in seen:
            raise InputError(
                f"{one.source}: the id {one.guid!r} stands twice, first at {seen[one.guid]}; each question "
                "needs its own, predictions are known by it"
            )
        seen[one.guid] = one.source.partition(": ")[2]
    if not found:
        raise InputError(f"{path}: no question; data -> paragraphs -> qas, as in SQuAD, is needed")
    return found


def _questions(path, has_unanswerable):
    for a, article in enumerate(_list(json_files.read(path), "data", path)):
        for p, paragraph in enumerate(_list(article, "paragraphs", f"{path}: data[{a}]")):
            where = f"{path}: data[{a}].paragraphs[{p}]"
            context = _text(paragraph, "context", where)
            for q, entry in enumerate(_list(paragraph, "qas", where)):
                yield _question(entry, context, f"{where}.qas[{q}]", has_unanswerable)


def _question(entry, context, where, has_unanswerable):
    guid = entry.get("id") if isinstance(entry, dict) else None
    question = _text(entry, "question", where)
    if type(guid) not in (str, int):
        raise InputError(f"{where}: id is {json_files.excerpt(guid)}, a string is needed")
    answers = None
    if entry.get("answers") is not None:
        answers = tuple(_answer(one, f"{where}.answers[{i}]") for i, one in enumerate(_list(entry, "answers", where)))
    if has_unanswerable and entry.get("is_impossible"):
        answers = ()
    if answers == () and not has_unanswerable:
        answers = None
    return Question(str(guid), question, context, answers, where)


def _list(value, key, where):
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise InputError(f"{where}: {key} is {json_files.excerpt(found)}, a list is needed")
    return found


def _text(value, key, where):
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str):
        raise InputError(f"{where}: {key} is {json_files.excerpt(found)}, a text is needed")
    return found


def _answer(value, where):
    start = value.get("answer_start") if isinstance(value, dict) else None
    if type(start) is not int:
        raise InputError(f"{where}: answer_start is {json_files.excerpt(start)}, a number of characters is needed")
    return Answer(_text(value, "text", where), start)
