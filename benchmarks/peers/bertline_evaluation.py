"""The evaluation of Bertline's scripts, and Predictor, on the same pairs."""

import os
import resource
import tempfile

import numpy as np
import tensorflow as tf

from benchmarks import work
from benchmarks.peers import feeding
from bertline import registry
from bertline.modeling.speed.inference import batch_tokens
from bertline.processors.records import batches, record_files
from bertline.serving import Predictor
from bertline.training.evaluation.evaluator import Evaluator
from bertline.weights.load_save import save_huggingface
from bertline.weights.open_model import ModelSettings, open_model


class Evaluation:
    """Made from {"task", "data_dir", "split", "max_seq_length"} and a folder of weights without a classifier."""

    def __init__(self, given, model):
        self._model, self._given, self._made, self._data = model, given, {}, {}
        self._folder = tempfile.mkdtemp()
        processor, encoder = work.task_encoder(given["task"], model, given["max_seq_length"])
        self._examples = getattr(processor, f"get_{given['split']}_examples")(given["data_dir"])
        self._records = record_files.write_records(self._examples, encoder, self._folder, given["split"], 1)
        self._labels = processor.get_labels()

    def lengths(self):
        """Real tokens of each pair, truncated ones as they are evaluated."""
        found = batches.evaluation_batches(self._records, 1 << 16).as_numpy_iterator()
        return np.concatenate([batch["input_mask"].sum(axis=1) for batch in found]).tolist()

    def evaluate(self, dtype, batch_size):
        """Probabilities of some pairs by Evaluator, as run_classifier.py calls it after a training."""
        found, _ = self._evaluator(dtype)[0].run(self._batches(batch_size), with_loss=False)
        return found["probabilities"][:100].tolist()

    def evaluate_anew(self, dtype, batch_size):
        """The same after a training step, which changes all weights."""
        _, objective = self._evaluator(dtype)
        for weight in objective.trainable_variables:
            weight.assign(weight * (1.0 + 1e-7))
        return self.evaluate(dtype, batch_size)

    def predict(self, dtype):
        """The same pairs as texts by Predictor."""
        if ("predictor", dtype) not in self._made:
            folder = os.path.join(self._folder, "model")
            names = {str(i): name for i, name in enumerate(self._labels)}
            source = open_model(self._model)
            save_huggingface(self._evaluator("float32")[1], folder, source.tokenizer, {"id2label": names})
            length = self._given["max_seq_length"]
            self._made["predictor", dtype] = Predictor(folder, dtype=dtype, max_seq_length=length)
        pairs = [(example.text_a, example.text_b) for example in self._examples]
        return self._made["predictor", dtype].probabilities(pairs)[:100].tolist()

    def peak_megabytes(self):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def matmul(self, dtype, size):
        return feeding.matmul(dtype, size)

    def _batches(self, batch_size):
        if batch_size not in self._data:
            tokens = batch_size * self._given["max_seq_length"]
            self._data[batch_size] = batches.evaluation_batches(self._records, batch_tokens(tokens))
        return self._data[batch_size]

    def _evaluator(self, dtype):
        """(Evaluator, objective with the weights of a training), as training/steps/train.py makes them."""
        if dtype not in self._made:
            source = open_model(self._model)

            def make_objective(encoder):
                return registry.get("objective", "sequence_classification")(encoder, len(self._labels))

            objective = source.build(make_objective, ModelSettings(dtype), for_training=True)
            source.load_into(objective)
            head = np.random.default_rng(0).normal(0.0, 0.02, [len(self._labels), source.config.width])
            objective.named_weights()["output_weights"].assign(tf.cast(head, tf.float32))
            self._made[dtype] = Evaluator(objective), objective
        return self._made[dtype]
