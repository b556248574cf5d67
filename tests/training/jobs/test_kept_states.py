"""Evaluation with states of frozen parts that are kept: the same answers, nothing computed twice, bounded memory."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoders.composed.stacked import Stacked, StackedConfig
from bertline.training.evaluation.evaluator import Evaluator
from bertline.training.jobs.kept_states import KeptStates
from bertline.training.steps import fixed_states

TOKENS = 14  # of the rows below


def make_objective():
    words = {"model_type": "static_vectors", "vocab_size": 60, "width": 6}
    parts = [words, {**small_models.SIZES, "frozen": True}]
    encoder = Stacked(StackedConfig(parts=parts, top={"model_type": "bilstm", "units": 5}))
    objective = registry.get("objective", "token_classification")(encoder, 3)
    small_models.randomize(objective)
    return objective


def rows(seed):
    """A data set of two batches of two rows of words with tags."""
    batch = small_models.features((5, 2, 4, 3), seed=seed)
    words = np.broadcast_to(np.arange(5, dtype=np.int32), [4, 5])
    batch |= {"word_positions": words, "word_mask": batch["input_mask"], "label_ids": batch["input_ids"] % 3}
    return tf.data.Dataset.from_tensor_slices({**batch, "example_index": np.arange(4, dtype=np.int32)}).batch(2)


def answers(objective, data):
    predictions, loss = Evaluator(objective).run(data, with_loss=True)
    return np.concatenate([values.ravel() for values in predictions["logits"]]), loss


def forget(encoder):
    """The frozen part changes, which it never does: who computes it again answers otherwise."""
    for variable in encoder.parts[1].variables:
        variable.assign(-variable)


@pytest.fixture
def objective(monkeypatch):
    made = make_objective()
    monkeypatch.setattr(made, "predictions", lambda outputs: {"logits": outputs["logits"]})
    monkeypatch.setattr(made, "output_axes", {"logits": "words"}, raising=False)
    return made


@pytest.mark.slow
def test_what_is_kept_answers_as_what_is_computed(objective):
    encoder, kept, data = objective.encoder, KeptStates(), rows(1)
    expected, expected_loss = answers(objective, data)
    found, loss = answers(objective, kept.for_evaluation(encoder, "dev", data))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    forget(encoder)
    again, _ = answers(objective, kept.for_evaluation(encoder, "dev", data))
    np.testing.assert_array_equal(again, found)
    assert np.abs(answers(objective, data)[0] - expected).max() > 1e-3
    # Another seed's encoder has states of its own.
    other = make_objective().encoder
    assert kept.for_evaluation(other, "dev", data) is not kept.for_evaluation(encoder, "dev", data)


@pytest.mark.slow
@pytest.mark.parametrize("splits_with_room, is_kept", [(2, True), (1, False)])
def test_all_splits_share_the_memory(objective, monkeypatch, splits_with_room, is_kept):
    size = TOKENS * small_models.SIZES["hidden_size"] * 4  # bytes of the states of a split
    monkeypatch.setattr(fixed_states.Memory, "__init__", lambda self: setattr(self, "left", splits_with_room * size))
    encoder, kept, data = objective.encoder, KeptStates(), rows(1)
    trained = kept.for_training(encoder, lambda: rows(2))
    assert "fixed_states_1" in trained(next(iter(rows(2))))  # the first to ask
    evaluated = kept.for_evaluation(encoder, "dev", data)
    before, _ = answers(objective, evaluated)
    forget(encoder)
    assert np.array_equal(answers(objective, evaluated)[0], before) == is_kept


def test_an_encoder_without_frozen_parts_gets_the_batches_as_they_are():
    data = rows(1)
    assert KeptStates().for_evaluation(small_models.encoder(), "dev", data) is data
    assert KeptStates().for_training(small_models.encoder(), lambda: data) is None
