"""Evaluation and prediction: every example once, results in the order of the examples."""

import numpy as np
import tensorflow as tf

from bertline.modeling.speed.inference import Inference
from bertline.processors.records.feature_spec import mask_of
from bertline.training.steps.distribution import slice_of
from bertline.training.steps.two_at_once import in_order
from bertline.training.steps.weighted import weighted_sum


class Evaluator:
    """Runs an objective over data sets without dropout, with the weights that it has at each call.

    Args:
      objective: an Objective.
      static_shapes: trace one graph per shape of batch; otherwise one for all.
      jit_compile: compile by XLA.
    """

    def __init__(self, objective, static_shapes=False, jit_compile=False):
        self._objective, self._strategy = objective, tf.distribute.get_strategy()
        self._static_shapes, self._jit_compile, self._of_streams = static_shapes, jit_compile, {}
        self._inference = Inference(objective, jit_compile, constants=not static_shapes)

    @property
    def encoder(self):
        """The Encoder of the objective."""
        return self._objective.encoder

    def of_stream(self, name):
        """The Evaluator of the objective that learns from one of several streams; made once."""
        if name not in self._of_streams:
            objective = self._objective.of_stream(name)
            self._of_streams[name] = Evaluator(objective, self._static_shapes, self._jit_compile)
        return self._of_streams[name]

    def run(self, batches, with_loss, report=None):
        """Predictions of a data set.

        Args:
          batches: tf.data.Dataset, or a list, of feature dicts with `example_index`.
          with_loss: whether the examples are labelled.
          report: is called after each batch with the number of examples that are done.

        Returns:
          predictions: name -> numpy array [rows, ...], or a list of arrays of those that `output_axes` of the objective
            names, without their padding; with `label_ids` where there is a loss, and `uncut_length` and `part` where
            the batches have them. Ordered by example and part, by arrival where batches name no example.
          loss: float, or None.
        """
        kept = ("label_ids",) * with_loss + ("uncut_length", "part")
        rows, indices, totals, done = {}, [], {}, 0
        for batch, (predictions, sums) in self._results(self._infer_batch, batches, tf.constant(with_loss)):
            real = batch["is_real_example"].numpy() > 0 if "is_real_example" in batch else slice(None)
            predictions = {**predictions, **{name: batch[name] for name in kept if name in batch}}
            for name, value in predictions.items():
                rows.setdefault(name, []).append(self._without_padding(name, value.numpy(), batch)[real])
            indices.append(batch["example_index"].numpy()[real])
            _add(totals, sums)
            done += len(indices[-1])
            if report:
                report(done)
        index, rows = np.concatenate(indices), {name: np.concatenate(values) for name, values in rows.items()}
        order = np.lexsort((rows.get("part", np.zeros_like(index)), index))
        rows = {name: values[order] if (index >= 0).all() else values for name, values in rows.items()}
        loss = sum(value / max(weight, 1e-5) for value, weight in totals.values()) if with_loss else None
        return {name: list(v) if name in self._objective.output_axes else v for name, v in rows.items()}, loss

    def _without_padding(self, name, values, batch):
        """The rows of one output; an array of arrays where they have a length of their own."""
        axis = self._objective.output_axes.get(name)
        if axis is None:
            return values
        found = np.empty(len(values), object)
        for i, length in enumerate(batch[mask_of(axis)].numpy().sum(axis=1)):
            found[i] = values[i, :length]
        return found

    def means(self, batches, report=None):
        """Weighted means of the objective's terms and measures over a data set: name -> float, if it has weight.

        `report`: as of `run`.
        """
        totals, done = {}, 0
        carried = self._objective.carries_state
        for batch, sums in self._in_sequence(batches) if carried else self._results(self._score_batch, batches):
            _add(totals, sums)
            done += len(batch["example_index"])
            if report:
                report(done)
        return {name: float(value / weight) for name, (value, weight) in totals.items() if weight > 0.0}

    def summary(self, batches, report=None):
        """What eval_results.txt says of a data set: the objective's summary of its `means`."""
        return self._objective.summary(self.means(batches, report))

    def _results(self, function, batches, *arguments):
        """Yields (batch, what `function` gives for it), in the order of the batches."""
        shapes = getattr(batches, "element_spec", None)
        spec = [] if shapes is None or self._static_shapes else [shapes, *arguments]  # one graph for all shapes
        tokens, batches = self._inference.look_ahead(batches)
        infer = self._inference.graph(function, tokens, *spec)
        if self._strategy.num_replicas_in_sync > 1:  # replicas are threads already
            yield from ((batch, infer(batch, *arguments)) for batch in batches)
            return
        yield from in_order(lambda batch: infer(batch, *arguments), batches)

    def _in_sequence(self, batches):
        """Yields (batch, sums), each batch with the state that the one before left."""
        state, score = None, self._inference.graph(self._score_carried, tokens=0)
        for batch in batches:
            if state is None:
                state = self._objective.zero_state(len(batch["example_index"]))
            sums, state = score(batch, state)
            yield batch, sums

    def _score_carried(self, scope, batch, state):
        with scope():
            outputs = self._objective(batch, state=state)
            return self._sums(batch, outputs, self._objective.measures), outputs["state"]

    def _infer_batch(self, scope, batch, with_loss):
        """Predictions [B, ...] and, per term, float32 [2]: weighted sum of the losses, sum of the weights."""
        count = self._strategy.num_replicas_in_sync
        results = self._strategy.run(self._infer_replica, args=(scope, batch, with_loss))
        if count == 1:
            return results
        predictions, sums = results
        local = self._strategy.experimental_local_results
        return {name: tf.concat(local(value), axis=0) for name, value in predictions.items()}, self._sum(sums)

    def _score_batch(self, scope, batch):
        """Per term and measure, float32 [2]: weighted sum of the values, sum of the weights."""
        return self._sum(self._strategy.run(self._score_replica, args=(scope, batch)))

    def _sum(self, sums):
        if self._strategy.num_replicas_in_sync == 1:
            return sums
        return {name: tf.add_n(self._strategy.experimental_local_results(value)) for name, value in sums.items()}

    def _score_replica(self, scope, batch):
        share = _share(batch)
        with scope():
            return self._sums(share, self._objective(share), self._objective.measures)

    def _sums(self, features, outputs, measures):
        weights, values = self._objective.loss_weights(features), self._objective.losses(features, outputs)
        terms = {**{term: term for term in weights}, **measures}
        return {
            name: tf.stack([weighted_sum(name, values[name], weights[term]), tf.reduce_sum(weights[term])])
            for name, term in terms.items()
        }

    def _infer_replica(self, scope, batch, with_loss):
        share = _share(batch)
        nothing = {term: tf.zeros([2]) for term in self._objective.terms}
        with scope():
            outputs = self._objective(share)
            sums = tf.cond(with_loss, lambda: self._sums(share, outputs, {}), lambda: nothing)
            return self._objective.predictions(outputs), sums


def _share(batch):
    """This replica's rows."""
    replica = tf.distribute.get_replica_context()
    count, index = replica.num_replicas_in_sync, replica.replica_id_in_sync_group
    return slice_of(batch, index, count) if count > 1 else batch


def _add(totals, sums):
    for name, pair in sums.items():
        totals[name] = totals.get(name, 0.0) + pair.numpy().astype(np.float64)
