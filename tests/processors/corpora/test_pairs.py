"""Next sentences and sentence order: the original's algorithm as the judge of frequencies, and properties."""

import collections
import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from small_blocks import block, instances, kind, numbered

from benchmarks.peers import original_instances
from bertline.processors.corpora.segments import make_pairs

SIZES = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=6), min_size=1, max_size=5)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), min_size=1, max_size=8), st.integers(2, 40))
def test_lengths_after_truncation_are_the_originals(lengths, longest):
    rows = [(100, 100 + a, 500, 500 + b, 0) for a, b in lengths]
    cut = make_pairs(rows, longest, np.random.default_rng(0))
    found = (cut.ends - cut.starts).reshape(-1, 2).tolist()
    dropped = 0
    for (a, b), pair in zip(lengths, found):
        tokens_a, tokens_b = list(range(a)), list(range(b))
        original_instances.shorten(tokens_a, tokens_b, longest, random.Random(0))
        assert pair == [len(tokens_a), len(tokens_b)]
        dropped += a + b - sum(pair)
    assert cut.dropped_tokens == dropped
    begins, ends = cut.starts.reshape(-1, 2), cut.ends.reshape(-1, 2)
    for (a, b), (a_start, b_start), (a_end, b_end) in zip(lengths, begins, ends):
        assert 100 <= a_start <= a_end <= 100 + a and 500 <= b_start <= b_end <= 500 + b


def test_truncation_takes_either_end_as_often_as_the_original():
    draws, rng = 20_000, random.Random(0)
    cut = make_pairs([(0, 9, 20, 26, 0)] * draws, 10, np.random.default_rng(0))
    ours = collections.Counter(map(tuple, np.stack([cut.starts[::2], cut.starts[1::2]], axis=1).tolist()))
    theirs = collections.Counter()
    for _ in range(draws):
        a, b = list(range(9)), list(range(20, 26))
        original_instances.shorten(a, b, 10, rng)
        theirs[a[0], b[0]] += 1
    assert p_value(ours, theirs) > 1e-4


def p_value(first, second):
    """Chi-square of two samples of counts; rare outcomes count as one."""
    common = [key for key in first.keys() | second.keys() if first[key] + second[key] >= 20]
    table = [[counter[key] for key in common] for counter in (first, second)]
    rest = [counter.total() - sum(row) for counter, row in zip((first, second), table)]
    return stats.chi2_contingency([[*row, other] for row, other in zip(table, rest)] if sum(rest) else table).pvalue


@pytest.mark.slow
@pytest.mark.parametrize("short", [0.0, 0.5])
@pytest.mark.parametrize(
    "sizes", [[[2, 3, 1, 4], [5, 1], [3]], [[1, 1, 1]], [[30], [2, 2], [1]]], ids=["some", "one document", "long"]
)
def test_every_instance_is_as_frequent_as_in_the_original(sizes, short):
    """Whole instances, tokens and label: their frequencies, over the documents of a corpus and many passes."""
    documents, longest, draws = numbered(sizes), 9, 4000
    text, ours, theirs = block(documents), collections.Counter(), collections.Counter()
    one, rng = kind("next_sentence", longest + 3, short_seq_prob=short), np.random.default_rng(1)
    for _ in range(draws):
        made = one.make(text, rng)
        ours.update((*map(tuple, pair), label) for pair, label in zip(instances(made, text.ids), made.labels.tolist()))
    rng = random.Random(1)
    for _ in range(draws):
        for number in range(len(documents)):
            for made in original_instances.pairs_of_document(documents, number, longest, short, rng):
                middle = made.tokens.index("[SEP]")
                a, b = tuple(made.tokens[1:middle]), tuple(made.tokens[middle + 1 : -1])
                theirs[a, b, int(made.is_random_next)] += 1
    assert abs(ours.total() - theirs.total()) < 5 * (2 * ours.total()) ** 0.5
    assert p_value(ours, theirs) > 1e-4


