"""Rows, as a layout gives them, as a batch in numpy."""

import numpy as np

from bertline.processors.records.feature_spec import axes_of, token_axes


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
