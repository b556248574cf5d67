"""Run by test_distribution.py: two replicas (logical CPUs) do as one does; prints "equal" and its checks."""

import pathlib
import sys
import tempfile

import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "training")]

import small_models
import test_step
from test_step import OverflowProbe, adam, assert_same, descent

from bertline.modeling.objectives.classification import sequence_classification as classification
from bertline.modeling.objectives.combined.multi_task import MultiTask
from bertline.training.evaluation.evaluator import Evaluator
from bertline.training.optimizers.lamb import LAMB
from bertline.training.schedules.linear import Linear
from bertline.training.steps.loop import LoopSettings, TrainingLoop
from bertline.training.steps.step import TrainStep
from bertline.training.terms.term import make_terms

classification.HEAD_DROPOUT = 0.0
FIRST = test_step.BATCHES["masked_lm"][0]
# The last batch has a row for one of the replicas only.
BATCHES = [*test_step.BATCHES["masked_lm"], {name: array[:1] for name, array in FIRST.items()}]


def train(**options):
    model = small_models.objective("masked_lm", num_hidden_layers=1)
    return test_step.train(model, BATCHES, max_grad_norm=0.5, **options)


def train_with_terms():
    model = small_models.objective("sequence_classification", num_hidden_layers=1)
    terms = make_terms(model, {"terms": "r_drop,fgm"})
    scalars, weights = test_step.train(model, test_step.BATCHES["sequence_classification"][:1], terms=terms)
    assert abs(scalars[0].pop("r_drop")) < 1e-6, "there is no dropout, so that replicas can be compared"
    return scalars, weights


def evaluate():
    model = small_models.objective("sequence_classification", num_hidden_layers=1)
    rows = small_models.tensors({**small_models.classification_batch(), "example_index": np.arange(7, dtype=np.int32)})
    parts = [{name: tensor[part] for name, tensor in rows.items()} for part in (slice(6), slice(6, 7))]
    return Evaluator(model).run(parts, with_loss=True)


def lamb(named_weights):
    return LAMB(named_weights, Linear(0.01, 10))


def counter():
    return tf.Variable(0, dtype=tf.int64, trainable=False)


def check_masks():
    """A row on each replica: were the masks the same, their mean would be 0 or 2 everywhere."""
    masks = test_step.masks(1)
    assert set(masks.reshape(-1)) == {0.0, 1.0, 2.0}, masks
    assert np.any(masks[0] != masks[1])
    np.testing.assert_array_equal(masks, test_step.masks(1))


def check_loss_scale():
    probe = OverflowProbe()
    step = TrainStep(probe, descent(probe.named_weights(), 1.0), counter(), 0, max_grad_norm=0.0, loss_scaling=True)
    run, start = tf.function(step), step.loss_scale.numpy()
    run({"rows": tf.constant([1.0, 8.0])})  # overflows on one replica: both skip
    assert step.loss_scale.numpy() == start / 2 and probe.weight.numpy()[0] == 0.0
    run({"rows": tf.constant([1.0, 0.5])})
    assert step.loss_scale.numpy() == start / 2 and probe.weight.numpy()[0] == -0.75


def loop(folder):
    """(best step, weights) of a run of 4 steps whose first evaluation, at step 2, is the best."""
    model = small_models.objective("masked_lm", num_hidden_layers=1)
    step = TrainStep(model, adam(model.named_weights()), counter(), 0)
    data = tf.data.Dataset.from_tensors({**FIRST, "example_index": np.arange(7, dtype=np.int32)}).repeat()
    pace = LoopSettings(4, 7, save_checkpoints_steps=2, eval_steps=2, best_metric="score", patience=9)
    scores = iter([0.5, 0.2])
    best = TrainingLoop(step.objective, {"train": step}, {"train": data}, folder, pace).train(
        lambda: {"score": next(scores)}
    )
    return best, {name: variable.numpy() for name, variable in model.named_weights().items()}


def several(micro_batches=1):
    """Weights of 4 steps of two tasks in turn, each batch with its own head."""
    encoder = small_models.encoder("bert", num_hidden_layers=1)
    heads = {name: classification.SequenceClassification(encoder, count) for name, count in (("a", 3), ("b", 4))}
    model = MultiTask(encoder, heads)
    small_models.randomize(model)
    optimizer, step = lamb(model.named_weights()), counter()
    steps = {name: TrainStep(heads[name], optimizer, step, 0, micro_batches) for name in heads}
    data = {
        name: tf.data.Dataset.from_tensors(
            {**small_models.classification_batch(seed=seed), "example_index": np.arange(7, dtype=np.int32)}
        ).repeat()
        for seed, name in enumerate(heads)
    }
    with tempfile.TemporaryDirectory() as folder:
        loop = TrainingLoop(
            model, steps, data, folder, LoopSettings(4, 7), draw=lambda done: tf.cast(done % 2, tf.int32)
        )
        loop.train()
    return [], {name: variable.numpy() for name, variable in model.named_weights().items()}


def assert_same_predictions(found, expected):
    for name, values in expected[0].items():
        np.testing.assert_allclose(found[0][name], values, atol=1e-6)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5)


def check_kept_run():
    with tempfile.TemporaryDirectory() as folder:
        (best, weights), (again, same) = loop(folder), loop(folder)  # the second one finds a finished run
    assert best == again == 2 and all(np.array_equal(weights[name], same[name]) for name in weights)


# The largest norms are above max_grad_norm: clipping before the all-reduce would show.
# A step of LAMB or Adam is as long for a gradient of rounding errors, a key's bias, as for any other.
COMPARED = {
    "training": (train, train, assert_same),
    "accumulation": (train, lambda: train(gradient_accumulation_steps=2), assert_same),
    "lamb": (*[lambda: train(make_optimizer=lamb)] * 2, lambda found, whole: assert_same(found, whole, 1e-4)),
    "terms": (train_with_terms, train_with_terms, assert_same),
    "evaluation": (evaluate, evaluate, assert_same_predictions),
    "tasks": (several, several, lambda found, whole: assert_same(found, whole, 1e-4)),
    "accumulation of tasks": (several, lambda: several(2), lambda found, whole: assert_same(found, whole, 1e-4)),
}
ON_TWO = {"masks": check_masks, "loss scale": check_loss_scale, "a kept run": check_kept_run}


def main(names):
    """Runs the checks of these names."""
    expected = {name: COMPARED[name][0]() for name in names if name in COMPARED}
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    with strategy.scope():
        for name in names:
            if name in ON_TWO:
                ON_TWO[name]()
            else:
                _, run, compare = COMPARED[name]
                compare(run(), expected[name])
    print("equal:", *names)


if __name__ == "__main__":
    main(sys.argv[1:])
