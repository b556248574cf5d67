"""Dynamic masking: what holds for every batch, the definition of the original restated, distributions, resumption."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from bertline.processors.corpora.masked import dynamic_masking
from bertline.processors.corpora.masked import masking as offline
from bertline.processors.corpora.masked.dynamic_masking import MASKINGS, DynamicMasking
from bertline.processors.corpora.masked.sequences import Sequences

PAD, CLS, SEP, MASK = 0, 2, 3, 4
VOCAB = 30_000
FIRST = 10  # smallest id of an ordinary token
settings = hypothesis.settings(max_examples=60, deadline=None)


def masking(kind="token", predictions=20, prob=0.15, seed=1, **options):
    return DynamicMasking(MASK, VOCAB, (CLS, SEP), predictions, prob, kind, seed=seed, **options)


def batch_of(lengths, width=None, seed=0, continued=0.3):
    """Rows [CLS] a [SEP] b [SEP]; a share `continued` of the tokens goes on with the word before."""
    draw = np.random.default_rng(seed)
    shape = (len(lengths), width or max(lengths))
    ids = draw.integers(FIRST, VOCAB, shape).astype(np.int32)
    starts = (draw.random(shape) >= continued).astype(np.int32)
    for row, length in enumerate(lengths):
        for place, special in ((0, CLS), (length // 2, SEP), (length - 1, SEP)):
            ids[row, place], starts[row, place] = special, 1
        ids[row, length:] = PAD
    mask = (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int32)
    return {"input_ids": ids, "input_mask": mask, "segment_ids": np.zeros(shape, np.int32), "word_starts": starts}


def apply(one, batch, index=0):
    made = one(tf.constant(index, tf.int64), {name: tf.constant(array) for name, array in batch.items()})
    return {name: tensor.numpy() for name, tensor in made.items()}


def words_of(batch, row):
    """Lists of positions, by the original's rule, and nothing across a special token."""
    words, open_word = [], False
    for place in range(int(batch["input_mask"][row].sum())):
        if batch["input_ids"][row, place] in (CLS, SEP):
            open_word = False
        elif open_word and not batch["word_starts"][row, place]:
            words[-1].append(place)
        else:
            words.append([place])
            open_word = True
    return words


def taken_of(made, row):
    return made["masked_lm_positions"][row][made["masked_lm_weights"][row] > 0].tolist()


@pytest.mark.slow
@settings
@hypothesis.given(
    kind=st.sampled_from(MASKINGS),
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    wider=st.integers(0, 5),
    predictions=st.integers(1, 60),
    prob=st.sampled_from([0.15, 0.05, 0.5, 1.0]),
    continued=st.sampled_from([0.0, 0.3, 0.9, 1.0]),
    seed=st.integers(0, 2**40),
)
def test_properties(kind, lengths, wider, predictions, prob, continued, seed):
    batch = batch_of(lengths, max(lengths) + wider, seed % 1000, continued)
    check(batch, apply(masking(kind, predictions, prob, seed), batch, seed), kind, predictions, prob)


def check(batch, made, kind, predictions, prob):
    """What holds for every masked batch."""
    assert set(made) == set(batch) - {"word_starts"} | {"masked_lm_positions", "masked_lm_ids", "masked_lm_weights"}
    assert made["masked_lm_positions"].dtype == made["masked_lm_ids"].dtype == made["input_ids"].dtype == np.int32
    assert made["masked_lm_weights"].dtype == np.float32
    for name in ("input_mask", "segment_ids"):
        np.testing.assert_array_equal(made[name], batch[name])
    for row, length in enumerate(batch["input_mask"].sum(axis=1)):
        positions, ids, weights = (made[f"masked_lm_{name}"][row] for name in ("positions", "ids", "weights"))
        assert positions.shape == ids.shape == weights.shape == (predictions,)
        taken, words = taken_of(made, row), words_of(batch, row)
        count, maskable = len(taken), set(itertools.chain(*words))
        # Those that count come first, ascending, none twice; then zeros.
        assert weights.tolist() == [1.0] * count + [0.0] * (predictions - count)
        assert taken == sorted(set(taken)) and set(taken) <= maskable
        assert not positions[count:].any() and not ids[count:].any()
        np.testing.assert_array_equal(ids[:count], batch["input_ids"][row, taken])
        others = [place for place in range(batch["input_ids"].shape[1]) if place not in taken]
        np.testing.assert_array_equal(made["input_ids"][row, others], batch["input_ids"][row, others])
        assert np.all((made["input_ids"][row] >= 0) & (made["input_ids"][row] < VOCAB))
        wanted = min(predictions, max(1, int(round(length * prob))))  # the original's
        if kind == "token":
            assert count == min(wanted, len(maskable))
            continue
        assert count <= wanted
        for word in words:
            assert set(word) <= set(taken) or set(word).isdisjoint(taken), "words stay together"
        if kind == "whole_word":  # a word that still fits is taken
            left = [len(word) for word in words if word[0] not in taken]
            assert not left or min(left) > wanted - count


