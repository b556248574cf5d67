"""The formulas of one step of a projected LSTM, element by element, forward and backward.

They are float32 inside, whatever the dtype of the products around them: one pass over memory rounds once.
"""

import dataclasses
import typing

import tensorflow as tf

FORGET_BIAS = 1.0


@dataclasses.dataclass(frozen=True)
class Clips:
    """Largest absolute values; None: any."""

    cell: float | None = None
    projection: float | None = None


def advance(inputs, product, cell, here, clip):
    """One step of the gates: (activated gates [B, 4 * U], cell float32 [B, U], output before its projection [B, U])."""
    dtype = inputs.dtype
    admit, new, keep, give = tf.split(tf.cast(inputs, tf.float32) + tf.cast(product, tf.float32), 4, axis=1)
    admit, new, keep, give = tf.sigmoid(admit), tf.tanh(new), tf.sigmoid(keep + FORGET_BIAS), tf.sigmoid(give)
    moved = keep * cell + admit * new
    if clip is not None:
        moved = tf.clip_by_value(moved, -clip, clip)
    gates, output = tf.concat([admit, new, keep, give], axis=1), give * tf.tanh(moved)
    return tf.cast(gates, dtype), tf.where(here, moved, cell), tf.cast(output, dtype)


def retreat(gates, to_output, to_cell, before, after, here, clip):
    """Of one step: gradients of its sums [B, 4 * U] and of the cell before it, float32 [B, U]; its output [B, U]."""
    dtype, to_output = gates.dtype, tf.cast(to_output, tf.float32)
    admit, new, keep, give = tf.split(tf.cast(gates, tf.float32), 4, axis=1)
    bent = tf.tanh(after)
    to_moved = to_cell + to_output * give * (1.0 - bent * bent)
    to_moved = tf.where(here if clip is None else here & (tf.abs(after) < clip), to_moved, 0.0)
    sums = [
        to_moved * new * admit * (1.0 - admit),
        to_moved * admit * (1.0 - new * new),
        to_moved * before * keep * (1.0 - keep),
        to_output * bent * give * (1.0 - give),
    ]
    sums, to_before = tf.cast(tf.concat(sums, axis=1), dtype), tf.where(here, to_moved * keep, to_cell)
    return sums, to_before, tf.cast(give * bent, dtype)


class Formulas(typing.NamedTuple):
    """Of a step forward and of one backward."""

    advance: typing.Callable
    retreat: typing.Callable


PLAIN = Formulas(advance, retreat)
COMPILED = Formulas(*(tf.function(formula, jit_compile=True, autograph=False) for formula in PLAIN))
