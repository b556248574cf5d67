"""Templates against a row that is put together token by token; a vocabulary that lacks a special token."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from bertline.processors.layouts import templates
from bertline.processors.layouts.packed import Plain
from bertline.processors.layouts.templates import Frame
from bertline.processors.records import ragged
from bertline.processors.tokenizers.tokenizer import Tokenizer

SPECIAL = st.lists(st.integers(900, 999), max_size=2).map(tuple)
TEXTS = st.lists(st.integers(0, 99), max_size=3)
PLAIN_ROWS = st.lists(st.lists(TEXTS, min_size=1, max_size=3), max_size=4)


@hypothesis.given(PLAIN_ROWS, SPECIAL, SPECIAL, SPECIAL)
def test_rows(rows, before, between, after):
    frame = Frame(before, between, after)
    lengths = np.array([len(text) for row in rows for text in row], np.int64)
    splits = np.cumsum([0, *map(len, rows)])
    framed = frame.around(lengths, splits)
    framed.ids[framed.slots] = [token for row in rows for text in row for token in text]
    wanted, parts = [], []
    for row in rows:
        tokens = list(before)
        for i, text in enumerate(row):
            tokens += text + list(after if i == len(row) - 1 else between)
            parts.append(len(text) + (len(before) if i == 0 else 0) + len(after if i == len(row) - 1 else between))
        wanted.append(tokens)
    found = [framed.ids[start:end].tolist() for start, end in zip(framed.row_splits, framed.row_splits[1:])]
    assert found == wanted and framed.ids.dtype == np.int32
    assert [frame.num_special(len(row)) + sum(map(len, row)) for row in rows] == list(map(len, wanted))
    for row, tokens in zip(rows, wanted):
        if len(row) == 1:
            assert frame.put_around(row[0]).tolist() == tokens
    # The special tokens behind a text belong to it, those before the first to the first.
    assert framed.sizes.tolist() == parts and framed.begins.tolist() == np.cumsum([0, *parts])[:-1].tolist()


class Letters(Tokenizer):
    """Without special tokens."""


def test_plain_rows_need_no_special_tokens():
    first, second = (ragged_rows([[7, 8, 9], [7]]), ragged_rows([[5, 6], []]))
    rows = Plain(Letters({"a": 0}, "letters"), 4).pack(first, second)
    assert rows.values["input_ids"].tolist() == [7, 8, 5, 6, 7]
    assert rows.values["segment_ids"].tolist() == [0, 0, 1, 1, 0]
    assert rows.row_splits.tolist() == [0, 4, 5] and rows.full_lengths.tolist() == [5, 1]


def ragged_rows(rows):
    return np.array(sum(rows, []), np.int32), np.cumsum([0, *map(len, rows)])


@pytest.mark.parametrize("kept", [[2, 1], [3, 1], [0, 0]])
def test_beginnings(kept):
    values, splits = ragged_rows([[1, 2, 3], [4]])
    wanted = [1, 2, 3][: kept[0]] + [4][: kept[1]]
    assert ragged.beginnings(values, splits, np.array(kept)).tolist() == wanted


def test_the_forms_of_rows():
    assert templates.BERT.num_special(np.array([1, 2])).tolist() == [2, 3]
    assert (
        templates.BERT.room(128, 2) == 125 and templates.DOCUMENT.room(128, 1) == 127 and not templates.PLAIN.parts()[0]
    )
