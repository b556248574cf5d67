"""Which tokens a token may look at: functions from the mask of a batch to what is added to the scores of attention.

A score of -10000 is 0 after the softmax. Source: google-research/bert `modeling.py:attention_layer`; the causal one as
in Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.1.
"""

import tensorflow as tf

MASKED_SCORE = -10000.0


def bidirectional(mask, positions=None):
    """All tokens of the sequence: int32 [B, T], 1 for a real token -> float32 [B, 1, 1, T]."""
    return (1.0 - tf.cast(mask[:, None, None, :], tf.float32)) * MASKED_SCORE


def causal(mask, positions=None):
    """Itself and the tokens before it: int32 [B, T] -> float32 [B, 1, T, T].

    Args:
      positions: int32 [B, P], of the tokens that ask; None: all ask. With them the result is [B, 1, P, T].
    """
    keys = tf.range(tf.shape(mask)[1])
    asking = keys[None, :, None] if positions is None else positions[:, :, None]  # [1 or B, T or P, 1]
    seen = tf.cast((keys[None, None, :] <= asking) & (mask[:, None, :] > 0), tf.float32)  # [B, T or P, T]
    return ((1.0 - seen) * MASKED_SCORE)[:, None]


def cross(mask, positions=None):
    """All tokens of another sequence, whose mask this is: the same as `bidirectional` of that one."""
    return bidirectional(mask)
