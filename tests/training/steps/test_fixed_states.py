"""States of frozen parts that are computed once: the same training as with those that are computed at each step."""

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoders.composed.stacked import Stacked, StackedConfig
from bertline.training.optimizers.adamw import AdamW
from bertline.training.schedules.constant import Constant
from bertline.training.steps import fixed_states
from bertline.training.steps.step import TrainStep

LENGTHS = ((5, 2, 7), (3, 6, 1))
ROWS = (((2, 0), (0, 0), (2, 1)), ((1, 0), (4, 0), (0, 1)))  # (example, part) of each; example 3 has none


def batches():
    """Batches of words in a shared row and in that of a part, with tags."""
    found = []
    for seed, (lengths, rows) in enumerate(zip(LENGTHS, ROWS)):
        batch, other = small_models.features(lengths, seed=seed), small_models.features((8, 8, 8), seed=seed + 9)
        mask = batch["input_mask"]
        batch |= {f"other_{name}": value for name, value in other.items()}
        batch["other_places"] = np.where(mask > 0, np.arange(1, mask.shape[1] + 1), 0).astype(np.int32)
        places = np.broadcast_to(np.arange(mask.shape[1], dtype=np.int32), mask.shape)
        batch |= {"word_positions": places, "word_mask": mask, "label_ids": batch["input_ids"] % 3}
        batch["example_index"], batch["part"] = (np.array(one, np.int32) for one in zip(*rows))
        found.append(small_models.tensors(batch))
    return found


def make_objective():
    words = {"model_type": "static_vectors", "vocab_size": 60, "width": 6}
    parts = [words, {**small_models.SIZES, "frozen": True, "prefix": "other_", "at": [0, -1]}]
    top = {"model_type": "bilstm", "units": 5, "output_dropout": 0.2}
    encoder = Stacked(StackedConfig(parts=parts, mix="scalar_mix", dropout=0.3, top=top))
    objective = registry.get("objective", "token_classification")(encoder, 3)
    small_models.randomize(objective)
    return objective


def train(fixed=None, order=(0, 1, 1, 0)):
    """Weights after some steps."""
    objective, data = make_objective(), batches()
    step = tf.Variable(0, dtype=tf.int64, trainable=False)
    optimizer = AdamW(objective.named_weights(), Constant(1e-2, 4, 0))
    states = fixed and fixed(objective.encoder)
    run = tf.function(TrainStep(objective, optimizer, step, seed=3, fixed_states=states), reduce_retracing=True)
    for number in order:
        run(data[number])
    return {name: variable.numpy() for name, variable in objective.named_weights().items()}


@pytest.mark.slow
@pytest.mark.long
def test_training_is_the_same():
    seen = []

    def fixed(encoder):
        # The weights of the first call: what a checkpoint gave after the step was made.
        call = encoder.parts[1].call
        encoder.parts[1].call = lambda *given, **wanted: seen.append(1) or call(*given, **wanted)
        return fixed_states.FixedStates(encoder, batches)

    found, expected, before = train(fixed), train(), make_objective().named_weights()
    assert 1 <= len(seen) <= 2  # traced for the batches of the data set, never for a step
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=2e-6, err_msg=name)
    moved = {name for name, value in expected.items() if not np.array_equal(value, before[name].numpy())}
    assert {"stacked/mix_1/scalars", "stacked/mix_1_above_1/gamma"} < moved
    assert not any("part_1" in name for name in moved)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_what_needs_too_much_memory_is_computed_at_each_step(monkeypatch, share):
    monkeypatch.setattr(fixed_states, "MEMORY_SHARE", share)
    states = fixed_states.FixedStates(make_objective().encoder, batches)
    assert ("fixed_states_1" in states(batches()[0])) == (share > 0)


def test_each_row_gets_its_own():
    encoder = make_objective().encoder
    states = fixed_states.FixedStates(encoder, lambda: reversed(batches()))
    for batch in batches():
        mask = batch["input_mask"].numpy() > 0
        expected = encoder.fixed_states(batch)["fixed_states_1"].numpy()[mask]
        np.testing.assert_allclose(states(batch)["fixed_states_1"].numpy()[mask], expected, atol=1e-6)
    assert not registry.get("encoder", "bert")(small_models.config()).has_fixed_states
