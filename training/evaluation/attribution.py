"""How much each token of some rows speaks for an answer: gradient x input of the tokens' vectors.

Source: Shrikumar et al. 2016, https://arxiv.org/abs/1605.01713, section 3.
"""

import numpy as np
import tensorflow as tf

from bertline.modeling.layers.token_scales import TOKEN_SCALES
from bertline.modeling.speed.switches import portable_operations
from bertline.processors.records.feature_spec import axes_of, mask_of, token_axes
from bertline.processors.records.row_batches import dense

TOKENS_AT_ONCE = 2048  # of a batch, padding included: what a backward pass keeps


def token_shares(objective, layout, rows, weights):
    """What each token adds to a sum of the numbers that an objective gives.

    Args:
      objective: an Objective whose predictions have `logits`, or `probabilities` that are scores.
      layout: the Layout of the rows. rows: list of dicts of arrays, as the layout gives them.
      weights: float [rows, num_labels], of the numbers in the sum.

    Returns:
      A dict for each row: axis of tokens ("tokens", or one of each text) -> float32 [tokens]. None where the encoder
      does not know the vectors of tokens.
    """
    if not objective.encoder.scales_tokens or not token_axes(layout.spec):
        return None
    lengths = [max(len(row[axes_of(layout.spec)[axis]]) for axis in token_axes(layout.spec)) for row in rows]
    order, found = np.argsort(lengths, kind="stable"), [None] * len(rows)
    for chosen in _cut(order, lengths):
        parts = _shares(objective, layout, [rows[i] for i in chosen], np.asarray(weights)[chosen])
        for place, i in enumerate(chosen):
            count = {axis: len(rows[i][axes_of(layout.spec)[axis]]) for axis in parts}
            found[i] = {axis: values[place, : count[axis]] for axis, values in parts.items()}
    return found


def _cut(order, lengths):
    """Numbers of rows, the shortest first, in batches of at most TOKENS_AT_ONCE."""
    batch = []
    for i in order:
        if batch and lengths[i] * (len(batch) + 1) > TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def _shares(objective, layout, rows, weights):
    """Axis of tokens -> float32 [rows, tokens]."""
    batch = dense(rows, layout.spec, layout.stacks_texts)
    scales = {axis: tf.ones(batch[mask_of(axis)].shape) for axis in token_axes(layout.spec)}
    names = {axis: axis.removesuffix("tokens") + TOKEN_SCALES for axis in scales}
    # Fast forms of inference have no gradient.
    with portable_operations(), tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(list(scales.values()))
        outputs = objective({**batch, **{names[axis]: values for axis, values in scales.items()}})
        predictions = objective.predictions(outputs)
        numbers = predictions["logits"] if "logits" in predictions else predictions["probabilities"]
        total = tf.reduce_sum(tf.cast(numbers, tf.float32) * tf.constant(weights, tf.float32))
    gradients = tape.gradient(total, scales, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return {axis: gradient.numpy() for axis, gradient in gradients.items()}
