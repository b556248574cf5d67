"""LAMB against keras' own and against the paper's algorithm restated; what it leaves alone; its checkpoints."""

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.training.folder.checkpoints import RunCheckpoints
from bertline.training.optimizers.lamb import LAMB
from bertline.training.optimizers.parameter_groups import ParameterGroup, parameter_groups
from bertline.training.schedules.linear import Linear

SHAPES = {
    "layer_0/dense/kernel": (5, 4),
    "layer_1/dense/kernel": (4, 6),
    "layer_0/dense/bias": (4,),
    "LayerNorm/gamma": (4,),
}
UNDECAYED = {"layer_0/dense/bias", "LayerNorm/gamma"}
STEPS, RATE = 12, 0.05


def start(names=SHAPES):
    draw = np.random.default_rng(0)
    weights = {name: draw.normal(size=SHAPES[name]).astype(np.float32) for name in SHAPES}
    # From 1e-8 to 1e2: epsilon matters for the small ones.
    scales = {name: 10.0 ** draw.uniform(-8, 2, SHAPES[name]) for name in SHAPES}
    gradients = [
        {n: (draw.normal(size=SHAPES[n]) * scales[n]).astype(np.float32) for n in SHAPES} for _ in range(STEPS)
    ]
    return {name: weights[name] for name in names}, gradients


def variables_of(weights):
    return {name: keras.Variable(array, name=name.replace("/", "_")) for name, array in weights.items()}


def steps_of(optimizer):
    """Function of a list of gradients and the number of the first step."""
    apply = tf.function(lambda g, step: optimizer.apply(g, step, tf.distribute.get_strategy().extended))

    def run(gradients, first=0):
        for step, gradient in enumerate(gradients, first):
            apply({name: tf.constant(gradient[name]) for name in optimizer.weights}, tf.constant(step, tf.int64))

    return run


def run(weights, gradients, groups=None, schedule=lambda step: tf.constant(RATE)):
    variables = variables_of(weights)
    optimizer = LAMB(variables, schedule, groups)
    steps_of(optimizer)(gradients)
    return {name: variable.numpy() for name, variable in variables.items()}, optimizer


def paper(weight, gradients, rates, weight_decay=0.01, adapted=True):
    """Algorithm 2 of the paper for one weight, in float64; epsilon beside the root, as in its formula of the ratio."""
    weight, m, v = weight.astype(np.float64), 0.0, 0.0
    for t, (gradient, rate) in enumerate(zip(gradients, rates), 1):
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient.astype(np.float64) ** 2
        step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + weight_decay * weight
        norms = np.sqrt(np.sum(weight**2)), np.sqrt(np.sum(step**2))
        ratio = norms[0] / norms[1] if adapted and min(norms) > 0 else 1.0
        weight = weight - rate * ratio * step
    return weight


def test_it_is_the_papers():
    weights, gradients = start()
    schedule = Linear(RATE, STEPS + 3, 4)
    rates = [float(schedule(tf.constant(step))) for step in range(STEPS)]
    found, _ = run(weights, gradients, schedule=schedule)
    for name, weight in weights.items():
        decayed = name not in UNDECAYED
        expected = paper(weight, [g[name] for g in gradients], rates, 0.01 if decayed else 0.0, adapted=decayed)
        np.testing.assert_allclose(found[name], expected, atol=2e-5, err_msg=name)
        # The other rule for this weight would show.
        other = paper(weight, [g[name] for g in gradients], rates, 0.01 if decayed else 0.0, adapted=not decayed)
        assert np.max(np.abs(other - expected)) > 1e-2, name


def test_it_is_keras_lamb():
    """keras decays outside the step; with a decay too small to be seen both are the paper's without decay."""
    weights, gradients = start([name for name in SHAPES if name not in UNDECAYED])
    found, _ = run(weights, gradients, [ParameterGroup(".", 1.0, 1e-30)])
    theirs = variables_of(weights)
    optimizer = keras.optimizers.Lamb(RATE, beta_1=0.9, beta_2=0.999, epsilon=1e-6)
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient[name]), variable) for name, variable in theirs.items()])
    for name, variable in theirs.items():
        np.testing.assert_allclose(found[name], variable.numpy(), atol=2e-5, err_msg=name)
        assert np.max(np.abs(found[name] - weights[name])) > 0.1


@pytest.mark.parametrize("zero", ["weights", "gradients"])
def test_a_norm_of_zero_scales_nothing(zero):
    """Weights of 0 take Adam's own step; without gradient and decay nothing moves, and nothing is divided by 0."""
    weights, gradients = start(["layer_0/dense/kernel"])
    name = "layer_0/dense/kernel"
    groups = [ParameterGroup(".", 1.0, 1e-30)]
    if zero == "gradients":
        found, _ = run(weights, [{name: np.zeros(SHAPES[name], np.float32)}] * 2, groups)
        np.testing.assert_array_equal(found[name], weights[name])
    else:
        found, _ = run({name: np.zeros(SHAPES[name], np.float32)}, gradients[:1], groups)
        gradient = gradients[0][name].astype(np.float64)
        np.testing.assert_allclose(found[name], -RATE * gradient / (np.abs(gradient) + 1e-6), atol=1e-6)