@settings(deadline=None)
@given(SIZES, st.integers(5, 40), st.floats(0, 1), st.integers(0, 2**32), st.sampled_from([0, 1]))
def test_pairs(sizes, max_seq_length, short, seed, which):
    name = ("next_sentence", "sentence_order")[which]
    documents = numbered(sizes)
    text = block(documents)
    made = kind(name, max_seq_length, short_seq_prob=short).make(text, np.random.default_rng(seed))
    ends = {sentence[-1] for document in documents for sentence in document}
    home = {token: number for number, document in enumerate(documents) for sentence in document for token in sentence}
    assert len(made.types) == 2 * len(made) == 2 * len(made.labels)
    assert made.types.tolist() == [0, 1] * len(made)
    for (a, b), label in zip(instances(made, text.ids), made.labels.tolist()):
        assert a and b and len(a) + len(b) <= max_seq_length - 3
        for part in (a, b):
            assert list(part) == list(range(part[0], part[-1] + 1))  # a stretch of the text
            assert home[part[0]] == home[part[-1]]  # of one document
        if which == 1:  # neighbours in one order or the other; what truncation took lies between them
            first, second = (b, a) if label else (a, b)
            assert first[-1] < second[0] and home[first[0]] == home[second[0]]
        elif label == 0:
            assert a[-1] < b[0] and home[a[0]] == home[b[0]]
            if len(a) + len(b) < max_seq_length - 3:  # nothing was cut off
                assert b[0] == a[-1] + 1 and a[-1] in ends and b[-1] in ends
        elif len(documents) == 1:
            assert home[b[0]] == home[a[0]]


def test_random_next_is_from_another_document_nearly_always():
    text = block(numbered([[3, 3, 3], [4], [2, 2]]))
    one, rng, same, count = kind("next_sentence", 12), np.random.default_rng(0), 0, 0
    for _ in range(3000):
        made = one.make(text, rng)
        edges = text.sentence_splits[text.document_splits]
        owner = np.searchsorted(edges, made.starts, side="right").reshape(-1, 2)[made.labels == 1]
        same, count = same + (owner[:, 0] == owner[:, 1]).sum(), count + len(owner)
    # Ten attempts that all hit one of three documents: 3 ** -10.
    assert count > 5000 and same <= 5


def test_random_next_is_no_other_part_of_the_same_document():
    text = dataclasses.replace(block(numbered([[3, 3, 3], [4], [2, 2], [5, 1]])), origins=np.array([0, 0, 0, 1]))
    one, rng, same, count = kind("next_sentence", 12), np.random.default_rng(0), 0, 0
    home = text.origins[np.searchsorted(text.sentence_splits[text.document_splits], text.ids - 10, side="right") - 1]
    for _ in range(1000):
        made = one.make(text, rng)
        owner = home[made.starts].reshape(-1, 2)[made.labels == 1]
        same, count = same + (owner[:, 0] == owner[:, 1]).sum(), count + len(owner)
    # Ten attempts of which each hits the one part of the other document with probability 1/4: 0.75 ** 10 = 0.056.
    assert count > 2000 and same / count < 0.08


def test_half_of_the_pairs_are_swapped_and_every_cut_is_as_likely():
    text = block(numbered([[1] * 5]))
    one, rng = kind("sentence_order", 20, short_seq_prob=0.0), np.random.default_rng(0)
    found = collections.Counter()
    for _ in range(8000):
        made = one.make(text, rng)
        (pair,), (label,) = instances(made, text.ids), made.labels.tolist()
        found[len(pair[1 - label]) if label == 0 else len(pair[0]), label] += 1
    assert len(found) == 8
    assert stats.chisquare(list(found.values())).pvalue > 1e-4


def test_a_single_sentence_is_divided_and_a_single_token_left_out():
    one, rng = kind("sentence_order", 20, short_seq_prob=0.0), np.random.default_rng(0)
    assert len(one.make(block([[[7]]]), rng)) == 0
    cuts = {instances(one.make(text, rng), text.ids)[0][0][-1] for text in [block([[[7, 8, 9]]])] * 60}
    assert cuts == {7, 8, 9}  # in order: 7 | 8 9 and 7 8 | 9; swapped ones end with 9
