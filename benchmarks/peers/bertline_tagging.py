"""Bertline's tagging, as run_tagger.py drives it."""

import numpy as np
import tensorflow as tf

from benchmarks.peers.bertline import Bertline, train_step
from bertline import registry
from bertline.training.evaluation.evaluator import Evaluator
from bertline.weights.open_model import ModelSettings, open_model


class Tagging(Bertline):
    """See benchmarks.peers."""

    def first_loss(self, dtype):
        objective = self._parts(dtype)[0]
        features = {name: tf.constant(array) for name, array in self._batches.orders["train", "sorted"][0].items()}
        losses, weights = objective.losses(features, objective(features)), objective.loss_weights(features)
        return float(tf.reduce_sum(losses["loss"] * weights["loss"]) / tf.reduce_sum(weights["loss"]))

    def evaluate(self, dtype, order):
        outputs, _ = self._parts(dtype)[2].run(self._dataset("eval", order).prefetch(4), with_loss=True)
        right = [tags == labels for tags, labels in zip(outputs["tags"], outputs["label_ids"])]
        return float(np.mean(np.concatenate(right)))

    def _parts(self, dtype):
        if dtype not in self._made:
            source = open_model(self._model)

            def make_objective(encoder):
                encoder.remove_padding = self.remove_padding
                return registry.get("objective", "token_classification")(encoder, self._batches.num_labels)

            objective = source.build(make_objective, ModelSettings(dtype), for_training=True)
            source.load_into(objective)
            objective.named_weights()["output_weights"].assign(self._batches.head(source.config.width))
            self._made[dtype] = objective, train_step(objective), Evaluator(objective)
        return self._made[dtype]
