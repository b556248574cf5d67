"""One optimizer step is the same however its batch is cut; dropout, clipping and loss scaling."""

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.modeling.layers.dropout import dropout
from bertline.training.optimizers.adamw import AdamW
from bertline.training.optimizers.sgd import SGD
from bertline.training.schedules.linear import Linear
from bertline.training.steps import step as step_module
from bertline.training.steps.step import TrainStep


def descent(named_weights, learning_rate=0.5):
    """Unlike Adam's, its steps are as long as the gradients, so that a wrong scale shows; rows stay rows."""
    return SGD(named_weights, lambda step: tf.constant(learning_rate))


def train(objective, batches, make_optimizer=descent, jit_compile=False, **options):
    """Scalars of each step, and the weights after them."""
    step = TrainStep(
        objective,
        make_optimizer(objective.named_weights()),
        tf.Variable(0, dtype=tf.int64),
        7,
        static_shapes=jit_compile,
        **options,
    )
    run = tf.function(step, jit_compile=jit_compile)
    scalars = [{name: float(value) for name, value in run(small_models.tensors(batch)).items()} for batch in batches]
    assert step.step.numpy() == len(batches)
    return scalars, {name: variable.numpy() for name, variable in objective.named_weights().items()}


def adam(named_weights):
    return AdamW(named_weights, Linear(0.01, 10, 2))


def assert_same(found, expected, tolerance=1e-5):
    """Scalars and weights of two runs, weights relative to the largest of each."""
    for one, other in zip(found[0], expected[0], strict=True):
        assert one == pytest.approx(other, rel=tolerance)
    for name, weight in expected[1].items():
        assert small_models.relative_difference(found[1][name], weight) < tolerance, name


BATCHES = {
    "masked_lm": [small_models.masked_lm_batch(), small_models.masked_lm_batch(seed=1)],
    "sequence_classification": [small_models.classification_batch(), small_models.classification_batch(seed=1)],
}


@pytest.fixture
def without_dropout(monkeypatch):
    monkeypatch.setattr("bertline.modeling.objectives.classification.sequence_classification.HEAD_DROPOUT", 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", BATCHES)
def test_accumulation_equals_the_whole_batch(name, without_dropout):
    def make():
        return small_models.objective(name, num_hidden_layers=1)

    whole = train(make(), BATCHES[name], max_grad_norm=0.5)
    assert whole[0][0]["grad_norm"] > 0.6, "clipping has something to do"
    for micro_batches in (2, 3, 10):  # of 7 rows: of unequal size; some without a row
        options = {"gradient_accumulation_steps": micro_batches, "max_grad_norm": 0.5}
        assert_same(train(make(), BATCHES[name], **options), whole)


@pytest.mark.slow
@pytest.mark.parametrize("max_grad_norm", [0.0, 0.5, 1e6])
def test_clipping_is_by_the_global_norm(max_grad_norm, without_dropout):
    before = small_models.objective("sequence_classification", num_hidden_layers=1)
    batch = small_models.classification_batch()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(before.losses(batch, before(small_models.tensors(batch)))["loss"])
    gradients = tape.gradient(loss, [v.value for v in before.named_weights().values()])
    gradients = dict(zip(before.named_weights(), (tf.convert_to_tensor(g).numpy() for g in gradients)))
    norm = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradients.values()))
    scale = min(1.0, max_grad_norm / norm) if max_grad_norm else 1.0
    scalars, after = train(
        small_models.objective("sequence_classification", num_hidden_layers=1), [batch], max_grad_norm=max_grad_norm
    )
    assert scalars[0] == pytest.approx({"loss": float(loss), "grad_norm": norm, "learning_rate": 0.5}, rel=1e-5)
    for name, variable in before.named_weights().items():
        np.testing.assert_allclose(
            after[name], variable.numpy() - 0.5 * scale * gradients[name], atol=1e-5, err_msg=name
        )


@pytest.mark.slow
def test_xla_equals(without_dropout):
    """Static shapes, compiled, with micro-batches of static size."""
    batches = [{key: array[:6] for key, array in batch.items()} for batch in BATCHES["masked_lm"]]

    def make():
        return small_models.objective("masked_lm", {"static": True}, num_hidden_layers=1)

    expected = train(make(), batches)
    for options in ({}, {"gradient_accumulation_steps": 2}):
        assert_same(train(make(), batches, jit_compile=True, **options), expected, 3e-5)


def test_frozen_weights_stay(without_dropout):
    """The optimizer says which weights move; no other has a gradient computed."""
    model = small_models.objective("sequence_classification", num_hidden_layers=1)
    start = {name: variable.numpy() for name, variable in model.named_weights().items()}

    def above_embeddings(named):
        return descent({name: v for name, v in named.items() if not name.startswith("bert/embeddings/")})

    _, after = train(model, BATCHES["sequence_classification"], above_embeddings)
    start = {name: weight for name, weight in start.items() if not name.endswith("key/bias")}  # of gradient 0
    moved = {name for name in start if np.any(start[name] != after[name])}
    assert moved == {name for name in start if not name.startswith("bert/embeddings/")}


# Dropout


