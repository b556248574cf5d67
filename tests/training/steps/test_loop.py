"""The loop by itself, with a step whose losses and gradients are written down beforehand."""

import contextlib
import math
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from bertline.training.steps import loop as loops


class Objective:
    terms = ("loss",)
    measures = {}

    def __init__(self):
        self.weight = keras.Variable(np.zeros(1, np.float32))

    def named_weights(self):
        return {"weight": self.weight}


class Step:
    """Adds the batch's rows to a weight; the loss of step n is losses[n - 1], and so for the gradient's norm.

    A loss scale is halved by each step.
    """

    added = ()

    def __init__(self, losses=(), norms=(), loss_scale=None):
        self.objective, self.step, self.optimizer = Objective(), tf.Variable(0, dtype=tf.int64), self
        self.slots = {"m": {"weight": tf.Variable([0.0])}}
        self.losses, self.norms = (tf.constant([*values, *[1.0] * 100], tf.float32) for values in (losses, norms))
        self.loss_scale = loss_scale

    def variables(self):
        return {}

    def with_averages(self, step):
        return contextlib.nullcontext()

    def use_averages(self, step):
        pass

    def __call__(self, batch):
        total = tf.reduce_sum(tf.cast(batch["example_index"], tf.float32), keepdims=True)
        self.objective.weight.assign(self.objective.weight.value * 0.5 + total)
        self.slots["m"]["weight"].assign_add(total)
        at = tf.cast(self.step, tf.int32)
        self.step.assign_add(1)
        found = {"loss": self.losses[at], "grad_norm": self.norms[at], "learning_rate": tf.constant(0.1)}
        if self.loss_scale is not None:
            found["loss_scale"] = tf.identity(self.loss_scale)
            self.loss_scale.assign(tf.maximum(1.0, self.loss_scale / 2.0))
        return found

    def state(self):
        return int(self.step), self.objective.weight.numpy().tolist(), self.slots["m"]["weight"].numpy().tolist()


def batches():
    """Batch n holds the rows 2n and 2n + 1."""
    return tf.data.Dataset.range(1000).batch(2).map(lambda rows: {"example_index": tf.cast(rows, tf.int32)})


def make(folder, step=None, **settings):
    step = step or Step()
    pace = loops.LoopSettings(batch_size=2, **settings)
    return step, loops.TrainingLoop(step.objective, {"train": step}, {"train": batches()}, str(folder), pace)


@pytest.fixture(params=(False, True), ids=("many steps a call", "batch by batch"), autouse=True)
def static(request):
    return {"static_shapes": request.param}


def saved(folder):
    return sorted(int(path.stem.rsplit("-", 1)[1]) for path in folder.glob("model.ckpt-*.index"))


def test_every_step_is_made_once_however_they_are_called(tmp_path, static):
    states = []
    for most in (1, 3, 1000):
        step, loop = make(tmp_path / str(most), num_train_steps=23, iterations_per_loop=most, **static)
        assert loop.train() == 23 and saved(tmp_path / str(most)) == [23]
        states.append(step.state())
    assert states[0] == states[1] == states[2]
    assert states[0][2] == [sum(range(46))]


def test_evaluations_and_checkpoints_come_at_their_steps(tmp_path, static, monkeypatch):
    step, loop = make(tmp_path, num_train_steps=20, eval_steps=6, save_checkpoints_steps=8, **static)
    evaluated, kept = [], []
    save = loop.checkpoints.save
    monkeypatch.setattr(loop.checkpoints, "save", lambda: (kept.append(int(step.step)), save()))
    loop.train(lambda: evaluated.append(int(step.step)) or {"eval_accuracy": 0.5})
    assert evaluated == [6, 12, 18] and kept == [8, 16, 20] and saved(tmp_path) == [16, 20]


def test_a_finished_run_is_left_alone(tmp_path, static):
    step, loop = make(tmp_path, num_train_steps=5, **static)
    loop.train()
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("model.ckpt*")}
    again, loop = make(tmp_path, num_train_steps=5, **static)
    assert again.state() == step.state()
    assert loop.train() == 5 and again.state() == step.state()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("model.ckpt*")} == times


@pytest.mark.slow
@pytest.mark.parametrize("number, status", ((signal.SIGINT, 130), (signal.SIGTERM, 143)))
def test_a_signal_saves_and_the_run_goes_on_from_there(tmp_path, static, number, status):
    whole, loop = make(tmp_path / "whole", num_train_steps=20, **static)
    loop.train()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    step, loop = make(tmp_path / "stopped", num_train_steps=20, eval_steps=7, **static)
    with pytest.raises(loops.Interrupted) as stopped:
        loop.train(lambda: os.kill(os.getpid(), number) or {})
    assert (stopped.value.step, 128 + stopped.value.signal_number) == (7, status)
    assert saved(tmp_path / "stopped") == [7]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    step, loop = make(tmp_path / "stopped", num_train_steps=20, eval_steps=7, **static)
    assert int(step.step) == 7
    assert loop.train(dict) == 20 and step.state() == whole.state()


@pytest.mark.parametrize(
    "losses, norms", (([1.0] * 5 + [math.nan], []), ([1.0] * 5 + [math.inf], []), ([], [1.0] * 5 + [math.nan]))
)
def test_a_number_that_is_not_finite_stops_the_run(tmp_path, static, losses, norms):
    step, loop = make(tmp_path, Step(losses, norms), num_train_steps=20, save_checkpoints_steps=2, **static)
    with pytest.raises(loops.TrainingDiverged, match="of step 6 is not finite") as stopped:
        loop.train()
    assert stopped.value.step == 6 and stopped.value.example_indices == [10, 11]
    assert stopped.value.last_checkpoint == str(tmp_path / "model.ckpt-4") and saved(tmp_path) == [2, 4]


