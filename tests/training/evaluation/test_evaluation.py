"""Evaluation sees every example once, in order, at its own weight."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.speed import inference
from bertline.training.evaluation.evaluator import Evaluator


@pytest.fixture(scope="module")
def model():
    return small_models.objective("sequence_classification", num_hidden_layers=1)


@pytest.fixture(scope="module")
def rows():
    return small_models.classification_batch((11, 4, 9, 7, 8, 5, 10, 2, 3, 6))


@pytest.fixture(scope="module")
def expected(model, rows):
    """(probabilities, mean loss) of one batch of all rows, in numpy."""
    logits = model(small_models.tensors(rows))["logits"].numpy().astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return probabilities, -np.log(probabilities[np.arange(10), rows["label_ids"]]).mean()


def batches(rows, parts, **more):
    for part in parts:
        batch = {name: array[list(part)] for name, array in rows.items()}
        yield small_models.tensors({**batch, "example_index": np.array(part, np.int32), **more})


@pytest.mark.slow
@pytest.mark.parametrize("static_shapes", [True, False])
@pytest.mark.parametrize("parts", [[range(10)], [(9, 2, 4), (0, 1, 3, 5, 6, 7), (8,)]], ids=["whole", "parts"])
def test_results_come_in_the_order_of_the_examples(model, rows, expected, parts, static_shapes):
    predictions, loss = Evaluator(model, static_shapes).run(batches(rows, parts), with_loss=True)
    np.testing.assert_allclose(predictions["probabilities"], expected[0], atol=1e-6)
    np.testing.assert_array_equal(predictions["label_ids"], rows["label_ids"])
    assert loss == pytest.approx(expected[1], rel=1e-5)


def test_rows_that_were_cut_are_told_of_in_the_order_of_the_examples(model, rows):
    lengths = np.array([0, 300, 0, 0, 129, 0, 0, 0, 0, 9], np.int32)
    parts = [(9, 2, 4), (0, 1, 3, 5, 6, 7), (8,)]
    predictions, _ = Evaluator(model).run(batches({**rows, "uncut_length": lengths}, parts), with_loss=False)
    np.testing.assert_array_equal(predictions["uncut_length"], lengths)


def test_without_labels_there_is_no_loss(model, rows, expected):
    predictions, loss = Evaluator(model).run(batches(rows, [(3, 1, 0, 2), range(4, 10)]), with_loss=False)
    np.testing.assert_allclose(predictions["probabilities"], expected[0], atol=1e-6)
    assert loss is None and "label_ids" not in predictions


def test_rows_that_fill_up_a_batch_do_not_count(model, rows, expected):
    filled = {name: np.concatenate([array, array[:2]]) for name, array in rows.items()}
    filled |= {
        "is_real_example": np.array([1] * 10 + [0] * 2, np.int32),
        "example_index": np.array([*range(10), -1, -1]),
    }
    predictions, loss = Evaluator(model).run([small_models.tensors(filled)], with_loss=True)
    np.testing.assert_allclose(predictions["probabilities"], expected[0], atol=1e-6)
    assert loss == pytest.approx(expected[1], rel=1e-5)


def test_records_without_numbers_stay_in_order_of_arrival(model, rows, expected):
    parts = [(5, 2), (0, 9)]
    unnumbered = ({**b, "example_index": tf.fill([2], -1)} for b in batches(rows, parts))
    predictions, _ = Evaluator(model).run(unnumbered, with_loss=False)
    np.testing.assert_allclose(predictions["probabilities"], expected[0][[5, 2, 0, 9]], atol=1e-6)


@pytest.fixture
def constants_at_once(monkeypatch):
    """Weights are constants however little is computed."""
    monkeypatch.setattr(inference, "FEWEST_TOKENS", 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "kind"), [("float32", "variables"), ("bfloat16", "variables"), ("bfloat16", "constants")]
)
def test_each_run_has_the_weights_of_its_time(rows, dtype, kind, request, monkeypatch):
    """In half precision they are those of the same model made for inference, which stores them cast."""
    if kind == "constants":
        request.getfixturevalue("constants_at_once")
    options = {"dtype": dtype, "for_training": True, "rematerialize": kind == "constants"}
    trained = small_models.objective("sequence_classification", options, num_hidden_layers=1)
    stored = small_models.objective("sequence_classification", {**options, "for_training": False}, num_hidden_layers=1)
    evaluator, features = Evaluator(trained), small_models.tensors(rows)
    tolerance, called, call = 1e-6 if dtype == "float32" else 5e-3, [], type(trained).call
    monkeypatch.setattr(
        type(trained), "call", lambda self, *args, **more: called.append(self) or call(self, *args, **more)
    )
    for _ in range(2):
        for name, weight in stored.named_weights().items():
            weight.assign(tf.cast(trained.named_weights()[name], weight.dtype))
        for _ in range(2):
            found, loss = evaluator.run(batches(rows, [range(10)]), with_loss=True)
        expected = stored(features)
        np.testing.assert_allclose(found["probabilities"], tf.nn.softmax(expected["logits"]), atol=tolerance)
        losses = stored.losses(features, expected)["loss"]
        assert loss == pytest.approx(float(tf.reduce_mean(losses)), rel=tolerance)
        trained.encoder.pooler.kernel.assign(-2.0 * trained.encoder.pooler.kernel)
        trained.encoder.embeddings.word_embeddings.assign(trained.encoder.embeddings.word_embeddings[::-1])
    # A graph of constants is made for each state of the weights, one of variables serves all.
    assert sum(model is trained for model in called) == {"variables": 1, "constants": 2}[kind]


def test_a_mean_in_the_place_of_values_is_refused(model, rows, monkeypatch):
    """Weights of examples and classes would have no effect on it, and nobody would be told."""
    mean = tf.reduce_mean
    own = model.losses
    monkeypatch.setattr(model, "losses", lambda features, outputs: {"loss": mean(own(features, outputs)["loss"])})
    with pytest.raises(InputError, match=r"losses\(\)\['loss'\] has the shape \(\), its loss_weights\(\) \(10,\)"):
        Evaluator(model, static_shapes=True).run(batches(rows, [range(10)]), with_loss=True)
