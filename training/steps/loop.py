"""The training loop: several steps per call, evaluation, checkpoints, early stopping, clean interruption.

What tf.estimator was liked for is kept: the output folder is the whole state of a run, and the same command goes on
where it stopped, to the same weights.
"""

import dataclasses
import functools
import itertools
import logging
import math
import os
import signal
import time

import tensorflow as tf

from bertline.training.folder import checkpoints
from bertline.training.reporting.progress import TrainingProgress

SECONDS_PER_CALL = 0.5  # so long may one call of the graph run: the bar moves and Ctrl-C is answered


class TrainingDiverged(RuntimeError):
    """The loss or its gradient is not finite. Has `step` and `example_indices`, the rows of the batch."""

    def __init__(self, step, example_indices, last_checkpoint):
        self.step, self.example_indices, self.last_checkpoint = step, example_indices, last_checkpoint
        super().__init__(
            f"the loss or the gradient of step {step} is not finite; last good checkpoint: {last_checkpoint or 'none'}"
        )


class Interrupted(RuntimeError):
    """SIGINT or SIGTERM came; the state was saved. Has `signal_number` and `step`."""

    def __init__(self, signal_number, step):
        self.signal_number, self.step = signal_number, step
        super().__init__(f"stopped by {signal.Signals(signal_number).name} at step {step}; the same command continues")


@dataclasses.dataclass(frozen=True)
class LoopSettings:
    """How a run is paced.

    Attributes:
      num_train_steps: optimizer steps in all.
      batch_size: examples of a step, all replicas together.
      iterations_per_loop: most steps in one call of the graph.
      save_checkpoints_steps: steps between checkpoints.
      eval_steps: steps between evaluations; 0 for none.
      best_metric: which of the evaluation's metrics picks the best weights; None keeps the last.
      lower_is_better: whether its lowest value is the best.
      patience: stop after so many evaluations without a new best; 0 never stops early.
      static_shapes: trace one graph per shape of batch instead of one for all.
      jit_compile: compile the step by XLA.
    """

    num_train_steps: int
    batch_size: int
    iterations_per_loop: int = 1000
    save_checkpoints_steps: int = 1000
    eval_steps: int = 0
    best_metric: str | None = None
    lower_is_better: bool = False
    patience: int = 0
    static_shapes: bool = False
    jit_compile: bool = False


