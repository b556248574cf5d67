"""Who looks at whom: the attention of a layer, computed again from the states that it read.

Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, equation 1. The encoder itself never gives them away, so
that it need not keep [B, heads, T, T] of every layer.
"""

import math

import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.layers.dense import add_bias_in_training


def attention(encoder, features, layer):
    """float32 [heads, T, T] of one sequence without padding: row i says how token i spreads its look over all tokens.

    Args:
      encoder: built, with `attention_layers`.
      features: name -> int32 [1, T].
      layer: number of the layer, 0 the first.

    Raises:
      InputError: the encoder has no such layer, or no attention.
    """
    layers = encoder.attention_layers()
    if not layers:
        raise InputError(f"the encoder {type(encoder).__name__} has no attention to show")
    if not 0 <= layer < len(layers):
        raise InputError(f"layer: there is no layer {layer}; the model has {len(layers)}, 0 to {len(layers) - 1}")
    states = encoder(features, all_layers=True)["all_layers"][layer]  # what the layer read
    return tf.nn.softmax(tf.cast(attention_scores(layers[layer], states)[0], tf.float32))


def attention_scores(layer, states):
    """[B, heads, T, T]: row i says what token i makes of each token, before the softmax and without a mask.

    Args:
      layer: of `Encoder.attention_layers`. states: [B, T, H], what it read.
    """
    heads, length, width = layer.sizes.num_heads, tf.shape(states)[1], states.shape[2]
    rows = tf.reshape(states, [-1, width])

    def project(dense):
        kernel, bias = (tf.cast(weight, states.dtype) for weight in (dense.kernel, dense.bias))
        projected = add_bias_in_training(tf.matmul(rows, kernel), bias)
        return tf.transpose(tf.reshape(projected, [-1, length, heads, width // heads]), [0, 2, 1, 3])

    scale = 1.0 / math.sqrt(width // heads)
    return tf.matmul(project(layer.query) * scale, project(layer.key), transpose_b=True)
