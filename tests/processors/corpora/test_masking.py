"""Which tokens are masked, and by what: properties, and the original's algorithm as the judge of frequencies."""

import collections
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.peers import original_instances
from bertline import options, registry
from bertline.processors.corpora.masked.masking import MASKINGS, Masking, mask_sequences
from bertline.processors.corpora.masked.sequences import Sequences

CLS, SEP, MASK, VOCAB_SIZE = 1, 2, 3, 1000


def sequences(shapes):
    """Sequences of segments of words of so many tokens: [[[2, 1], [3]], ...]; token ids say their place."""
    ids, starts, special, splits = [], [], [], [0]

    def add(token, begins, is_special):
        ids.append(token), starts.append(begins), special.append(is_special)

    for shape in shapes:
        for number, words in enumerate(shape):
            if number == 0:
                add(CLS, True, True)
            for word in words:
                for place in range(word):
                    add(10 + len(ids) % 900, place == 0, False)
            add(SEP, True, True)
        splits.append(len(ids))
    types = np.zeros(len(ids), np.uint8)
    arrays = np.array(ids, np.int32), types, np.array(special, bool), np.array(starts, bool)
    return Sequences(np.array(splits), *arrays)


def wanted(length, masking):
    return min(masking.max_predictions_per_seq, max(1, int(round(length * masking.masked_lm_prob))))


WORDS = st.lists(st.integers(1, 5), min_size=1, max_size=15)
SHAPES = st.lists(st.lists(WORDS, min_size=1, max_size=3), max_size=6)


@settings(deadline=None, max_examples=300)
@given(SHAPES, st.sampled_from(MASKINGS), st.floats(0, 1), st.integers(1, 30), st.integers(1, 5), st.integers(0, 2**32))
def test_definition(shapes, kind, prob, limit, max_ngram, seed):
    made = sequences(shapes)
    masking = Masking(kind, prob, limit, MASK, VOCAB_SIZE, max_ngram)
    result = mask_sequences(made, masking, np.random.default_rng(seed))
    hidden = np.zeros(len(made.input_ids), bool)
    hidden[result.tokens] = True
    assert len(result.splits) == len(shapes) + 1 and result.splits[-1] == len(result.tokens)
    assert hidden.sum() == len(result.tokens)  # none twice
    assert not hidden[made.special].any()
    assert (result.labels == made.input_ids[result.tokens]).all()
    assert (result.input_ids[~hidden] == made.input_ids[~hidden]).all()
    assert ((result.input_ids >= 0) & (result.input_ids < VOCAB_SIZE)).all()
    for i, (start, end) in enumerate(zip(made.splits, made.splits[1:])):
        positions = result.positions[result.splits[i] : result.splits[i + 1]]
        assert (np.diff(positions) > 0).all()
        assert (positions + start == result.tokens[result.splits[i] : result.splits[i + 1]]).all()
        most = wanted(end - start, masking)
        assert len(positions) <= most
        sizes = [word for words in shapes[i] for word in words]
        if kind == "token":
            assert len(positions) == min(most, sum(sizes))
        elif positions.size == 0:
            assert min(sizes) > most
    if kind != "token":  # words are hidden as a whole or not at all
        continued = ~made.word_starts
        assert (hidden[continued] == hidden[np.flatnonzero(continued) - 1]).all()


def test_rates_of_a_large_sample():
    made = sequences([[[1, 2, 1, 3] * 8, [2] * 26]] * 4000)
    masking = Masking("token", 0.15, 20, MASK, VOCAB_SIZE)
    result = mask_sequences(made, masking, np.random.default_rng(0))
    count = len(result.tokens)
    length = len(made.input_ids) // 4000
    assert count == 4000 * wanted(length, masking)
    now = result.input_ids[result.tokens]
    by_mask, kept = (now == MASK).sum(), (now == result.labels).sum()
    # A random token is [MASK] or the token itself once in VOCAB_SIZE.
    for found, probability in ((by_mask, 0.8 + 0.1 / VOCAB_SIZE), (kept, 0.1 + 0.1 / VOCAB_SIZE)):
        assert abs(found - count * probability) < 4.5 * np.sqrt(count * probability * (1 - probability))
    others = now[(now != MASK) & (now != result.labels)]
    assert stats.chisquare(np.bincount(others, minlength=VOCAB_SIZE).reshape(20, 50).sum(axis=1)).pvalue > 1e-4
    # Every place is equally likely.
    text = np.flatnonzero(~made.special[:length])
    places = np.bincount(result.positions, minlength=length)[text]
    assert stats.chisquare(places).pvalue > 1e-4