class TrainingLoop:
    """Trains an objective. Where the output folder has a checkpoint, all goes back to it at once.

    Attributes:
      checkpoints: a RunCheckpoints. output_dir: the run's folder.

    Args:
      objective: an Objective; its weights are what is saved.
      train_steps: name of a stream -> TrainStep; all have one optimizer and one counter of steps.
      batches: name of a stream -> an endless tf.data.Dataset whose iterator can be checkpointed.
      output_dir: the run's folder.
      settings: LoopSettings.
      draw: int64 tensor of the steps done -> number of the stream (int32 tensor) that the next step draws from; not
        asked where there is one stream.

    Raises:
      InputError: the checkpoint is damaged, or belongs to a model of another shape.
    """

    def __init__(self, objective, train_steps, batches, output_dir, settings, draw=None):
        self._objective, self._train_steps, self._draw = objective, train_steps, draw
        self._settings, self.output_dir = settings, output_dir
        self._first, *others = train_steps
        self._step, self._optimizer = train_steps[self._first].step, train_steps[self._first].optimizer
        self._iterators = {name: iter(batches[name]) for name in train_steps}
        # The rows of the batch that is being trained on, to be named should its loss be NaN.
        self._example_indices = tf.Variable([0], shape=[None], dtype=tf.int32, trainable=False)
        self._best = tf.Variable(-math.inf, trainable=False, dtype=tf.float64)
        self._best_step = tf.Variable(0, trainable=False, dtype=tf.int64)
        self._evaluations_since_best = tf.Variable(0, trainable=False)
        self.checkpoints = checkpoints.RunCheckpoints(
            output_dir,
            self._step,
            self._objective.named_weights(),
            self._optimizer.slots,
            {
                "best": self._best,
                "best_step": self._best_step,
                "evaluations_since_best": self._evaluations_since_best,
                "iterator": self._iterators[self._first],
                **train_steps[self._first].variables(),
                **{f"stream_{name}": self._state_of(name) for name in others},
            },
        )
        self.checkpoints.restore()
        in_one_graph = tf.function(self._run_steps, autograph=False)
        self._run = self._run_eagerly_drawn if settings.static_shapes else in_one_graph
        self._compiled_steps = {
            name: tf.function(step, jit_compile=settings.jit_compile, autograph=False)
            for name, step in train_steps.items()
        }

    def _state_of(self, name):
        """What a checkpoint holds of a stream beside the first."""
        return {"iterator": self._iterators[name], **self._train_steps[name].variables()}

    def train(self, evaluate=None, is_hopeless=None):
        """Runs from the step of the newest checkpoint, or 0, to the last step.

        Args:
          evaluate: () -> dict of metrics, called every `eval_steps`.
          is_hopeless: step -> whether the run may end there, by what was measured until then; asked at its start and
            after each evaluation.

        Returns:
          The step that the weights are of: the best one where `best_metric` is set, else the last.

        Raises:
          TrainingDiverged, Interrupted.
        """
        settings, stop = self._settings, _Signals()
        step = int(self._step.numpy())  # numpy() first: variables of several replicas have no int()
        progress = TrainingProgress(self.output_dir, step, settings.num_train_steps, settings.batch_size)
        steps_per_call, saved = 1, step
        is_hopeless = is_hopeless or (lambda step: False)
        with stop:
            ended = step < settings.num_train_steps and is_hopeless(step)
            while step < settings.num_train_steps and not ended and not self._out_of_patience():
                count = min(steps_per_call, self._steps_to_event(step))
                started = time.monotonic()
                done, scalars = self._call(count)
                seconds = time.monotonic() - started
                if done < count:
                    progress.close()
                    raise TrainingDiverged(
                        step + done + 1, self._example_indices.numpy().tolist(), self.checkpoints.latest
                    )
                first_call, step = step == progress.first_step, step + count
                progress.report_steps(step, scalars, seconds)
                if not first_call:  # the first one traces the graph
                    fitting = int(count * SECONDS_PER_CALL / seconds) or 1
                    steps_per_call = max(1, min(fitting, 2 * steps_per_call, settings.iterations_per_loop))
                if evaluate and self._is_evaluated(step):
                    with self._optimizer.with_averages(step):
                        metrics = evaluate()
                        progress.report_evaluation(step, metrics)
                        self._note(step, metrics)
                    ended = step < settings.num_train_steps and is_hopeless(step)
                if step % settings.save_checkpoints_steps == 0 or stop.received:
                    self._save()
                    saved = step
                if stop.received and step < settings.num_train_steps:
                    progress.close()
                    raise Interrupted(stop.received, step)
            if step != saved or self.checkpoints.latest is None:
                self._save()
        progress.close()
        if settings.best_metric:
            return self._restore_best()
        self._optimizer.use_averages(step)
        return step

    def _steps_to_event(self, step):
        """Steps until the next evaluation, checkpoint or the end."""
        settings = self._settings
        intervals = [i for i in (settings.save_checkpoints_steps, settings.eval_steps) if i]
        return min(settings.num_train_steps - step, *(i - step % i for i in intervals))

    def _is_evaluated(self, step):
        settings = self._settings
        # The last weights are compared with the best ones too.
        at_end = settings.best_metric is not None and step == settings.num_train_steps
        return bool(settings.eval_steps) and (step % settings.eval_steps == 0 or at_end)

    def _save(self):
        """Saves the state, then removes best weights that no checkpoint speaks of any more."""
        self.checkpoints.save()
        if self._settings.best_metric is not None:
            checkpoints.remove_weights(
                self._best_prefix("*"), map(self._best_prefix, self.checkpoints.values_of("best_step"))
            )

    def _is_finite(self, results):
        finite = tf.math.is_finite(results["grad_norm"])
        if "loss_scale" in results:
            # An overflow of a scaled gradient is expected, and the step is skipped; at 1 nothing is left to lower.
            finite |= results["loss_scale"] > 1.0
        return finite & tf.math.is_finite(results["loss"])

    def _call(self, count):
        done, sums = self._run(self._iterators, tf.constant(count))
        done = int(done)
        return done, {name: float(total) / max(1, done) for name, total in sums.items()}

    def _names(self):
        terms = [(*s.objective.terms, *s.objective.measures, *s.added) for s in self._train_steps.values()]
        names = dict.fromkeys(["loss", *itertools.chain.from_iterable(terms)])
        return [*names, "grad_norm", "learning_rate", "tokens", "examples"]

    def _make_step(self, iterators, name, step):
        batch = next(iterators[name])
        self._example_indices.assign(batch["example_index"])
        examples = tf.cast(tf.size(batch["example_index"]), tf.float32)
        return {**step(batch), "tokens": _num_tokens(batch), "examples": examples}

    def _run_steps(self, iterators, count):
        names = self._names()

        def of(name):
            results = self._make_step(iterators, name, self._train_steps[name])
            finite = self._is_finite(results)
            return finite, [tf.convert_to_tensor(results.get(one, 0.0)) for one in names]

        def body(done, finite, *sums):
            if len(self._train_steps) == 1:
                finite, results = of(self._first)
            else:
                branches = [functools.partial(of, name) for name in self._train_steps]
                finite, results = tf.switch_case(self._draw(self._step), branches)
            return done + tf.cast(finite, tf.int32), finite, *map(tf.add, sums, results)

        start = [0, True, *([tf.constant(0.0)] * len(names))]
        done, _, *sums = tf.while_loop(
            lambda done, finite, *_: finite & (done < count), body, start, parallel_iterations=1
        )
        return done, dict(zip(names, sums))

    def _run_eagerly_drawn(self, iterators, count):
        # Shapes are static within a traced graph, so each batch is drawn first and its shape picks the graph.
        sums = dict.fromkeys(self._names(), 0.0)
        for done in range(int(count)):
            several = len(self._train_steps) > 1
            name = list(self._train_steps)[int(self._draw(self._step))] if several else self._first
            results = self._make_step(iterators, name, self._compiled_steps[name])
            if not self._is_finite(results):
                return done, sums
            sums = {name: total + results.get(name, 0.0) for name, total in sums.items()}
        return count, sums

    def _note(self, step, metrics):
        """Keeps the weights if they are the best so far."""
        settings = self._settings
        if settings.best_metric is None:
            return
        score = metrics[settings.best_metric] * (-1.0 if settings.lower_is_better else 1.0)
        if score > float(self._best.numpy()):
            self._best.assign(score)
            self._best_step.assign(step)
            self._evaluations_since_best.assign(0)
            checkpoints.save_weights(self._objective.named_weights(), self._best_prefix(step))
        else:
            self._evaluations_since_best.assign_add(1)

    def _out_of_patience(self):
        stopping = 0 < self._settings.patience <= int(self._evaluations_since_best.numpy())
        if stopping:
            logging.info(
                "no better %s in %d evaluations: stopping", self._settings.best_metric, self._settings.patience
            )
        return stopping

    def _best_prefix(self, step):
        return os.path.join(self.output_dir, "best", f"weights-{step}")

    def _restore_best(self):
        step = int(self._best_step.numpy())
        if step:
            checkpoints.restore_weights(self._objective.named_weights(), self._best_prefix(step))
            best = abs(float(self._best.numpy())) if self._settings.lower_is_better else float(self._best.numpy())
            logging.info("best %s %.4f at step %d", self._settings.best_metric, best, step)
        return step


def _num_tokens(batch):
    """float32 scalar: real tokens of a batch, of all its texts; 0 where its features have no mask."""
    masks = [mask for name, mask in batch.items() if name.endswith("input_mask")]
    return tf.add_n([tf.reduce_sum(tf.cast(mask, tf.float32)) for mask in masks]) if masks else tf.constant(0.0)


class _Signals:
    """Remembers a SIGINT or SIGTERM until the loop can save; a second one takes its usual effect."""

    def __init__(self):
        self.received = None

    def __enter__(self):
        self._handlers = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._handlers[number] = signal.signal(number, self._receive)
            except ValueError:  # not in the main thread
                return self
        return self

    def __exit__(self, *_):
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number, frame):
        self.received = number
        logging.warning("%s: saving after this step; once more to stop at once", signal.Signals(number).name)
        signal.signal(number, self._handlers[number])
