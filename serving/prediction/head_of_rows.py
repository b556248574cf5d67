"""Examples through a head whose layout is not what the encoder reads of one text: rows, batches, outputs in order."""

import itertools

import numpy as np
import tensorflow as tf

from bertline.modeling.speed import inference
from bertline.processors.records.feature_spec import axes_of, token_axes
from bertline.processors.records.row_batches import dense
from bertline.serving.encoder import batching
from bertline.training.steps.two_at_once import in_order

POOL_EXAMPLES = 1024


class HeadOfRows:
    """A head that is ready for examples. Threads may share one.

    Args:
      objective: with its weights.
      labels, layout: which make rows of examples, and predictions of outputs.
      batch_tokens, batches_at_once: as of TextEncoder.
    """

    def __init__(self, objective, labels, layout, batch_tokens, batches_at_once):
        self._objective, self._labels, self.layout = objective, labels, layout
        self._batch_tokens, self._at_once = batch_tokens, batches_at_once
        [self._tokens, *_] = token_axes(layout.spec)
        self._graph = inference.graph(
            objective, lambda features: objective.predictions(objective(features)), spec(layout)
        )

    def predictions(self, examples, show=None):
        """What the labels say of each example, a list.

        Args:
          show: called now and then with the number of examples that are done.
        """
        found = []
        for pool, rows, outputs in self._pools(examples, show):
            found += self._labels.predictions(outputs, pool, self.layout, rows)
        return found

    @property
    def gives_probabilities(self):
        """Whether `probabilities` gives anything: of heads that say something of whole texts, a row each."""
        return self.layout.reads_whole_texts

    def probabilities(self, examples, show=None):
        """(float32 [n, labels], bool [n]: whether a part of the text was not read)."""
        found, cut = [np.zeros([0, self._labels.num_labels], np.float32)], []
        for _, rows, outputs in self._pools(examples, show):
            found.append(np.stack(outputs["probabilities"]))
            cut += ["uncut_length" in row for [row] in rows]
        return np.concatenate(found), np.array(cut, bool)

    def _pools(self, examples, show):
        """Yields (examples, list of the rows of each, outputs) of each pool."""
        done = 0
        for start in range(0, len(examples), POOL_EXAMPLES):
            pool = examples[start : start + POOL_EXAMPLES]
            rows = list(self.layout.features(pool))
            yield pool, rows, self._outputs(rows)
            done += len(pool)
            if show:
                show(done)

    def _outputs(self, rows):
        """Name -> list of arrays of all rows, and `part`, the number of a row among those of its example."""
        flat = list(itertools.chain.from_iterable(rows))
        name = axes_of(self.layout.spec)[self._tokens]
        lengths = np.array([len(row[name]) for row in flat])
        batches = batching.cut(lengths, np.arange(len(flat)), self._batch_tokens)
        found = {}
        for chosen, values in in_order(lambda chosen: self._compute([flat[i] for i in chosen]), batches, self._at_once):
            for output, arrays in values.items():
                kept = found.setdefault(output, [None] * len(flat))
                for i, array in zip(chosen, arrays):
                    kept[i] = array
        return {**found, "part": [part for one in rows for part in range(len(one))]}

    def _compute(self, rows):
        """Name -> list of an array for each row, without padding."""
        batch = dense(rows, self.layout.spec, self.layout.stacks_texts)
        outputs = self._graph({name: tf.constant(array) for name, array in batch.items()})
        outputs = {name: value.numpy() for name, value in outputs.items()}
        axes, firsts = self._objective.output_axes, axes_of(self.layout.spec)
        lengths = {axis: [len(row[firsts[axis]]) for row in rows] for axis in axes.values()}
        return {
            name: [one[:length] for one, length in zip(value, lengths[axes[name]])] if name in axes else list(value)
            for name, value in outputs.items()
        }


def spec(layout, rows=None):
    """What a graph takes of a layout: name -> tf.TensorSpec; the number of rows is any, or `rows`."""
    return {
        name: tf.TensorSpec(
            [rows, *(None if isinstance(axis, str) else axis for axis in feature.axes)], feature.dtype, name
        )
        for name, feature in layout.spec.items()
    }