@pytest.mark.parametrize("whole_word", [False, True])
@pytest.mark.parametrize("prob, limit", [(0.15, 20), (0.4, 3), (0.3, 20)])
def test_frequencies_of_masked_sets_equal_the_originals(whole_word, prob, limit):
    """Words of several lengths, so that some are passed over: the frequency of every set of masked positions."""
    words, draws = [1, 3, 2, 1, 1, 4], 20_000
    made = sequences([[words]] * draws)
    masking = Masking("whole_word" if whole_word else "token", prob, limit, MASK, VOCAB_SIZE)
    result = mask_sequences(made, masking, np.random.default_rng(1))
    ours = collections.Counter(
        tuple(result.positions[start:end].tolist()) for start, end in zip(result.splits, result.splits[1:])
    )
    tokens = ["[CLS]", *(("" if i == 0 else "##") + "w" for word in words for i in range(word)), "[SEP]"]
    rng, theirs = random.Random(1), collections.Counter()
    for _ in range(draws):
        instance = original_instances.Instance(tokens, [0] * len(tokens), False)
        original_instances.hide_tokens(instance, prob, limit, ["x", "y"], whole_word, rng)
        theirs[tuple(instance.positions)] += 1
    assert same_frequencies(ours, theirs)


def same_frequencies(first, second, least=1e-4):
    """Chi-square of two samples of counts; rare outcomes count as one."""
    common = [key for key in first.keys() | second.keys() if first[key] + second[key] >= 20]
    table = [[counter[key] for key in common] for counter in (first, second)]
    rest = [counter.total() - sum(row) for counter, row in zip((first, second), table)]
    table = [[*row, other] for row, other in zip(table, rest)] if sum(rest) else table
    return len(table[0]) == 1 or stats.chi2_contingency(table).pvalue > least


def test_ngram_lengths_are_those_of_albert():
    """The first n-gram of a text of words of one token, where nothing stands in its way, has p(n) ~ 1/n."""
    made = sequences([[[1] * 200]] * 8_000)
    # Room for three: the first n-gram drawn is whole, unless it is at the end.
    result = mask_sequences(made, Masking("ngram", 1.0, 3, MASK, VOCAB_SIZE, 3), np.random.default_rng(2))
    runs = collections.Counter()
    for start, end in zip(result.splits, result.splits[1:]):
        steps = np.flatnonzero(np.diff(result.positions[start:end]) > 1)
        runs[tuple(np.diff([0, *(steps + 1), end - start]).tolist())] += 1
    # One, then what is left: p(3) or neighbours by chance; 1/n: 6/11, 3/11, 2/11.
    three = 2 / 11
    # n = 2 first and one more, or n = 1 first and then 2, or 3 cut to 2.
    pairs = 3 / 11 + 6 / 11 * (3 / 11 + 2 / 11)
    singles = 6 / 11 * 6 / 11
    total = sum(runs.values())
    for found, probability in (
        (runs[(3,)], three),
        (runs[(1, 2)] + runs[(2, 1)], pairs),
        (runs[(1, 1, 1)], singles),
    ):
        # Neighbouring draws meet in about 2% of the cases, which the tolerance leaves room for.
        assert abs(found / total - probability) < 0.025
    assert sum(runs.values()) == runs[(3,)] + runs[(1, 2)] + runs[(2, 1)] + runs[(1, 1, 1)]


def test_spans_have_one_lot_and_spanberts_lengths():
    made = sequences([[[1] * 400]] * 6_000)
    result = mask_sequences(made, Masking("span", 1.0, 10, MASK, VOCAB_SIZE), np.random.default_rng(3))
    first_lengths, mixed = collections.Counter(), 0
    for start, end in zip(result.splits, result.splits[1:]):
        positions = result.positions[start:end]
        steps = np.flatnonzero(np.diff(positions) > 1) + 1
        for run in np.split(np.arange(start, end), steps):
            now, before = result.input_ids[result.tokens[run]], result.labels[run]
            lots = {"mask" if n == MASK else "kept" if n == b else "random" for n, b in zip(now, before)}
            mixed += len(lots) > 1
        if len(steps) == 0:
            first_lengths[10] += 1
        first_lengths["all"] += 1
    # A run of ten is one span of ten, but for spans that came to lie side by side (400 places: rare).
    weights = 0.2 * 0.8 ** np.arange(10)
    expected = weights[-1] / weights.sum()
    assert abs(first_lengths[10] / first_lengths["all"] - expected) < 0.02
    assert mixed / first_lengths["all"] < 0.06


def test_no_sequence_at_all():
    result = mask_sequences(sequences([]), Masking("whole_word", 0.15, 20, MASK, VOCAB_SIZE), np.random.default_rng(0))
    assert result.splits.tolist() == [0] and len(result.tokens) == 0


def test_flags_allow_what_there_is():
    kind = registry.get("corpus", "next_sentence")
    for side in ("options", "reading_options"):
        assert options.of(kind, side)["masking"].choices == MASKINGS
