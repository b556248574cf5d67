"""SGD, Adagrad, lazy Adam and ASGD against torch's; rows against whole tables; layers that thaw."""

import keras
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import options, registry
from bertline.training.optimizers.asgd import ASGD
from bertline.training.optimizers.parameter_groups import ParameterGroup, group_of, parameter_groups
from bertline.training.steps.step import TrainStep

STEPS, RATE = 9, 0.05
SHAPE = (7, 3)


def start(seed=0):
    """A weight, and a gradient for each step."""
    draw = np.random.default_rng(seed)
    return draw.normal(size=SHAPE).astype(np.float32), draw.normal(size=(STEPS, *SHAPE)).astype(np.float32)


def make(name, weight, groups=None, **arguments):
    variable = keras.Variable(weight, name="table")
    groups = groups or [ParameterGroup(".", 1.0, arguments.pop("weight_decay", 0.0))]
    optimizer = registry.get("optimizer", name)(
        {"table": variable}, lambda step: tf.constant(RATE), groups, **arguments
    )
    apply = tf.function(lambda g, step: optimizer.apply({"table": g}, step, tf.distribute.get_strategy().extended))
    return variable, optimizer, apply


def run(name, weight, gradients, **arguments):
    variable, optimizer, apply = make(name, weight, **arguments)
    for step, gradient in enumerate(gradients):
        apply(gradient, tf.constant(step, tf.int64))
    return variable.numpy(), optimizer


def torchs(make_optimizer, weight, gradients):
    """(weights after the steps, torch's optimizer, its parameter)."""
    torch = pytest.importorskip("torch", reason="make peers")
    parameter = torch.nn.Parameter(torch.tensor(weight))
    optimizer = make_optimizer(torch.optim, [parameter])
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return parameter.detach().numpy(), optimizer, parameter


AGAINST_TORCH = {
    "sgd": ("sgd", {}, lambda o, p: o.SGD(p, lr=RATE)),
    "decay": ("sgd", {"weight_decay": 0.3}, lambda o, p: o.SGD(p, lr=RATE, weight_decay=0.3)),
    "momentum": (
        "sgd",
        {"momentum": 0.9, "weight_decay": 0.3},
        lambda o, p: o.SGD(p, lr=RATE, momentum=0.9, weight_decay=0.3),
    ),
    "nesterov": (
        "sgd",
        {"momentum": 0.9, "nesterov": True},
        lambda o, p: o.SGD(p, lr=RATE, momentum=0.9, nesterov=True),
    ),
    "adagrad": (
        "adagrad",
        {"initial_accumulator": 1.0},
        lambda o, p: o.Adagrad(p, lr=RATE, initial_accumulator_value=1.0, eps=0.0),
    ),
    "adagrad with epsilon": (
        "adagrad",
        {"adagrad_epsilon": 0.1, "weight_decay": 0.2},
        lambda o, p: o.Adagrad(p, lr=RATE, initial_accumulator_value=0.1, eps=0.1, weight_decay=0.2),
    ),
    "lazy Adam": ("lazy_adam", {}, lambda o, p: o.Adam(p, lr=RATE, eps=1e-6)),
    "lazy Adam, decay": (
        "lazy_adam",
        {"weight_decay": 0.1},
        lambda o, p: o.AdamW(p, lr=RATE, eps=1e-6, weight_decay=0.1),
    ),
    "asgd": ("asgd", {}, lambda o, p: o.ASGD(p, lr=RATE, lambd=0.0, alpha=0.0, t0=0.0)),
}


@pytest.mark.parametrize("kind", AGAINST_TORCH)
def test_it_is_torchs(kind):
    name, arguments, theirs = AGAINST_TORCH[kind]
    weight, gradients = start()
    expected, _, _ = torchs(theirs, weight, gradients)
    found, _ = run(name, weight, gradients, **arguments)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("first", [1, 4])
def test_the_mean_of_asgd_is_torchs(first):
    weight, gradients = start()
    # torch's mean begins one step after its t0.
    make_theirs = lambda o, p: o.ASGD(p, lr=RATE, lambd=0.0, alpha=0.0, t0=float(first - 1))  # noqa: E731
    _, theirs, parameter = torchs(make_theirs, weight, gradients)
    _, ours = run("asgd", weight, gradients, averaging_start_step=first)
    averages = ours.averages(STEPS)
    np.testing.assert_allclose(averages["table"], theirs.state[parameter]["ax"].numpy(), rtol=1e-5, atol=1e-6)
    from_the_first = run("asgd", weight, gradients)[1].averages(STEPS)["table"]
    after = weight - RATE * np.cumsum(gradients.astype(np.float64), axis=0)
    np.testing.assert_allclose(from_the_first, after.mean(axis=0), rtol=1e-5, atol=1e-6)
    assert ASGD({"table": keras.Variable(weight)}, None, averaging_start_step=STEPS).averages(STEPS) == {}


@pytest.mark.parametrize("kind", AGAINST_TORCH)
def test_every_row_touched_equals_the_whole_table(kind):
    name, arguments, _ = AGAINST_TORCH[kind]
    weight, gradients = start()
    decay = arguments.get("weight_decay", 0.0)
    others = {key: value for key, value in arguments.items() if key != "weight_decay"}
    order = np.array([3, 0, 6, 1, 5, 2, 4], np.int32)
    slices = [tf.IndexedSlices(tf.constant(g[order]), tf.constant(order)) for g in gradients]
    whole, one = run(name, weight, gradients, groups=[ParameterGroup(".", 1.0, decay, rows=False)], **others)
    rows, other = run(name, weight, slices, groups=[ParameterGroup(".", 1.0, decay, rows=True)], **others)
    np.testing.assert_allclose(rows, whole, rtol=2e-5, atol=3e-6)
    for mean, expected in zip(other.averages(STEPS).values(), one.averages(STEPS).values(), strict=True):
        np.testing.assert_allclose(mean, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "adagrad", "asgd", "lazy_adam"])