def test_a_step_is_as_long_as_the_weight():
    """|change| = rate * |weight|, whatever the size of weights and gradients: what large batches need."""
    draw = np.random.default_rng(1)
    for weight_scale, gradient_scale in ((1e-3, 1e3), (1e2, 1e-3), (1.0, 1.0)):
        weights = {"kernel": (weight_scale * draw.normal(size=(30, 20))).astype(np.float32)}
        gradients = [{"kernel": (gradient_scale * draw.normal(size=(30, 20))).astype(np.float32)}]
        found, _ = run(weights, gradients)
        change = np.linalg.norm(found["kernel"] - weights["kernel"]) / np.linalg.norm(weights["kernel"])
        assert change == pytest.approx(RATE, rel=1e-4)


def test_group_scales_the_rate():
    weights, gradients = start()
    found, _ = run(weights, gradients, [ParameterGroup(".", 0.5, 0.01)])
    halved, _ = run(weights, gradients, [ParameterGroup(".", 1.0, 0.01)], lambda step: tf.constant(RATE / 2))
    for name in SHAPES:
        np.testing.assert_allclose(found[name], halved[name], rtol=1e-6)


def test_frozen_weights_have_no_slots_and_stay():
    weights, gradients = start()
    found, optimizer = run(weights, gradients, parameter_groups(0.01, freeze=["^layer_0/"]))
    kept = {"layer_1/dense/kernel", "LayerNorm/gamma"}
    assert set(optimizer.weights) == kept
    assert {kind: set(slots) for kind, slots in optimizer.slots.items()} == {"adam_m": kept, "adam_v": kept}
    for name, weight in weights.items():
        assert np.array_equal(found[name], weight) == (name not in kept)


def test_checkpoint_finds_slots_by_name(tmp_path):
    """Six steps, saved, restored into an optimizer of weights in another order, six steps more: as twelve at once."""
    weights, gradients = start()
    whole, _ = run(weights, gradients)

    def make(order):
        variables = variables_of({name: weights[name] for name in order})
        optimizer = LAMB(variables, lambda step: tf.constant(RATE))
        step = tf.Variable(0, dtype=tf.int64)
        return variables, optimizer, step, RunCheckpoints(str(tmp_path), step, variables, optimizer.slots, {})

    _, optimizer, step, checkpoints = make(SHAPES)
    steps_of(optimizer)(gradients[:6])
    step.assign(6)
    checkpoints.save()
    names = {name for name, _ in tf.train.list_variables(checkpoints.latest)}
    assert {n for n in names if "adam_v" in n} == {
        f"slots/adam_v/{name.replace('/', '.S')}/.ATTRIBUTES/VARIABLE_VALUE" for name in SHAPES
    }
    variables, optimizer, _, checkpoints = make(list(reversed(SHAPES)))
    assert checkpoints.restore() == 6
    steps_of(optimizer)(gradients[6:], 6)
    for name, variable in variables.items():
        np.testing.assert_array_equal(variable.numpy(), whole[name], err_msg=name)


def test_what_is_not_adapted_in_a_whole_model():
    """Biases and layer norms take Adam's step of at most the rate; every other weight moves by rate * |weight|."""
    variables = small_models.objective("masked_lm", num_hidden_layers=1).named_weights()
    before = {name: variable.numpy() for name, variable in variables.items()}
    draw = np.random.default_rng(2)
    optimizer = LAMB(variables, lambda step: tf.constant(RATE))
    steps_of(optimizer)([{name: draw.normal(size=w.shape).astype(np.float32) for name, w in before.items()}])
    for name, variable in variables.items():
        change = np.linalg.norm(variable.numpy() - before[name])
        small = name.endswith(("/bias", "/gamma", "/beta", "output_bias"))
        length = np.sqrt(variable.numpy().size) if small else np.linalg.norm(before[name])
        assert change == pytest.approx(RATE * length, rel=1e-3), name


def test_compiled_by_xla_equals():
    weights, gradients = start()
    variables = variables_of(weights)
    optimizer = LAMB(variables, lambda step: tf.constant(RATE))
    extended = tf.distribute.get_strategy().extended
    apply = tf.function(lambda g, step: optimizer.apply(g, step, extended), jit_compile=True)
    for step, gradient in enumerate(gradients):
        apply({name: tf.constant(array) for name, array in gradient.items()}, tf.constant(step, tf.int64))
    expected, _ = run(weights, gradients)
    for name, variable in variables.items():
        np.testing.assert_allclose(variable.numpy(), expected[name], atol=1e-5, err_msg=name)
