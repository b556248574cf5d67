"""Any text with spans -> words, tags, pieces, windows, answers, files -> the same spans of the same text."""

import collections
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.base import get, make
from bertline.processors.records.record_files import ExampleEncoder
from bertline.processors.tagging import tag_schemes, tagged_texts
from bertline.processors.tagging.word_offsets import SPLITS, split_words
from bertline.processors.tokenization import load_tokenizer

LABELS = ("PER", "LOC")
TAGS = ["O", *(f"{prefix}-{label}" for prefix in "BIES" for label in LABELS)]


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("models/minilm")


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(" ab'é字हि\u0301\u200d🙂.")), max_size=60),
    st.sampled_from(SPLITS),
    st.sampled_from(tag_schemes.SCHEMES),
    st.integers(6, 20),
    st.data(),
)
def test_spans_of_any_text_come_back_through_pieces_and_windows(tokenizer, text, how, scheme, length, data):
    text = text.replace("\n", " ").replace("\r", " ").replace("\0", " ")
    offsets = split_words(text, how)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(offsets)))))
    pairs = [pair for pair in zip(cuts, cuts[1:]) if data.draw(st.booleans())]
    spans = [
        {"start": offsets[first][0], "end": offsets[end - 1][1], "label": data.draw(st.sampled_from(LABELS))}
        for first, end in pairs
    ]
    line = json.dumps({"text": text, "spans": spans})
    moved = collections.Counter()
    example = tagged_texts.example_of_json(line, "t.jsonl", 1, "test", how, moved)
    assert not moved
    [example] = tag_schemes.in_scheme([example], "iob2", scheme, "t.jsonl", fix=True)
    encoder = ExampleEncoder(make("words", get("packed")(tokenizer, length)), make_labels("tags", TAGS))
    rows = list(encoder.features([example], 0))
    assert all(len(row["input_ids"]) <= length for row in rows)
    # What a model without a fault would answer for each row.
    outputs = {"tags": [row["label_ids"] for row in rows], "part": np.array([row.get("part", 0) for row in rows])}
    answers = encoder.labels.answers(outputs, [example])
    [told] = encoder.labels.prediction_files(answers, [example])["predictions.jsonl"]
    told = json.loads(told)
    assert told["text"] == text and told["spans"] == told["true_spans"] == spans
