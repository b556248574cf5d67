"""How far distributions are from others: what R-Drop and distillation compare outputs by."""

import tensorflow as tf


def of_softmax(logits, wanted, temperature=1.0):
    """KL(wanted || logits) of softmaxes: float32 [..., C] twice -> [...].

    Args:
      temperature: both are divided by it; the result is multiplied by its square, so that gradients keep their size.
        Source: Hinton et al. 2015, https://arxiv.org/abs/1503.02531, section 2.1.
    """
    found, wanted = (tf.nn.log_softmax(x / temperature) for x in (logits, wanted))
    return temperature**2 * tf.reduce_sum(tf.exp(wanted) * (wanted - found), axis=-1)


def of_sigmoids(logits, wanted, temperature=1.0):
    """The same of a yes and a no: float32 [...] twice -> [...]."""
    yes = tf.sigmoid(wanted / temperature)
    found, wanted = (
        yes * tf.math.log_sigmoid(x / temperature) + (1.0 - yes) * tf.math.log_sigmoid(-x / temperature)
        for x in (logits, wanted)
    )
    return temperature**2 * (wanted - found)