class MaskProbe:
    """An objective whose gradient shows the masks: each row adds its own mask of half the weights' places."""

    terms = ("loss",)
    measures = {}

    def __init__(self, places=64):
        self.places, self.weight = places, keras.Variable(tf.zeros([places]))

    def named_weights(self):
        return {"weight": self.weight}

    def zero_state(self, lanes):
        return None

    def __call__(self, features, dropout_key=None):
        ones = tf.ones([tf.shape(features["rows"])[0], self.places])
        return dropout(ones, 0.5, dropout_key) * tf.convert_to_tensor(self.weight)

    def losses(self, features, outputs):
        return {"loss": tf.reduce_sum(outputs, axis=1)}

    def loss_weights(self, features):
        return {"loss": tf.ones_like(features["rows"])}


def masks(seed, steps=3, rows=2, micro_batches=1):
    """The mean over the rows of their masks, [steps, places]; a place that is kept counts 2."""
    probe = MaskProbe()
    step = TrainStep(
        probe,
        descent(probe.named_weights(), 1.0),
        tf.Variable(0, dtype=tf.int64),
        seed,
        micro_batches,
        max_grad_norm=0.0,
    )
    run, found = tf.function(step), [np.zeros(probe.places)]
    for _ in range(steps):
        run({"rows": tf.ones([rows])})
        found.append(-probe.weight.numpy())
    return np.diff(found, axis=0)


def test_masks_are_a_function_of_seed_and_step():
    first, same, other = masks(1), masks(1), masks(2)
    np.testing.assert_array_equal(first, same)
    assert np.any(first != other)
    assert np.any(first[0] != first[1]) and np.any(first[1] != first[2]) and np.any(first[0] != first[2])
    assert abs(masks(3, steps=20).mean() - 1.0) < 0.08  # standard error 0.02


def test_a_run_that_goes_on_draws_the_masks_of_one_that_never_stopped():
    whole = masks(1, steps=3)
    probe = MaskProbe()
    step = TrainStep(probe, descent(probe.named_weights(), 1.0), tf.Variable(2, dtype=tf.int64), 1, max_grad_norm=0.0)
    step({"rows": tf.ones([2])})
    np.testing.assert_array_equal(-probe.weight.numpy(), whole[2])


def test_micro_batches_draw_masks_of_their_own():
    """Two rows of one mask add up to 0 or 2 everywhere, of two masks to 1 somewhere."""
    for rows, micro_batches in ((2, 1), (2, 2)):
        assert set(masks(1, rows=rows, micro_batches=micro_batches).reshape(-1)) == {0.0, 1.0, 2.0}


# Loss scaling


class OverflowProbe(MaskProbe):
    """Loss = weight * the batch's factor, computed in float16: scaled, a large factor overflows."""

    def __init__(self):
        super().__init__(places=1)

    def __call__(self, features, dropout_key=None):
        half = tf.cast(tf.convert_to_tensor(self.weight), tf.float16) * tf.cast(features["rows"], tf.float16)
        return tf.cast(half, tf.float32)[:, None]


def test_loss_scale_halves_at_overflow_and_grows(monkeypatch):
    monkeypatch.setattr(step_module, "LOSS_SCALE_GROWTH_STEPS", 3)
    probe = OverflowProbe()
    step = TrainStep(
        probe,
        descent(probe.named_weights(), 1.0),
        tf.Variable(0, dtype=tf.int64),
        0,
        max_grad_norm=0.0,
        loss_scaling=True,
    )
    assert set(step.variables()) == {"loss_scale", "finite_steps"}
    start, run = float(step.loss_scale), tf.function(step)
    weights, scales, used = [], [], []
    # 4 * 2 ** 15 is above float16's largest number, 65504; 1 * 2 ** 15 and 0.25 * 2 ** 16 are not.
    for factor in (1.0, 4.0, 4.0, 4.0, 1.0, 1.0, 1.0, 1.0):
        used.append(float(run({"rows": tf.constant([factor])})["loss_scale"]) / start)
        weights.append(-float(probe.weight.numpy()[0]))
        scales.append(float(step.loss_scale) / start)
    # Skipped while 4 * scale overflows: at 1 and 1/2 of the start.
    assert weights == [1.0, 1.0, 1.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert scales == [1.0, 0.5, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5]
    assert used == [1.0, *scales[:-1]]
    assert int(step.step) == 8


def test_loss_scale_never_falls_below_one():
    probe = OverflowProbe()
    step = TrainStep(
        probe,
        descent(probe.named_weights(), 1.0),
        tf.Variable(0, dtype=tf.int64),
        0,
        max_grad_norm=1.0,
        loss_scaling=True,
    )
    for _ in range(20):
        step({"rows": tf.constant([np.inf])})
    assert float(step.loss_scale) == 1.0 and float(probe.weight.numpy()[0]) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("dtype, tolerance", [("float16", 0.02), ("bfloat16", 0.15)])
def test_half_precision_trains_as_float32(dtype, tolerance, without_dropout):
    half = small_models.objective("sequence_classification", {"dtype": dtype}, num_hidden_layers=1)
    found = train(half, BATCHES["sequence_classification"], loss_scaling=dtype == "float16")
    expected = train(
        small_models.objective("sequence_classification", num_hidden_layers=1), BATCHES["sequence_classification"]
    )
    for one, other in zip(found[0], expected[0]):
        assert one.pop("loss_scale", 2.0**15) == 2.0**15
        assert one == pytest.approx(other, rel=tolerance)
    assert all(np.isfinite(weight).all() for weight in found[1].values())
    assert small_models.relative_difference(found[1]["output_weights"], expected[1]["output_weights"]) < tolerance
