"""Bertline, as run_squad.py drives it."""

import os
import tempfile

import numpy as np
import tensorflow as tf

from benchmarks.peers import answering, feeding
from benchmarks.peers.bertline import STEPS, train_step
from bertline import registry
from bertline.modeling.speed.inference import batch_tokens
from bertline.processors.answering.spans import AnswerRules
from bertline.processors.labels.base import make_labels
from bertline.processors.records import batches, record_files
from bertline.training.evaluation.evaluator import Evaluator
from bertline.training.steps.loop import LoopSettings, TrainingLoop
from bertline.weights.open_model import ModelSettings, open_model


class Answering:
    """Made from what `benchmarks.peers.answering.read` takes and a folder of weights."""

    def __init__(self, given, model):
        self._given, self._model, self._made = given, model, {}
        self._questions = answering.read(given)
        self._batches = answering.read_batches(given)
        rules = AnswerRules(answering.N_BEST, answering.MAX_ANSWER_LENGTH, has_unanswerable=True)
        self._encoder = record_files.ExampleEncoder(answering.layout(given, model), make_labels("spans", rules=rules))

    def windows(self):
        """Their number."""
        return sum(len(batch["input_ids"]) for batch in self._batches)

    def windows_of_questions(self):
        """The number of windows of each question, list of int."""
        return [len(rows) for rows in self._encoder.layout.features(self._questions)]

    def first_loss(self, dtype):
        """The loss of the first window, without dropout."""
        objective = self._parts(dtype)[0]
        features = {name: tf.constant(array) for name, array in answering.one_window(self._batches[0]).items()}
        return float(tf.reduce_mean(objective.losses(features, objective(features))["loss"]))

    def train(self, dtype, steps):
        """So many optimizer steps; windows that were trained on."""
        _, loop, _ = self._parts(dtype)
        done, scalars = loop._call(steps)
        if done < steps:
            raise RuntimeError(f"the loss is not finite after {done} steps: {scalars}")
        return sum(len(self._batches[i % len(self._batches)]["input_ids"]) for i in range(steps))

    def predict(self, dtype):
        """From the texts of the questions to their n best answers; the best text of each."""
        with tempfile.TemporaryDirectory() as folder:
            found = record_files.write_records(self._questions, self._encoder, folder, "test", 1)
            tokens = batch_tokens(self._given["batch_size"] * self._given["max_seq_length"])
            outputs, _ = self._parts(dtype)[2].run(batches.evaluation_batches(found, tokens), with_loss=False)
        labels, layout = self._encoder.labels, self._encoder.layout
        return [answer.best_text for answer in labels.answers(outputs, self._questions, layout)]

    def matmul(self, dtype, size):
        return feeding.matmul(dtype, size)

    def _parts(self, dtype):
        """(objective, training loop, evaluator); prediction is with weights of its own, which no step changes."""
        if dtype not in self._made:
            predicting, trained = self._objective(dtype), self._objective(dtype)
            step = train_step(trained)
            pace = LoopSettings(num_train_steps=STEPS, batch_size=self._given["batch_size"])
            streams = {"train": feeding.dataset(self._batches).repeat().prefetch(4)}
            loop = TrainingLoop(trained, {"train": step}, streams, tempfile.mkdtemp(), pace)
            self._made[dtype] = predicting, loop, Evaluator(predicting)
        return self._made[dtype]

    def _objective(self, dtype):
        source = open_model(os.fspath(self._model))
        objective = source.build(registry.get("objective", "span_extraction"), ModelSettings(dtype), for_training=True)
        source.load_into(objective)
        weights = answering.head(source.config.width)
        objective.named_weights()["cls/squad/output_weights"].assign(np.asarray(weights))
        return objective
