"""Bertline's masked LM with next sentence, in the loop that run_pretraining.py runs."""

import tensorflow as tf

from benchmarks.peers.bertline import Bertline, train_step
from bertline import registry
from bertline.modeling.encoder import policy
from bertline.weights.load_save import load_weights, open_weights


class Pretraining(Bertline):
    """See benchmarks.peers."""

    def first_loss(self, dtype, order):
        objective = self._parts(dtype)[0]
        features = {name: tf.constant(array) for name, array in self._batches.orders["train", order][0].items()}
        values, weights = objective.losses(features, objective(features)), objective.loss_weights(features)
        return float(sum(tf.reduce_sum(values[t] * weights[t]) / tf.reduce_sum(weights[t]) for t in objective.terms))

    def _parts(self, dtype):
        """(objective, training step)."""
        if dtype not in self._made:
            source = open_weights(self._model)
            encoder_class = registry.get("encoder", source.config["model_type"])
            encoder = encoder_class(encoder_class.config_class.from_dict(source.config), dtype=policy(dtype, True))
            objective = registry.get("objective", "masked_lm")(encoder)
            report = load_weights(objective, source)
            if report.missing:
                raise RuntimeError(f"{self._model} lacks {report.missing}")
            self._made[dtype] = objective, train_step(objective)
        return self._made[dtype]
