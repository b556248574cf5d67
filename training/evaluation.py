"""Evaluation and prediction: every example once, results in the order of the examples."""

import numpy as np
import tensorflow as tf

from training.distribution import slice_of
from training.two_at_once import in_order


class Evaluator:
    """Runs an objective over data sets without dropout; one traced graph serves all calls.

    Args:
      objective: an Objective.
      weights_of: an objective of the same weights, perhaps at another precision, which are copied at each `run`.
      static_shapes: trace one graph per shape of batch; otherwise one for all.
      jit_compile: compile by XLA.
    """

    def __init__(self, objective, static_shapes=False, jit_compile=False, weights_of=None):
        self._objective, self._strategy = objective, tf.distribute.get_strategy()
        self._weights_of, self._static_shapes = weights_of, static_shapes
        self._infer = tf.function(self._infer_batch, jit_compile=jit_compile, autograph=False)
        self._score = tf.function(self._score_batch, jit_compile=jit_compile, autograph=False)
        self._score_on = tf.function(self._score_carried, autograph=False)

    def run(self, batches, with_loss, report=None):
        """Predictions of a data set.

        Args:
          batches: tf.data.Dataset, or a list, of feature dicts with `example_index`.
          with_loss: whether the examples are labelled.
          report: is called after each batch with the number of examples that are done.

        Returns:
          predictions: name -> numpy array [examples, ...], with `label_ids` where there is a loss, and
            `uncut_length` where the batches have it; ordered by example_index, by arrival where there is none.
          loss: float, or None.
        """
        self._copy_weights()
        parts, indices, totals, done = [], [], {}, 0
        for batch, (predictions, sums) in self._results(self._infer, batches, tf.constant(with_loss)):
            real = batch["is_real_example"].numpy() > 0 if "is_real_example" in batch else slice(None)
            if with_loss:
                predictions["label_ids"] = batch["label_ids"]
            if "uncut_length" in batch:
                predictions["uncut_length"] = batch["uncut_length"]
            parts.append({name: value.numpy()[real] for name, value in predictions.items()})
            indices.append(batch["example_index"].numpy()[real])
            _add(totals, sums)
            done += len(indices[-1])
            if report:
                report(done)
        index = np.concatenate(indices)
        order = np.argsort(index, kind="stable") if (index >= 0).all() else np.arange(len(index))
        predictions = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
        loss = sum(value / max(weight, 1e-5) for value, weight in totals.values()) if with_loss else None
        return predictions, loss

    def means(self, batches, report=None):
        """Weighted means of the objective's terms and measures over a data set: name -> float, if it has weight.

        `report`: as of `run`.
        """
        self._copy_weights()
        totals, done = {}, 0
        results = self._in_sequence(batches) if self._objective.carries_state else self._results(self._score, batches)
        for batch, sums in results:
            _add(totals, sums)
            done += len(batch["example_index"])
            if report:
                report(done)
        return {name: float(value / weight) for name, (value, weight) in totals.items() if weight > 0.0}

    def summary(self, batches, report=None):
        """What eval_results.txt says of a data set: the objective's summary of its `means`."""
        return self._objective.summary(self.means(batches, report))

    def _copy_weights(self):
        if self._weights_of is not None:
            source = self._weights_of.named_weights()
            for name, variable in self._objective.named_weights().items():
                variable.assign(tf.cast(source[name], variable.dtype))

    def _results(self, infer, batches, *arguments):
        """Yields (batch, what `infer` gives for it), in the order of the batches."""
        shapes = getattr(batches, "element_spec", None)
        if shapes is not None and not self._static_shapes:  # one graph for all shapes, traced here
            infer = infer.get_concrete_function(shapes, *arguments)
        if self._strategy.num_replicas_in_sync > 1:  # replicas are threads already
            yield from ((batch, infer(batch, *arguments)) for batch in batches)
            return
        yield from in_order(lambda batch: infer(batch, *arguments), batches)

    def _in_sequence(self, batches):
        """Yields (batch, sums), each batch with the state that the one before left."""
        state = None
        for batch in batches:
            if state is None:
                state = self._objective.zero_state(len(batch["example_index"]))
            sums, state = self._score_on(batch, state)
            yield batch, sums

    def _score_carried(self, batch, state):
        outputs = self._objective(batch, state=state)
        return self._sums(batch, outputs, self._objective.measures), outputs["state"]

    def _infer_batch(self, batch, with_loss):
        """Predictions [B, ...] and, per term, float32 [2]: weighted sum of the losses, sum of the weights."""
        count = self._strategy.num_replicas_in_sync
        results = self._strategy.run(self._infer_replica, args=(batch, with_loss))
        if count == 1:
            return results
        predictions, sums = results
        local = self._strategy.experimental_local_results
        return {name: tf.concat(local(value), axis=0) for name, value in predictions.items()}, self._summed(sums)

    def _score_batch(self, batch):
        """Per term and measure, float32 [2]: weighted sum of the values, sum of the weights."""
        return self._summed(self._strategy.run(self._score_replica, args=(batch,)))

    def _summed(self, sums):
        if self._strategy.num_replicas_in_sync == 1:
            return sums
        return {name: tf.add_n(self._strategy.experimental_local_results(value)) for name, value in sums.items()}

    def _score_replica(self, batch):
        share = _share(batch)
        outputs = self._objective(share)
        return self._sums(share, outputs, self._objective.measures)

    def _sums(self, features, outputs, measures):
        weights, values = self._objective.loss_weights(features), self._objective.losses(features, outputs)
        terms = {**{term: term for term in weights}, **measures}
        return {
            name: tf.stack([tf.reduce_sum(values[name] * weights[term]), tf.reduce_sum(weights[term])])
            for name, term in terms.items()
        }

    def _infer_replica(self, batch, with_loss):
        share = _share(batch)
        outputs = self._objective(share)

        def sums():
            return self._sums(share, outputs, {})

        nothing = {term: tf.zeros([2]) for term in self._objective.terms}
        return self._objective.predictions(outputs), tf.cond(with_loss, sums, lambda: nothing)


def _share(batch):
    """This replica's rows."""
    replica = tf.distribute.get_replica_context()
    count, index = replica.num_replicas_in_sync, replica.replica_id_in_sync_group
    return slice_of(batch, index, count) if count > 1 else batch


def _add(totals, sums):
    for name, pair in sums.items():
        totals[name] = totals.get(name, 0.0) + pair.numpy().astype(np.float64)
