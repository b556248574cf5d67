"""Words laid out for an encoder: where transformers finds first pieces, and each word of a long sentence once."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertline.processors.base import TaggedWords
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.base import get, make
from bertline.processors.layouts.words import windows_of_words, words_around
from bertline.processors.records.record_files import ExampleEncoder
from bertline.processors.tagging.document_context import with_context
from bertline.processors.tokenization import load_tokenizer

TAGS = ["O", "B-x", "I-x"]


def encoder(vocab_file, length):
    layout = make("words", get("packed")(load_tokenizer(vocab_file), length))
    return ExampleEncoder(layout, make_labels("tags", TAGS))


def sentence(*words):
    return TaggedWords("s", words, tuple(TAGS[i % 3] for i in range(len(words))))


@pytest.mark.real_data
def test_first_pieces_stand_where_transformers_finds_them(data_dir):
    transformers = pytest.importorskip("transformers")
    folder = "models/minilm"
    fast = transformers.AutoTokenizer.from_pretrained(folder)
    with open(data_dir / "wnut17" / "emerging.dev.conll", encoding="utf-8") as file:
        sentences = [[line.split("\t")[0] for line in block.splitlines()] for block in file.read().split("\n\n")[:200]]
    sentences = [[word for word in words if word.strip()] for words in sentences]
    examples = [TaggedWords(str(i), tuple(words), None) for i, words in enumerate(filter(None, sentences))]
    layout = make("words", get("packed")(load_tokenizer(folder), 128))
    for example, [row] in zip(examples, layout.features(examples), strict=True):
        expected = fast(list(example.words), is_split_into_words=True)
        firsts = [expected.word_ids().index(number) for number in range(len(example.words))]
        assert row["input_ids"].tolist() == expected["input_ids"]
        assert row["word_positions"].tolist() == firsts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), st.integers(5, 16))
def test_each_word_is_answered_for_once_with_all_its_pieces(sizes, room):
    splits = np.cumsum([0, *sizes])
    windows = windows_of_words(splits, room)
    answered = [word for *_, first, end in windows for word in range(first, end)]
    assert answered == list(range(len(sizes)))
    for first, end, answers_from, answers_to in windows:
        assert splits[end] - splits[first] <= room and first <= answers_from <= answers_to <= end


def test_a_long_sentence_is_several_rows_whose_labels_are_those_of_their_words(tmp_path):
    vocab = tmp_path / "vocab.txt"
    vocab.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", "##b"]) + "\n")
    example = sentence(*"abcdefghij", "ab", "", "a" * 3)
    rows = list(encoder(vocab, 8).features([example], 7))
    assert len(rows) > 1 and all(len(row["input_ids"]) <= 8 for row in rows)
    assert [int(row.get("part", 0)) for row in rows] == list(range(len(rows)))
    assert {int(row["example_index"]) for row in rows} == {7}
    tokens = encoder(vocab, 8).layout.tokenizer.inv_vocab
    found = [tokens[row["input_ids"][place]] for row in rows for place in row["word_positions"]]
    assert found == [*"abcdefghij", "a", "[UNK]", "[UNK]"]
    labels = np.concatenate([row["label_ids"] for row in rows])
    assert [TAGS[i] for i in labels] == list(example.label)


def test_answers_of_several_rows_are_put_together(tmp_path):
    labels = make_labels("tags", TAGS)
    outputs = {"tags": [np.array([0, 1]), np.array([2]), np.array([1])], "part": np.array([0, 1, 0])}
    assert labels.answers(outputs) == [["O", "B-x", "I-x"], ["B-x"]]
    examples = [sentence("a", "b", "c"), TaggedWords("t", ("d",), None)]
    files = labels.prediction_files(labels.answers(outputs), examples)
    assert list(files["predictions.conll"]) == ["a\tO\tO", "b\tB-x\tB-x", "c\tI-x\tI-x", "", "d\t_\tB-x", ""]
    first, second = map(json.loads, files["predictions.jsonl"])
    found = [{"start": 2, "end": 5, "label": "x"}]
    assert (first["text"], first["spans"], first["true_spans"]) == ("a b c", found, found)
    assert second == {
        "guid": "t",
        "tags": ["B-x"],
        "words": ["d"],
        "text": "d",
        "spans": [{"start": 0, "end": 1, "label": "x"}],
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.data())
def test_context_fills_the_room_that_a_sentence_leaves(sizes, data):
    """Against trying every pair of sides: no more pieces fit, and no side has less than its half without need."""
    splits = np.cumsum([0, *sizes])
    first = data.draw(st.integers(0, len(sizes)))
    end = data.draw(st.integers(first, len(sizes)))
    spare = data.draw(st.integers(0, 40))
    start, stop = words_around(splits, first, end, spare)
    left, right = sum(sizes[start:first]), sum(sizes[end:stop])
    assert left + right <= spare and start <= first and end <= stop
    assert stop == len(sizes) or left + right + sizes[stop] > spare
    assert start == 0 or left + sizes[start - 1] > spare // 2


def test_a_sentence_is_read_with_its_document_around_it(tmp_path):
    vocab = tmp_path / "vocab.txt"
    vocab.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]) + "\n")
    documents = [[sentence(*"abc"), sentence(*"de"), sentence(*"fghi")], [sentence("j")]]
    found = encoder(vocab, 8)
    tokens = found.layout.tokenizer.inv_vocab
    rows = list(found.features(with_context(documents), 0))
    read = ["".join(tokens[i] for i in row["input_ids"][1:-1]) for row in rows]
    assert read == ["abcdef", "bcdefg", "defghi", "j"]
    tagged = ["".join(tokens[row["input_ids"][i]] for i in row["word_positions"]) for row in rows]
    assert tagged == ["abc", "de", "fghi", "j"]
    assert [row["label_ids"].tolist() for row in rows] == [[0, 1, 2], [0, 1], [0, 1, 2, 0], [0]]
