"""Examples through a head whose layout is not what the encoder reads of one text: rows, batches, outputs in order."""

import itertools

import numpy as np
import tensorflow as tf

from bertline.modeling.speed import inference
from bertline.processors.records.feature_spec import axes_of, token_axes
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
        for start in range(0, len(examples), POOL_EXAMPLES):
            pool = examples[start : start + POOL_EXAMPLES]
            rows = list(self.layout.features(pool))
            outputs = self._outputs(rows)
            found += self._labels.predictions(outputs, pool, self.layout, rows)
            if show:
                show(len(found))
        return found

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


def dense(rows, features, stacks_texts=False):
    """Rows as a batch: name -> array [rows, ...], each axis as long as the longest row needs, and one at least.

    Args:
      rows: dicts of arrays, as a layout gives them.
      features: name -> Feature, those that are wanted.
      stacks_texts: whether all texts are made as long as the longest one.
    """
    firsts, longest = axes_of(features), 1
    if stacks_texts:
        longest = max(len(row.get(firsts[axis], ())) for row in rows for axis in token_axes(features))
    batch = {}
    for name, feature in features.items():
        arrays = [row[name] if name in row else _fill_value(feature, row, firsts) for row in rows]
        batch[name] = _stack(arrays, feature, longest)
    return batch


def _fill_value(feature, row, firsts):
    """What stands where a row lacks a feature."""
    shape = [len(row.get(firsts[axis], ())) if isinstance(axis, str) else axis for axis in feature.axes]
    return np.full(shape, feature.absent, feature.dtype)


def _stack(arrays, feature, least=1):
    """least: of the first axis that is named."""
    named = feature.named_axes
    if not named:
        return np.stack(arrays).astype(feature.dtype, copy=False)
    widths = [max(least, *map(len, arrays))]
    if len(named) == 2:
        widths.append(max(1, *(len(inner) for array in arrays for inner in array)))
    shape = [len(arrays), *widths, *(axis for axis in feature.axes if isinstance(axis, int))]
    batch = np.full(shape, feature.padding, feature.dtype)
    for i, array in enumerate(arrays):
        if len(named) == 1:
            batch[i, : len(array)] = array
        else:
            for j, inner in enumerate(array):
                batch[i, j, : len(inner)] = inner
    return batch