def test_some_rows_touched(name):
    """Other rows and their slots stay; plain SGD, Adagrad and the mean of ASGD are those of a gradient of zeros."""
    weight, gradients = start()
    draw, slices, dense = np.random.default_rng(1), [], []
    for gradient in gradients:
        rows = draw.choice(5, 2, replace=False).astype(np.int32)  # never 5 and 6
        slices.append(tf.IndexedSlices(tf.constant(gradient[rows]), tf.constant(rows)))
        dense.append(np.zeros(SHAPE, np.float32))
        dense[-1][rows] = gradient[rows]
    found, optimizer = run(name, weight, slices)
    np.testing.assert_array_equal(found[5:], weight[5:])
    if name == "lazy_adam":
        torch = pytest.importorskip("torch", reason="make peers")
        parameter = torch.nn.Parameter(torch.tensor(weight))
        theirs = torch.optim.SparseAdam([parameter], lr=RATE, eps=1e-6)
        for one in slices:
            parameter.grad = torch.sparse_coo_tensor(one.indices.numpy()[None], one.values.numpy(), SHAPE)
            theirs.step()
        # torch adds epsilon to the root before it is corrected.
        np.testing.assert_allclose(found, parameter.detach().numpy(), atol=5e-4)
        return
    expected, other = run(name, weight, dense, groups=[ParameterGroup(".", rows=False)])
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    for mean, wanted in zip(optimizer.averages(STEPS).values(), other.averages(STEPS).values(), strict=True):
        np.testing.assert_allclose(mean, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("micro_batches", [1, 3])
@pytest.mark.parametrize("name", ["sgd", "adagrad"])
def test_rows_through_a_training_step(name, micro_batches, without_dropout):
    """Summed over duplicates, micro-batches and clipping: the step of a whole table."""
    batch = small_models.tensors(small_models.classification_batch())

    def weights(rows):
        objective = small_models.objective("sequence_classification")
        groups = [ParameterGroup(".", rows=rows)]
        optimizer = registry.get("optimizer", name)(objective.named_weights(), lambda step: tf.constant(RATE), groups)
        step = TrainStep(objective, optimizer, tf.Variable(0, dtype=tf.int64), 1, micro_batches, max_grad_norm=0.5)
        step = tf.function(step)
        norms = [float(step(batch)["grad_norm"]) for _ in range(2)]
        return {key: variable.numpy() for key, variable in objective.named_weights().items()}, norms

    (found, norms), (expected, norms_of_whole) = weights(True), weights(False)
    assert norms == pytest.approx(norms_of_whole, rel=1e-5)
    for key, weight in expected.items():
        np.testing.assert_allclose(found[key], weight, atol=2e-6, err_msg=key)


@pytest.fixture
def without_dropout(monkeypatch):
    from bertline.modeling.objectives.classification import sequence_classification

    monkeypatch.setattr(sequence_classification, "HEAD_DROPOUT", 0.0)


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_a_group_thaws(name):
    """Until its step a weight and its slots stay; from then on it moves as one that begins at that step."""
    weight, gradients = start()
    groups = [ParameterGroup(".", 1.0, 0.01, thaw_step=4)]
    variable, optimizer, apply = make(name, weight, groups)
    slots = [slot.numpy() for kind in optimizer.slots.values() for slot in kind.values()]
    for step in range(4):
        apply(tf.constant(gradients[step]), tf.constant(step, tf.int64))
        assert bool(optimizer.is_frozen("table", tf.constant(step, tf.int64)))
    np.testing.assert_array_equal(variable.numpy(), weight)
    for before, slot in zip(slots, [slot for kind in optimizer.slots.values() for slot in kind.values()]):
        np.testing.assert_array_equal(slot.numpy(), before)
    apply(tf.constant(gradients[4]), tf.constant(4, tf.int64))
    assert np.max(np.abs(variable.numpy() - weight)) > 1e-3


def test_layers_thaw_from_the_top():
    blocks = ["^e/embeddings/", "^e/layer_0/", "^e/layer_1/"]
    groups = parameter_groups(0.01, (), blocks, 0.5, thaw_every_steps=10)
    names = {
        "output_bias": 0,
        "e/layer_1/kernel": 10,
        "e/layer_1/bias": 10,
        "e/layer_0/kernel": 20,
        "e/embeddings/w": 30,
    }
    assert {name: group_of(name, groups).thaw_step for name in names} == names
    assert group_of("e/layer_0/kernel", groups).learning_rate_scale == 0.5
    assert [group_of(f"e/layer_1/{end}", groups).weight_decay for end in ("kernel", "bias")] == [0.01, 0.0]


@pytest.mark.parametrize("name", registry.names("optimizer"))
def test_options_are_arguments(name):
    """What the class declares its constructor takes, with the same defaults; read from the source as from the class."""
    import inspect

    cls = registry.get("optimizer", name)
    taken = {k: p.default for k, p in inspect.signature(cls.__init__).parameters.items() if k in options.of(cls)}
    assert taken == {key: option.default for key, option in options.of(cls).items()}
    assert registry._find_options("optimizer", "options")[name] == options.of(cls)
