"""Pairs of a text and its response: turns that follow each other, columns of a line, texts that have no token."""

import numpy as np
import tensorflow as tf
from small_blocks import CLS, SEP, block, instances, kind, numbered

from bertline.processors.records import example_bytes


def made(name, documents, longest=128):
    """The instances as lists of texts (tuples of ids), and the Segments."""
    one = block(documents)
    segments = kind(name, longest).make(one, np.random.default_rng(0))
    return instances(segments, one.ids), segments, one


def test_each_turn_with_the_next_of_its_dialogue():
    documents = numbered([[3, 1, 2], [4], [1, 1]])
    (a, b, c), _, (d, e) = ([tuple(turn) for turn in document] for document in documents)
    assert made("response_pairs", documents)[0] == [[a, b], [b, c], [d, e]]


def test_columns_are_text_response_and_hard_negative():
    documents = numbered([[2, 3], [1, 2, 3]])
    assert made("text_pairs", documents)[0] == [[tuple(text) for text in document] for document in documents]


def test_columns_without_a_token_do_not_shift_the_others():
    documents = [[[10], [], [11]], [[], [12]], [[13], [14], []], [[15], [16], [17]]]
    found, segments, _ = made("text_pairs", documents)
    assert found == [[(13,), (14,)], [(15,), (16,), (17,)]]
    assert segments.types.tolist() == [0, 1, 0, 1, 2]


def test_each_text_is_cut_from_its_end_and_the_cut_is_counted():
    found, segments, _ = made("response_pairs", numbered([[9, 3, 5]]), longest=6)
    assert [len(text) for row in found for text in row] == [4, 3, 3, 4] and found[0][0] == (10, 11, 12, 13)
    assert segments.dropped_tokens == 5 + 1


def test_records_hold_each_text_with_its_special_tokens():
    documents = numbered([[2, 3], [1, 2, 3], [4, 1]])
    _, segments, one = made("text_pairs", documents)
    features, counts = kind("text_pairs").features(segments, one, None, None)
    rows = [tf.train.Example.FromString(record).features.feature for record in example_bytes.examples(features)]
    found = [
        [list(row[f"{text}_input_ids"].int64_list.value) for text in "abc" if row[f"{text}_input_ids"].int64_list.value]
        for row in rows
    ]
    assert found == [[[CLS, *text, SEP] for text in document] for document in documents]
    assert counts == {"instances": 3, "texts": 7, "tokens": 16 + 14, "max_length": 6, "hard_negatives": 1}
    # A part without hard negatives has no such feature.
    features, counts = kind("text_pairs").features(segments.part(2, 3), one, None, None)
    assert set(features) == {"a_input_ids", "b_input_ids"} and counts["hard_negatives"] == 0
