"""Full sentences: packed greedily, over ends of documents; the packing re-stated sentence by sentence as the judge."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_blocks import block, instances, kind, numbered

from bertline.processors.corpora.masked.sequences import assemble
from bertline.processors.layouts.templates import Frame

FRAME = Frame((1,), (2,), (2,))

SIZES = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), min_size=1, max_size=6)


def packed(documents, max_seq_length):
    """The definition, as a reader would do it by hand: lists of [SEP]-separated segments."""
    room, made, current = max_seq_length - 2, [], []

    def used():
        return sum(map(len, current)) + max(len(current) - 1, 0)

    for document in documents:
        opens = True
        for sentence in document:
            for part in (sentence[i : i + room] for i in range(0, len(sentence), room)):
                if current and used() + len(part) + opens > room:
                    made.append(current)
                    current = []
                if opens or not current:
                    current.append([])
                current[-1].extend(part)
                opens = False
    return [*made, current]


@given(SIZES, st.integers(5, 40))
def test_packing(sizes, max_seq_length):
    documents = numbered(sizes)
    text = block(documents)
    made = kind("full_sentences", max_seq_length).make(text, np.random.default_rng(0))
    wanted = [[tuple(segment) for segment in instance] for instance in packed(documents, max_seq_length)]
    assert instances(made, text.ids) == wanted
    assert made.labels is None and made.dropped_tokens == 0
    sequences = assemble(made, text.ids, np.ones(len(text.ids), bool), FRAME)
    assert (np.diff(sequences.splits) <= max_seq_length).all()
    assert sequences.input_ids[~sequences.special].tolist() == text.ids.tolist()  # no token lost, none twice


def test_an_end_of_document_has_a_separator_of_its_own():
    text = block([[[10, 11], [12]], [[13]], [[14, 15]]])
    made = kind("full_sentences", 9).make(text, np.random.default_rng(0))
    sequences = assemble(made, text.ids, np.ones(6, bool), FRAME)
    assert sequences.input_ids.tolist() == [1, 10, 11, 12, 2, 13, 2, 1, 14, 15, 2]
    assert sequences.splits.tolist() == [0, 7, 11] and not sequences.segment_ids.any()
