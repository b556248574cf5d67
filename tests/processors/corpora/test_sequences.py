"""Segments to token sequences, and the spec of their records."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bertline.processors.corpora.masked import sequences
from bertline.processors.corpora.segments import Segments
from bertline.processors.layouts.templates import Frame

FRAME = Frame((1,), (2,), (2,))


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=6), st.integers(0, 2**32))
def test_assembled(shapes, seed):
    rng = np.random.default_rng(seed)
    ids = rng.integers(10, 99, 50).astype(np.int32)
    begins = rng.random(50) < 0.5
    sizes = np.array([size for shape in shapes for size in shape], np.int64)
    starts = rng.integers(0, 40, len(sizes))
    types = rng.integers(0, 2, len(sizes))
    splits = np.cumsum([0, *map(len, shapes)])
    made = sequences.assemble(Segments(splits, starts, starts + sizes, types), ids, begins, FRAME)
    for i, (first, beyond) in enumerate(zip(splits, splits[1:])):
        tokens, segment_ids, special, words = [1], [], [True], [True]
        for segment in range(first, beyond):
            size, start = sizes[segment], starts[segment]
            tokens += [*ids[start : start + size].tolist(), 2]
            special += [False] * size + [True]
            words += [True, *begins[start + 1 : start + size].tolist(), True] if size else [True]
            segment_ids += [types[segment]] * (len(tokens) - len(segment_ids))
        place = slice(made.splits[i], made.splits[i + 1])
        assert made.input_ids[place].tolist() == tokens
        assert made.segment_ids[place].tolist() == segment_ids
        assert made.special[place].tolist() == special
        assert made.word_starts[place].tolist() == words
    assert made.splits[-1] == len(made.input_ids)


def test_specs():
    spec = sequences.masked_lm_spec(20)
    assert {name for name, feature in spec.items() if feature.absent is None} == {
        "input_ids",
        "segment_ids",
        "masked_lm_positions",
        "masked_lm_ids",
        "masked_lm_weights",
    }
    assert spec["masked_lm_weights"].axes == (20,) and spec["masked_lm_weights"].dtype == "float32"
    assert sequences.dynamic_spec().keys() == {
        "input_ids",
        "input_mask",
        "segment_ids",
        "word_starts",
        "next_sentence_labels",
    }
