"""Texts with spans and raw texts: words and their places, and what is wrong with a line."""

import json

import pytest

from bertline import registry
from bertline.errors import InputError

PARIS = {"text": "To Paris, O'Hara!", "spans": [{"start": 3, "end": 8, "label": "LOC"}]}


def read(folder, *lines, split="train", ending=".jsonl", **options):
    path = folder / f"{split}{ending}"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    task = registry.get("processor", "conll")(**options)
    return getattr(task, f"get_{split}_examples")(str(folder)), task


def test_spans_become_tags_of_words_that_know_their_place(tmp_path):
    [one], task = read(tmp_path, PARIS)
    assert one.words == ("To", "Paris", ",", "O'Hara", "!") and one.text == PARIS["text"]
    assert one.label == ("O", "B-LOC", "O", "O", "O") and task.get_labels() == ["O", "B-LOC"]
    assert [one.text[start:end] for start, end in one.offsets] == list(one.words)
    [one], _ = read(tmp_path, PARIS, tag_scheme="bioes")
    assert one.label[1] == "S-LOC"


def test_a_span_that_ends_inside_a_word_takes_all_of_it_and_is_told(tmp_path, caplog):
    [one], _ = read(tmp_path, {"text": "New York-based", "spans": [{"start": 0, "end": 8, "label": "LOC"}]})
    assert one.label == ("B-LOC", "I-LOC") and "take all of it: 1 (the first is in line 1)" in caplog.text


def test_empty_texts_are_kept_where_a_line_gives_a_line(tmp_path, caplog):
    caplog.set_level("INFO")
    found, _ = read(tmp_path, PARIS, {"text": " ", "spans": []})
    assert len(found) == 1 and "1 training texts without a word are left out" in caplog.text
    found, _ = read(tmp_path, PARIS, {"text": ""}, split="test")
    assert [one.label is None for one in found] == [False, True] and found[1].words == ()
    (tmp_path / "raw.txt").write_text("你好 there\n\nx\n", "utf-8")
    task = registry.get("processor", "conll")(predict_file="raw.txt", label_list="O,B-LOC", document_context=True)
    found = task.get_test_examples(str(tmp_path))
    assert [one.words for one in found] == [("你", "好", "there"), (), ("x",)]
    assert [one.source.rpartition(":")[2] for one in found] == ["1", "2", "3"] and found[0].after == ()


@pytest.mark.parametrize(
    "line, said",
    [
        ('{"text": "a" "spans": []}', "train.jsonl:2: not JSON: Expecting ',' delimiter"),
        ("[1]", "train.jsonl:2: a JSON object is needed, found a list"),
        ({"spans": []}, 'train.jsonl:2: no "text"; a string is needed, as in {'),
        ({"text": "a"}, 'train.jsonl:2: no "spans"; every train line needs them'),
        ({"text": "a", "spans": {}}, "train.jsonl:2: spans is {}; a list is needed"),
        ({"text": "a", "spans": [3]}, r"train.jsonl:2: spans\[0\]: 3; an object with start, end and label is needed"),
        ({"text": "a", "spans": [{"start": "0", "end": 1, "label": "x"}]}, r'spans\[0\]: start is "0"; a whole number'),
        (
            {"text": "a", "spans": [{"start": 0, "end": 2, "label": "x"}]},
            r"spans\[0\]: characters 0 to 2 of a text of 1",
        ),
        ({"text": "a", "spans": [{"start": 0, "end": 1, "label": "x y"}]}, r"spans\[0\]: label 'x y'; a word without"),
        (
            {"text": "ab c", "spans": [{"start": 0, "end": 2, "label": "x"}, {"start": 1, "end": 4, "label": "y"}]},
            r"train.jsonl:2: spans\[1\]: begins at 1, inside the x from 0 to 2",
        ),
    ],
)
def test_what_is_wrong_with_a_line_is_named_with_its_place(tmp_path, line, said):
    with pytest.raises(InputError, match=said):
        read(tmp_path, PARIS, line)


def test_files_of_different_schemes_are_converted_to_that_of_training(tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "dev.txt").write_text("a I-X\nb B-X\nc O\n\nd I-X\n", "utf-8")
    _, task = read(tmp_path, "a B-X\nb I-X\n\nc B-Y\n", ending=".txt")
    assert [one.label for one in task.get_dev_examples(str(tmp_path))] == [("B-X", "B-X", "O"), ("B-X",)]
    assert "dev.txt: tags in IOB1 are converted to IOB2" in caplog.text
    # A trained folder without the option: the scheme of its tags.
    trained = registry.get("processor", "conll")(label_list=["O", "B-X", "I-X", "E-X", "S-X"])
    assert [one.label for one in trained.get_dev_examples(str(tmp_path))] == [("S-X", "S-X", "O"), ("S-X",)]


def test_iob1_is_learned_as_iob2_unless_it_is_asked_for(tmp_path):
    lines = "a I-X\nb B-X\nc O\nd I-X\ne I-X\n"
    [one], task = read(tmp_path, lines, ending=".txt")
    assert one.label == ("B-X", "B-X", "O", "B-X", "I-X") and task.get_labels() == ["O", "B-X", "I-X"]
    for scheme in ("iob1", "as_it_is"):
        [one], _ = read(tmp_path, lines, ending=".txt", tag_scheme=scheme)
        assert one.label == ("I-X", "B-X", "O", "I-X", "I-X")


def test_an_inside_after_outside_is_told_with_its_place_and_begins_a_span(tmp_path, caplog):
    [one, other], _ = read(tmp_path, "a O\nb I-X\n\nc B-X\n", ending=".txt")
    assert (one.label, other.label) == (("O", "B-X"), ("B-X",))
    assert (
        "tags that break the scheme: 1, IOB2; I-X of 'b' in the sentence at" in caplog.text
        and "train.txt:1" in caplog.text
    )


@pytest.mark.parametrize("line, ending", [({"text": " ", "spans": []}, ".jsonl"), ("-DOCSTART- -X- O O", ".txt")])
def test_nothing_to_learn_from_is_one_line(tmp_path, line, ending):
    with pytest.raises(InputError, match=r"train\..*: no (word in 1 texts|sentence); "):
        read(tmp_path, line, ending=ending)


def test_two_files_to_predict_are_refused():
    with pytest.raises(InputError, match="--predict_file=a and --test_file=b: leave one out"):
        registry.get("processor", "conll")(predict_file="a", test_file="b")
