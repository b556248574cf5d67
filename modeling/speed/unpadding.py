"""Rows of real tokens: position-wise layers see [tokens, hidden], attention alone sees [batch, length].

Source: the idea of "effective transformers" (remove padding around the position-wise layers, restore it around
attention), here with gathers whose gradients are gathers too, since the two directions invert each other.
"""

import tensorflow as tf

# Below this share of padding the gathers cost more than the rows they save (benchmarks/unpadding.py).
MINIMUM_PADDING = 0.08


def with_row_of_pooler(mask):
    """int32 [B, T] -> the slots that the pooled output depends on: real tokens and the first one, masked or not.

    Nothing keeps a sequence of padding alone from looking at all of it, so that it depends on all.
    """
    is_empty = tf.reduce_max(mask, axis=1, keepdims=True) == 0  # [B, 1]
    first = tf.range(tf.shape(mask)[1])[None] == 0  # [1, T]
    return tf.where(is_empty | first, tf.ones_like(mask), mask)


class Unpadding:
    """Maps between padded rows [B * T, ...] and rows of real tokens alone [N, ...], N = number of real tokens.

    Args:
      mask: int32 [B, T], 1 for a real token, 0 for padding.
      remove_padding: False keeps all B * T rows (static shapes: XLA, TPU); both directions are then reshapes.
    """

    def __init__(self, mask, remove_padding=True):
        shape = tf.shape(mask)
        self.batch_size, self.length = shape[0], shape[1]
        self.removes_padding = remove_padding
        if not remove_padding:
            return
        flat = tf.reshape(mask, [-1])  # [B * T]
        num_slots, num_tokens = tf.size(flat), tf.reduce_sum(flat)
        self._worth = tf.cast(num_tokens, tf.float32) < (1.0 - MINIMUM_PADDING) * tf.cast(num_slots, tf.float32)
        # Where padding is not worth removing every slot counts as a token, and both directions are identities.
        kept = tf.where(self._worth, flat, tf.ones_like(flat))
        self._slot_of_row = tf.cast(tf.where(kept > 0)[:, 0], tf.int32)  # [N]
        num_rows = tf.size(self._slot_of_row)
        self._row_of_slot = tf.where(kept > 0, tf.cumsum(kept) - 1, num_rows)  # [B * T]; padding points at row N

    def unpad(self, padded):
        """[B * T, ...] -> [N, ...]."""
        if not self.removes_padding:
            return padded
        return _permute(padded, self._take_rows, self._spread_rows)

    def pad(self, rows):
        """[N, ...] -> [B * T, ...], zeros at padding."""
        if not self.removes_padding:
            return rows
        return _permute(rows, self._spread_rows, self._take_rows)

    def rows_of(self, positions):
        """int32 [B, P] positions in each sequence -> int32 [B, P], the rows that hold them.

        A position of padding has no row; it gets the last one, and what is computed there means nothing.
        """
        slots = positions + tf.range(self.batch_size)[:, None] * self.length
        if not self.removes_padding:
            return slots
        return tf.minimum(tf.gather(self._row_of_slot, slots), tf.size(self._slot_of_row) - 1)

    def positions(self):
        """int32 [N]: the position of each row in its sequence."""
        slots = self._slot_of_row if self.removes_padding else tf.range(self.batch_size * self.length)
        return slots % self.length

    def _take_rows(self, padded):
        return tf.cond(self._worth, lambda: tf.gather(padded, self._slot_of_row), lambda: padded)

    def _spread_rows(self, rows):
        def with_zero_row():
            zero_row = tf.zeros_like(rows[:1])
            return tf.gather(tf.concat([rows, zero_row], 0), self._row_of_slot)

        return tf.cond(self._worth, with_zero_row, lambda: rows)


def _permute(rows, forward, backward):
    """Applies `forward`, whose gradient is `backward`: a gather instead of tf.gather's scattered addition."""

    @tf.custom_gradient
    def apply(x):
        return forward(x), backward

    return apply(rows)