@settings
@hypothesis.given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 4),
    width=st.integers(1, 30),
    share=st.sampled_from([0.1, 0.6, 1.0]),
    longest=st.sampled_from([1, 3, 10]),
)
def test_groups_are_taken_in_turn(seed, rows, width, share, longest):
    """The loop of the original, with groups of words, restated word by word."""
    draw = np.random.default_rng(seed)
    others = draw.random((rows, width)) < 0.15
    after_other = np.pad(others, [[0, 0], [1, 0]], constant_values=True)[:, :-1]
    starts = ~others & ((draw.random((rows, width)) < share) | after_other)
    lengths = draw.integers(1, longest + 1, (rows, width)).astype(np.int32)
    wanted = draw.integers(1, width + 1, rows).astype(np.int32)
    order = draw.random((rows, width)).astype(np.float32)
    found = dynamic_masking._take_groups(*map(tf.constant, (starts, others, lengths, wanted, order))).numpy()
    for row in range(rows):
        expected, count = np.zeros(width, int), 0
        for step, first in enumerate(sorted(np.flatnonzero(starts[row]), key=lambda place: order[row, place]), 1):
            place = first
            for _ in range(lengths[row, first]):
                if place == width or not starts[row, place] or expected[place]:
                    break
                end = place + 1
                while end < width and not starts[row, end] and not others[row, end]:
                    end += 1
                if count + end - place > wanted[row]:
                    break
                expected[place:end] = step
                count, place = count + end - place, end
        np.testing.assert_array_equal(found[row], expected)


def runs(positions):
    """Lengths of the stretches of neighbouring numbers, ascending."""
    groups = itertools.groupby(enumerate(positions), lambda pair: pair[1] - pair[0])
    return tuple(sorted(len(list(group)) for _, group in groups))


def assert_share(found, total, expected, variance_factor=1.0):
    """A share within 4 standard errors."""
    error = 4 * np.sqrt(expected * (1 - expected) * variance_factor / total)
    assert abs(found / total - expected) < error, f"{found / total} is not {expected} +- {error}"


def test_lengths_of_ngrams():
    """Three tokens of a long row: the first n-gram fits whatever its length, those after it are cut to what is left."""
    rows, width = 6000, 700  # so long that two groups hardly ever touch
    made = apply(masking("ngram", 3, 0.01), batch_of([width] * rows, continued=0.0))
    found = [runs(taken_of(made, row)) for row in range(rows)]
    # p(1), p(2), p(3) = 6/11, 3/11, 2/11
    for shape, share in (((3,), 2 / 11), ((1, 2), 3 / 11 + 6 / 11 * 5 / 11), ((1, 1, 1), 6 / 11 * 6 / 11)):
        assert_share(found.count(shape), rows, share, variance_factor=1.5)


def test_lengths_of_spans():
    """SpanBERT's: geometric, at most 10 words, of mean 3.8."""
    chances = offline.length_probabilities("span")
    assert len(chances) == 10 and np.sum(chances * np.arange(1, 11)) == pytest.approx(3.8, abs=0.01)
    np.testing.assert_allclose(chances[1:] / chances[:-1], 0.8)
    rows, width = 4000, 700
    made = apply(masking("span", 10, 0.1), batch_of([width] * rows, continued=0.0))
    found = [runs(taken_of(made, row)) for row in range(rows)]
    assert_share(found.count((10,)), rows, chances[9], variance_factor=1.5)
    # One and nine: nine, then whatever is cut to one; or one, then at least nine.
    assert_share(found.count((1, 9)), rows, chances[8] + chances[0] * chances[8:].sum(), variance_factor=1.5)


