"""Where answers stand: found at the nearest place, or left out, and told of."""

import json

import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.processors.answering.answer_places import place_answer
from bertline.processors.base import Answer


@pytest.mark.parametrize(
    "text, start, found",
    [
        ("France", 3, Answer("France", 3)),
        ("France", 4, Answer("France", 3)),  # beside its place
        ("France", 400, Answer("France", 35)),
        ("France", -1, Answer("France", 3)),
        ("France", 19, Answer("France", 3)),  # as near as the other one
        ("and its  old\tcapital", 10, Answer("and its old\u00a0\u2009capital", 10)),
        ("(the", 42, Answer("(the", 42)),
        ("france", 3, None),
        ("Fr.nce", 3, None),  # no pattern
        ("Spain", 3, None),
        ("", 3, None),
        ("  ", 2, None),
    ],
)
def test_an_answer_is_taken_from_the_nearest_place(text, start, found):
    context = "In France and its old\u00a0\u2009capital, in France (the"
    assert place_answer(Answer(text, start), context) == found
    assert found is None or context[found.start :].startswith(found.text)


def questions_file(path, answers):
    asked = [
        {"id": f"q{i}", "question": "who?", "answers": [{"text": text, "answer_start": start} for text, start in some]}
        for i, some in enumerate(answers)
    ]
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "abc def abc", "qas": asked}]}]}))
    return str(path)


def test_wrong_places_are_counted_listed_and_put_right(tmp_path, caplog):
    path = questions_file(tmp_path / "q.json", [[("abc", 0)], [("abc", 7)], [("xyz", 0)], [("xyz", 0), ("def", 4)]])
    make = registry.get("processor", "squad")
    train = make(train_file=path).get_train_examples("")
    assert [(one.guid, [(a.text, a.start) for a in one.label]) for one in train] == [
        ("q0", [("abc", 0)]),
        ("q1", [("abc", 8)]),
        ("q3", [("xyz", -1), ("def", 4)]),
    ]
    moved, some, left_out = (record.getMessage() for record in caplog.records)
    assert "1 of 4 questions have an answer that is not at its answer_start" in moved
    assert "data[0].paragraphs[0].qas[1] (q1): 'abc', answer_start 7, found at 8" in moved
    assert "1 of 4" in some and "qas[3]" in some and "counts in scores alone" in some
    assert "1 of 4" in left_out and "left out" in left_out and "'xyz', answer_start 0, found nowhere" in left_out
    assert len(make(dev_file=path).get_dev_examples("")) == 4  # all of them are scored


def test_all_are_listed_where_that_is_asked_for(tmp_path, caplog):
    path = questions_file(tmp_path / "q.json", [[("xyz", 0)]] * 9 + [[("abc", 0)]])
    registry.get("processor", "squad")(train_file=path).get_train_examples("")
    registry.get("processor", "squad")(train_file=path, verbose_logging=True).get_train_examples("")
    short, long = (record.getMessage().splitlines() for record in caplog.records)
    assert len(short) == 7 and "--verbose_logging" in short[-1] and len(long) == 10


def test_a_file_that_teaches_nothing_is_one_line(tmp_path):
    path = questions_file(tmp_path / "q.json", [[("", 0)], [("xyz", 0)]])
    with pytest.raises(InputError, match=r"nothing to learn.*qas\[0\] \(q0\): '', answer_start 0, found nowhere"):
        registry.get("processor", "squad")(train_file=path).get_train_examples("")


@pytest.mark.real_data
def test_offsets_of_cmrc_that_are_wrong(data_dir, caplog):
    """Its SOURCE.txt counted 5 of the trial file; each is a character off."""
    path = str(data_dir / "cmrc2018" / "cmrc2018_trial.json")
    found = registry.get("processor", "squad")(train_file=path).get_train_examples("")
    assert len(found) == 1002 and "5 of 1002 questions" in caplog.text
    assert all(a.start < 0 or one.context.startswith(a.text, a.start) for one in found for a in one.label)
