"""Bertline, as run_classifier.py drives it, and the same with every batch padded to the full length."""

import tempfile

import tensorflow as tf

from benchmarks.peers import LEARNING_RATE, MAX_GRAD_NORM, feeding
from bertline import registry
from bertline.training.evaluation.evaluator import Evaluator
from bertline.training.optimizers.adamw import AdamW
from bertline.training.schedules.linear import Linear
from bertline.training.steps.loop import LoopSettings, TrainingLoop
from bertline.training.steps.step import TrainStep
from bertline.weights.open_model import ModelSettings, open_model

STEPS = 1_000_000  # of the schedule: so many that the rate stays what it is


def train_step(objective):
    optimizer = AdamW(objective.named_weights(), Linear(LEARNING_RATE, STEPS))
    return TrainStep(
        objective, optimizer, tf.Variable(0, dtype=tf.int64, trainable=False), 1, max_grad_norm=MAX_GRAD_NORM
    )


class Bertline:
    """See benchmarks.peers."""

    remove_padding = True

    def __init__(self, batches, model):
        self._batches, self._model = batches, model
        self._made, self._loops, self._data = {}, {}, {}

    def first_loss(self, dtype):
        objective = self._parts(dtype)[0]
        features = {name: tf.constant(array) for name, array in self._batches.orders["train", "sorted"][0].items()}
        return float(tf.reduce_mean(objective.losses(features, objective(features))["loss"]))

    def train(self, dtype, order):
        if (dtype, order) not in self._loops:
            step = self._parts(dtype)[1]
            data = self._dataset("train", order).repeat().prefetch(4)
            pace = LoopSettings(num_train_steps=STEPS, batch_size=32)  # for its reports alone, of which none is made
            self._loops[dtype, order] = TrainingLoop(
                step.objective, {"train": step}, {"train": data}, tempfile.mkdtemp(), pace
            )
        # What TrainingLoop.train calls, without its checkpoint at the end.
        count = len(self._batches.orders["train", order])
        done, scalars = self._loops[dtype, order]._call(count)
        if done < count:
            raise RuntimeError(f"the loss is not finite after {done} steps: {scalars}")
        return scalars["loss"]

    def evaluate(self, dtype, order):
        predictions, _ = self._parts(dtype)[2].run(self._dataset("eval", order).prefetch(4), with_loss=True)
        return float((predictions["probabilities"].argmax(axis=1) == predictions["label_ids"]).mean())

    def matmul(self, dtype, size):
        return feeding.matmul(dtype, size)

    def _dataset(self, mode, order):
        if (mode, order) not in self._data:
            self._data[mode, order] = feeding.dataset(self._batches.orders[mode, order])
        return self._data[mode, order]

    def _reader(self, encoder):
        """What the objective reads."""
        return encoder

    def _parts(self, dtype):
        """(objective, training step, evaluator), as training/jobs/job.py puts them together."""
        if dtype not in self._made:
            source = open_model(self._model)

            def make_objective(encoder):
                encoder.remove_padding = self.remove_padding
                classifier = registry.get("objective", "sequence_classification")
                return classifier(self._reader(encoder), self._batches.num_labels)

            objective = source.build(make_objective, ModelSettings(dtype), for_training=True)
            source.load_into(objective)
            weights = objective.named_weights()
            weights["output_weights"].assign(self._batches.head(source.config.width))
            step = train_step(objective)
            self._made[dtype] = objective, step, Evaluator(objective)
        return self._made[dtype]


class Padded(Bertline):
    """Every slot is computed, padding or not."""

    remove_padding = False