@pytest.mark.parametrize("kind", MASKINGS)
def test_fates(kind):
    """80 % [MASK], 10 % as they were, 10 % random; each token of a span has the span's."""
    batch = batch_of([128] * 2000)
    made = apply(masking(kind), batch)
    before, after = batch["input_ids"], made["input_ids"]
    taken = np.zeros(before.shape, bool)
    for row in range(len(before)):
        taken[row, taken_of(made, row)] = True
    total, factor = taken.sum(), 8.0 if kind == "span" else 1.0  # E[l ** 2] / E[l], l a span's tokens
    masked, kept = taken & (after == MASK), taken & (after == before)
    assert_share(masked.sum(), total, 0.8, factor)
    assert_share(kept.sum(), total, 0.1, factor)
    replaced = after[taken & ~masked & ~kept]
    # Any id of the vocabulary, also a special one: the mean of uniform numbers, and their ends.
    assert abs(replaced.mean() / VOCAB - 0.5) < 4 / np.sqrt(12 * len(replaced))
    assert replaced.min() < 0.01 * VOCAB and replaced.max() > 0.99 * VOCAB
    assert len(np.unique(replaced)) > 0.8 * len(replaced), "drawn for each token, in a span too"
    fate = np.where(masked, 1, np.where(kept, 2, 3))
    words = [fate[row, word] for row in range(300) for word in words_of(batch, row) if taken[row, word[0]]]
    mixed = any(len(set(word)) > 1 for word in words)
    assert mixed == (kind != "span") or kind == "token"


