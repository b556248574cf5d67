"""`low_latency` against TensorFlow's own graph: one text and several, threads, precision, what cannot be converted."""

import concurrent.futures
import logging

import numpy as np
import pytest
import tensorflow as tf
from odd_texts import mixed_texts
from small_classifiers import classifier_folder

from bertline.errors import InputError
from bertline.serving import Predictor
from bertline.serving.service.model import Model
from bertline.serving.speed.lite_graph import LiteGraph


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def quick(folder):
    return Predictor(folder, low_latency=True)


def calls(monkeypatch):
    """The results of LiteGraph from now on, None where it was busy."""
    found, call = [], LiteGraph.__call__
    monkeypatch.setattr(LiteGraph, "__call__", lambda *args: found.append(call(*args)) or found[-1])
    return found


def test_what_is_logged_later_is_seen(quick):
    quick.probabilities(["a"])
    assert logging.getLogger("absl").isEnabledFor(logging.WARNING) and logging.getLogger().isEnabledFor(logging.WARNING)


@pytest.mark.slow
def test_the_same_numbers(folder, quick, monkeypatch):
    plain, texts, found = Predictor(folder), [*mixed_texts(60), ("a b", "c d"), ""], calls(monkeypatch)
    for text in texts:
        np.testing.assert_allclose(quick.probabilities([text]), plain.probabilities([text]), atol=1e-5)
        np.testing.assert_allclose(quick.embed([text]), plain.embed([text]), atol=1e-5)
    assert len(found) == 2 * len(texts) and not any(values is None for values in found)


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["cls", "max", "mean+max"])
def test_every_pooling(folder, quick, pooling, monkeypatch):
    wanted, found = {"pooling": pooling, "layers": (-1, -2), "layer_mix": "concat"}, calls(monkeypatch)
    np.testing.assert_allclose(
        quick.embed(["fed a, b?"], **wanted), Predictor(folder).embed(["fed a, b?"], **wanted), atol=1e-5
    )
    assert len(found) == 1


def test_several_texts_and_tokens_take_the_other_graph(quick, monkeypatch):
    found = calls(monkeypatch)
    quick.predict(["a b", "c d"])
    quick.embed(["a b"], unit="token")
    assert found == []


def test_threads(quick):
    texts = mixed_texts(40)
    expected = [quick.probabilities([text]) for text in texts]
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        for _ in range(5):
            for row, wanted in zip(threads.map(lambda text: quick.probabilities([text]), texts), expected):
                np.testing.assert_allclose(row, wanted, atol=1e-5)


def test_half_precision_is_computed_in_float32(folder, quick):
    half = Predictor(folder, dtype="bfloat16", low_latency=True)
    np.testing.assert_array_equal(half.probabilities(["a b c"]), quick.probabilities(["a b c"]))
    assert np.abs(half.probabilities(["a " * 30]) - quick.probabilities(["a " * 30])).max() > 1e-5


@pytest.mark.slow
def test_the_service_makes_it_for_what_is_asked_most(folder, monkeypatch):
    predictor = Predictor(folder, low_latency=True)
    model, found = Model(predictor, "small"), calls(monkeypatch)
    model.warm_up()
    for kind in (model.prediction(), model.embedding()):
        found.clear()
        model.compute(kind, ["a b"])
        assert len(found) == 1
    found.clear()
    model.compute(model.embedding(pooling="max"), ["a b"])
    assert found == []


def test_what_cannot_be_converted_is_said():
    @tf.function(input_signature=[tf.TensorSpec([1, None], tf.int32, "input_ids")])
    def with_text(input_ids):
        return tf.strings.length(tf.strings.as_string(input_ids))

    with pytest.raises(InputError, match="TensorFlow Lite cannot compute this model"):
        LiteGraph(with_text.get_concrete_function, threads=1)
