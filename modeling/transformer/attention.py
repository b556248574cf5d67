"""Who looks at whom: the attention probabilities of a layer, computed again from the states that it read.

Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, equation 1. The encoder itself never gives them away, so
that it need not keep [B, heads, T, T] of every layer.
"""

import math

import tensorflow as tf

from bertline.errors import InputError


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
    reader = layers[layer]
    states = encoder(features, all_layers=True)["all_layers"][layer][0]  # [T, H]: what the layer read
    heads = reader.sizes.num_heads
    query, key = (_split_heads(dense(states), heads) for dense in (reader.query, reader.key))
    scores = tf.matmul(query, key, transpose_b=True) / math.sqrt(query.shape[-1])  # [heads, T, T]
    return tf.nn.softmax(tf.cast(scores, tf.float32))


def _split_heads(rows, heads):
    """[T, H] -> [heads, T, H / heads]."""
    return tf.transpose(tf.reshape(rows, [rows.shape[0], heads, rows.shape[1] // heads]), [1, 0, 2])