@pytest.mark.parametrize("kind", MASKINGS)
def test_every_place_is_as_likely(kind):
    """Places of single-token words; groups of several reach the ends of their segment less often."""
    rows = 8000
    batch = batch_of([32] * rows, continued=0.0)
    made = apply(masking(kind, 5, 0.15), batch)
    counts = np.zeros(32)
    for row in range(rows):
        counts[taken_of(made, row)] += 1
    inner = [place for place in range(32) if batch["input_ids"][0, place] not in (CLS, SEP)]
    assert counts.sum() == counts[inner].sum()
    if kind in ("token", "whole_word"):
        assert counts.sum() == 5 * rows
        for place in inner:
            assert_share(counts[place], rows, 5 / len(inner))
    else:
        assert np.all(counts[inner] > rows * 5 / len(inner) / 3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", MASKINGS)
def test_a_function_of_seed_and_index(kind):
    batch = batch_of([128, 90, 20])
    first = apply(masking(kind, seed=5), batch, index=7)
    same = apply(masking(kind, seed=5), batch, index=7)
    for name, array in first.items():
        np.testing.assert_array_equal(array, same[name])
    for seed, index in ((6, 7), (5, 8), (7, 5)):
        other = apply(masking(kind, seed=seed), batch, index=index)
        assert np.any(other["masked_lm_positions"] != first["masked_lm_positions"])
    rows = [tuple(taken_of(apply(masking(kind), batch_of([128] * 40)), row)) for row in range(40)]
    assert len(set(rows)) == 40, "each row its own"


@pytest.mark.slow
@pytest.mark.parametrize("kind", MASKINGS)
def test_graphs_of_unknown_and_of_fixed_shape_agree(kind):
    """Shapes stay static where those of the inputs are, so that XLA compiles it."""
    one, batch = masking(kind, predictions=20), batch_of([12, 9, 7])  # fewer tokens than predictions
    expected = apply(one, batch, 3)
    for shape, jit_compile in (([None, None], False), ([3, 12], False), ([3, 12], True)):
        signature = [tf.TensorSpec([], tf.int64), {name: tf.TensorSpec(shape, tf.int32) for name in batch}]
        graph = tf.function(one, input_signature=signature, jit_compile=jit_compile)
        found = apply(graph, batch, 3)
        if jit_compile:  # XLA's random numbers are others
            check(batch, found, kind, 20, 0.15)
        else:
            assert all(np.array_equal(found[name], array) for name, array in expected.items())
        shapes = {name: spec.shape.as_list() for name, spec in graph.get_concrete_function().structured_outputs.items()}
        assert shapes["masked_lm_positions"] == [shape[0], 20] and shapes["input_ids"] == shape


@pytest.mark.slow
@pytest.mark.parametrize("kind", MASKINGS)
def test_an_iterator_resumes_with_the_same_masks(kind, tmp_path):
    def iterator():
        rows = tf.data.Dataset.from_tensor_slices(batch_of([32] * 60)).shuffle(60, seed=3).repeat()
        masked = rows.batch(8).enumerate().map(masking(kind), num_parallel_calls=2)
        return iter(masked.prefetch(2))

    whole = iterator()
    for _ in range(5):
        next(whole)
    prefix = tf.train.Checkpoint(iterator=whole).write(str(tmp_path / "iterator"))
    expected = [next(whole) for _ in range(6)]
    resumed = iterator()
    tf.train.Checkpoint(iterator=resumed).read(prefix).assert_consumed()
    for batch in expected:
        found = next(resumed)
        for name, tensor in batch.items():
            np.testing.assert_array_equal(found[name].numpy(), tensor.numpy(), err_msg=name)


def test_a_batch_without_a_maskable_token():
    batch = {name: array[:, :1] for name, array in batch_of([5, 5]).items()}  # [CLS] alone
    batch["input_mask"][1] = 0
    for kind in MASKINGS:
        made = apply(masking(kind), batch)
        np.testing.assert_array_equal(made["input_ids"], batch["input_ids"])
        assert not made["masked_lm_weights"].any()


def test_an_unknown_masking_is_an_error():
    with pytest.raises(ValueError, match="masking 'words' is not one of token, whole_word, ngram, span"):
        masking("words")


def distributions(before, after, taken, starts):
    """What two ways of masking must agree in, each with its number of trials: shares of the tokens taken that became
    [MASK], that stayed, and that begin a word; shares of stretches of 1, 2, 3, 4 and more neighbouring tokens."""
    stretches = np.concatenate([runs(np.flatnonzero(row)) for row in taken])
    tokens, count = taken.sum(), len(stretches)
    found = {
        "masked": (np.sum(taken & (after == MASK)), tokens),
        "kept": (np.sum(taken & (after == before)), tokens),
        "word starts": (np.sum(taken & (starts > 0)), tokens),
    }
    return {
        **found,
        **{f"stretches of {n}": (np.sum(stretches == n), count) for n in (1, 2, 3)},
        "stretches of 4 to 6": (np.sum((stretches > 3) & (stretches < 7)), count),
        "stretches above 6": (np.sum(stretches > 6), count),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", MASKINGS)
def test_it_masks_as_processors_masking_does(kind):
    """The same rows, masked while records are written and while training."""
    draw = np.random.default_rng(5)
    batch = batch_of(draw.integers(8, 129, 4000).tolist(), 128)
    real = batch["input_mask"] > 0
    ids, starts = batch["input_ids"], batch["word_starts"]
    special = (ids == CLS) | (ids == SEP)
    starts |= np.pad(special, [[0, 0], [1, 0]])[:, :-1]  # as in records
    splits = np.append(0, np.cumsum(real.sum(axis=1)))
    flat = Sequences(splits, ids[real], np.zeros(splits[-1], np.uint8), special[real], starts[real] > 0)
    made = offline.mask_sequences(flat, offline.Masking(kind, 0.15, 20, MASK, VOCAB), np.random.default_rng(6))
    their_ids, their_taken = ids.copy(), np.zeros(ids.shape, bool)
    their_ids[real] = made.input_ids
    chosen = np.zeros(splits[-1], bool)
    chosen[made.tokens] = True
    their_taken[real] = chosen

    ours, our_taken = apply(masking(kind), batch), np.zeros(ids.shape, bool)
    for row in range(len(ids)):
        our_taken[row, taken_of(ours, row)] = True
    if kind == "token":
        np.testing.assert_array_equal(our_taken.sum(axis=1), their_taken.sum(axis=1))
    assert our_taken.sum() / their_taken.sum() == pytest.approx(1.0, abs=0.002)
    found = distributions(ids, ours["input_ids"], our_taken, starts)
    for name, (expected, total) in distributions(ids, their_ids, their_taken, starts).items():
        count, trials = found[name]
        share = (expected + count) / (total + trials)
        # A span's tokens share one fate: 8 is above E[l ** 2] / E[l], l its tokens.
        factor = 8.0 if kind == "span" and name in ("masked", "kept") else 1.5
        error = np.sqrt(share * (1 - share) * (1 / total + 1 / trials) * factor)
        assert abs(count / trials - expected / total) <= 4 * error, f"{name}: {count / trials}, not {expected / total}"