def test_with_loss_scaling_a_gradient_may_overflow(tmp_path, static):
    step, loop = make(tmp_path, Step([], [math.inf], loss_scale=tf.Variable(2.0)), num_train_steps=3, **static)
    assert loop.train() == 3


def test_with_loss_scaling_a_gradient_that_overflows_at_scale_one_stops_the_run(tmp_path, static):
    scale = tf.Variable(4.0)  # 4, 2, then 1
    step, loop = make(tmp_path, Step([], [math.inf] * 20, loss_scale=scale), num_train_steps=20, **static)
    with pytest.raises(loops.TrainingDiverged, match="of step 3 is not finite"):
        loop.train()
    assert not saved(tmp_path)


def test_the_best_weights_are_kept_and_come_back(tmp_path, static):
    scores = {2: 0.1, 4: 0.7, 6: 0.3, 8: 0.7, 10: 0.5}
    options = dict(num_train_steps=10, eval_steps=2, best_metric="m", save_checkpoints_steps=4, **static)
    reference, loop = make(tmp_path / "4", num_train_steps=4, **static)
    loop.train()
    step, loop = make(tmp_path / "run", **options)
    assert loop.train(lambda: {"m": scores[int(step.step)]}) == 4  # the first of two that are equal
    assert step.objective.weight.numpy() == reference.objective.weight.numpy()
    assert [path.name for path in (tmp_path / "run" / "best").glob("*.index")] == ["weights-4.index"]
    again, loop = make(tmp_path / "run", **options)
    assert loop.train(lambda: pytest.fail("nothing is left to evaluate")) == 4
    assert again.objective.weight.numpy() == reference.objective.weight.numpy()


def test_the_last_weights_are_compared_too(tmp_path, static):
    step, loop = make(tmp_path, num_train_steps=5, eval_steps=100, best_metric="m", **static)
    assert loop.train(lambda: {"m": 0.5}) == 5


def test_patience(tmp_path, static):
    scores = {2: 0.1, 4: 0.7, 6: 0.3, 8: 0.7, 10: 0.9}
    options = dict(num_train_steps=20, eval_steps=2, best_metric="m", patience=2, **static)
    step, loop = make(tmp_path, **options)
    assert loop.train(lambda: {"m": scores[int(step.step)]}) == 4 and int(step.step) == 8
    again, loop = make(tmp_path, **options)  # a run that lost its patience is finished
    assert loop.train(lambda: pytest.fail("trained on")) == 4 and int(again.step) == 8


@pytest.mark.slow
def test_streams_are_drawn_by_a_function_of_the_step_and_all_of_them_go_on(tmp_path, static):
    def run(folder, last):
        step = Step()
        first, second = batches(), batches().map(lambda batch: {"example_index": batch["example_index"] + 1000})
        loop = loops.TrainingLoop(
            step.objective,
            {"first": step, "second": step},
            {"first": first, "second": second},
            str(folder),
            loops.LoopSettings(num_train_steps=last, batch_size=2),
            draw=lambda done: tf.cast(done % 3 == 2, tf.int32),
        )
        loop.train()
        return step, loop

    whole, loop = run(tmp_path / "whole", 7)
    # Steps 3 and 6 draw from the second stream; step 7 has the fifth batch of the first.
    assert loop._example_indices.numpy().tolist() == [8, 9]
    run(tmp_path / "stopped", 5)
    resumed, loop = run(tmp_path / "stopped", 7)
    assert loop._example_indices.numpy().tolist() == [8, 9] and resumed.state() == whole.state()
    _, loop = run(tmp_path / "stopped", 9)
    assert loop._example_indices.numpy().tolist() == [1004, 1005]


def test_each_stream_is_traced_once_whatever_the_switches(tmp_path):
    class Counted(Step):
        traces = 0

        def __call__(self, batch):
            self.traces += 1
            return super().__call__(batch)

    steps = {"first": Counted(), "second": Counted()}
    steps["second"].step = steps["first"].step
    loop = loops.TrainingLoop(
        steps["first"].objective,
        steps,
        {name: batches() for name in steps},
        str(tmp_path),
        loops.LoopSettings(num_train_steps=12, batch_size=2, save_checkpoints_steps=3),
        draw=lambda done: tf.cast(done % 2, tf.int32),
    )
    loop.train()
    assert int(steps["first"].step) == 12 and [step.traces for step in steps.values()] == [1, 1]


def test_a_hopeless_run_ends_at_its_evaluation_and_stays_ended(tmp_path, static):
    asked = []

    def is_hopeless(step):
        asked.append(step)
        return step >= 6

    for wanted in ([0, 3, 6], [6]):  # the second time it is asked at the checkpoint that the first one left
        asked.clear()
        step, loop = make(tmp_path, num_train_steps=12, eval_steps=3, **static)
        assert loop.train(lambda: {"eval_accuracy": 0.5}, is_hopeless) == 6 and int(step.step) == 6
        assert asked == wanted


def test_a_run_at_its_last_step_is_not_called_hopeless(tmp_path, static):
    _, loop = make(tmp_path, num_train_steps=4, eval_steps=2, **static)
    asked = []
    assert loop.train(lambda: {"eval_accuracy": 0.5}, lambda step: asked.append(step)) == 4
    assert asked == [0, 2]
