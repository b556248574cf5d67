"""The packed layout against the original's answers and its truncation loop re-stated."""

import json

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts import base as layouts
from bertline.processors.layouts.packed import Packed
from bertline.processors.layouts.truncation import truncate_lengths
from bertline.processors.tokenization import FullTokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]) + "\n")
    return FullTokenizer(path)


@pytest.mark.parametrize("length", (128, 24))
@pytest.mark.parametrize("task, folder", (("mrpc", "glue_mrpc"), ("cola", "glue_cola")))
def test_equals_what_the_original_answered(golden_dir, data_dir, task, folder, length):
    with open(golden_dir / "classifier_features.jsonl", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if row["task"] == task and row["max_seq_length"] == length]
    assert len(rows) >= 80
    processor = registry.get("processor", task)()
    examples = {example.guid: example for example in processor.get_dev_examples(str(data_dir / folder))}
    labels = make_labels(processor.problem_type, processor.get_labels())
    layout = Packed(FullTokenizer(data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt"), length)
    chosen = [examples[row["guid"]] for row in rows]
    for row, example, [features] in zip(rows, chosen, layout.features(chosen), strict=True):
        assert features["input_ids"].tolist() == row["input_ids"], row["guid"]
        assert features["segment_ids"].tolist() == row["segment_ids"], row["guid"]
        assert labels.to_array(example.label) == row["label_id"]


def popped(length_a, length_b, limit):
    """The original's `_truncate_seq_pair`, on lengths."""
    while length_a + length_b > limit:
        if length_a > length_b:
            length_a -= 1
        else:
            length_b -= 1
    return length_a, length_b


@hypothesis.given(st.integers(0, 90), st.integers(0, 90), st.integers(0, 130))
def test_truncation_equals_popping_tokens(length_a, length_b, limit):
    assert truncate_lengths(length_a, length_b, limit) == popped(length_a, length_b, limit)


@hypothesis.given(
    st.lists(st.sampled_from("abcdefghij"), max_size=12),
    st.lists(st.sampled_from("abcdefghij"), max_size=12),
    st.integers(3, 16),
)
def test_segments_and_special_tokens(tokenizer, a, b, length):
    example = InputExample("x", " ".join(a), " ".join(b) if b else None)
    [[features]] = Packed(tokenizer, length).features([example])
    tokens = tokenizer.convert_ids_to_tokens(features["input_ids"].tolist())
    if b:
        kept_a, kept_b = popped(len(a), len(b), length - 3)
        second = [*b[:kept_b], "[SEP]"] if kept_b else []  # the original's `if tokens_b:` comes after truncation
        assert tokens == ["[CLS]", *a[:kept_a], "[SEP]", *second]
        assert features["segment_ids"].tolist() == [0] * (kept_a + 2) + [1] * len(second)
    else:
        assert tokens == ["[CLS]", *a[: length - 2], "[SEP]"]
        assert not features["segment_ids"].any()
    assert len(tokens) <= length and len(features["segment_ids"]) == len(tokens)


def test_a_second_text_without_tokens_is_none(tokenizer):
    # In the original `if tokens_b:` decides about the second segment.
    features = [
        row for [row] in Packed(tokenizer, 8).features([InputExample("x", "a b", text_b) for text_b in ("", None, " ")])
    ]
    assert [f["input_ids"].tolist() for f in features] == [[2, 5, 6, 3]] * 3
    assert not any(f["segment_ids"].any() for f in features)


@pytest.mark.parametrize("length, expected", ((3, [2, 3]), (4, [2, 5, 3]), (5, [2, 5, 3, 7, 3])))
def test_pairs_of_which_no_second_text_is_left(tokenizer, length, expected):
    [[features]] = Packed(tokenizer, length).features([InputExample("x", "a b", "c d")])
    assert features["input_ids"].tolist() == expected
    assert features["segment_ids"].tolist() == [0, 0, 0, 1, 1][: len(expected)]


def test_rows_say_which_were_cut(tokenizer):
    texts, second = ["a b c", "a b c d", "a", "a b"], ["", "", "b", "b c"]
    rows = Packed(tokenizer, 5).rows(texts, second)
    assert rows.cut.tolist() == [False, True, False, True]
    assert rows.full_lengths.tolist() == [5, 6, 5, 7]
    assert rows.row_splits.tolist() == [0, 5, 10, 15, 20]
    examples = [InputExample("x", a, b or None) for a, b in zip(texts, second)]
    found = (row for [row] in Packed(tokenizer, 5).features(examples))
    assert [int(features.get("uncut_length", 0)) for features in found] == [0, 6, 0, 7]


def test_examples_beyond_one_call_of_the_tokenizer_keep_their_order(tokenizer, monkeypatch):
    monkeypatch.setattr("bertline.processors.layouts.base.ENCODING_BATCH", 3)
    texts = [" ".join("abcdefghij"[: 1 + i % 10]) for i in range(11)]
    features = [
        row for [row] in Packed(tokenizer, 16).features([InputExample(str(i), text) for i, text in enumerate(texts)])
    ]
    assert [len(f["input_ids"]) for f in features] == [2 + len(text.split()) for text in texts]


def test_too_short_a_length_is_refused(tokenizer):
    with pytest.raises(InputError, match="--max_seq_length=2: at least 3"):
        Packed(tokenizer, 2)


def test_fingerprint_changes_with_what_the_arrays_depend_on(tokenizer, tmp_path):
    other = tmp_path / "vocab.txt"
    other.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghik"]) + "\n")
    several = [
        Packed(tokenizer, 8),
        Packed(tokenizer, 9),
        Packed(FullTokenizer(other), 8),
        Packed(FullTokenizer(other, False), 8),
    ]
    assert len({json.dumps(layout.fingerprint()) for layout in several}) == 4
    assert np.array_equal(
        *[list(layout.features([InputExample("x", "a")]))[0][0]["input_ids"] for layout in several[:2]]
    )


def test_unknown_layouts_are_one_line(tokenizer):
    with pytest.raises(InputError, match="unknown layout 'units'; known: candidates, packed, .*plain, "):
        layouts.get("units")
    for name in ("units", "separat"):
        with pytest.raises(InputError, match=f"unknown layout '{name}'; .*known: candidates, packed, .*plain, "):
            layouts.make(name, layouts.get("packed")(tokenizer, 8))
