"""One state per token out of all layers of an encoder, by weights that are learned.

Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, equation 1; dropped layers as in Kondratyuk & Straka 2019,
https://arxiv.org/abs/1904.02099, section 3.3.
"""

import keras
import tensorflow as tf

from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.pooling import mix_layers

DROPPED = -1e20  # the scalar of a layer that is dropped; where all are, each has the same share
EPSILON = 1e-12


class ScalarMix(keras.layers.Layer):
    """gamma * sum of softmax(scalars) * layer: list of L [B, T, H] -> [B, T, H]. It begins as the plain mean.

    Args:
      count: int, L.
      layer_norm: whether each layer is normalised before, as `normalize_sentences` does.
      layer_dropout: rate at which a layer is left out of a batch in training.
    """

    def __init__(self, count, layer_norm=False, layer_dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.count, self.layer_norm, self.layer_dropout = count, layer_norm, layer_dropout

    def build(self, input_shape=None):
        # float32 whatever the policy: a few numbers cost nothing and half precision would round them.
        self.scalars = self.add_weight(
            name="scalars", shape=(self.count,), initializer="zeros", dtype="float32", autocast=False
        )
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="ones", dtype="float32", autocast=False)
        self.built = True

    def call(self, layers, input_mask=None, dropout_key=None):
        """input_mask: int32 [B, T], for the layer norm. dropout_key: None at inference."""
        wide = [tf.cast(layer, tf.float32) for layer in layers]
        if self.layer_norm:
            wide = [normalize_sentences(layer, input_mask) for layer in wide]
        scalars = tf.convert_to_tensor(self.scalars)
        if self.layer_dropout and dropout_key is not None:
            scalars = tf.where(dropout(tf.ones([self.count]), self.layer_dropout, dropout_key) > 0, scalars, DROPPED)
        mixed = mix_layers(wide, "learned", (scalars, self.gamma))[:, :, 0]
        return tf.cast(mixed, self.compute_dtype)

    def shares(self):
        """float32 [L]: the softmax of the scalars."""
        return tf.nn.softmax(tf.cast(self.scalars, tf.float32)).numpy()


def normalize_sentences(states, input_mask):
    """Mean 0 and variance 1 over all numbers of a sentence's real tokens.

    The original takes them over all sentences of a batch, so that a sentence has other vectors beside other ones; here
    each is normalised as it would be alone.

    Args:
      states: float32 [B, T, H]. input_mask: int32 [B, T].

    Source: bilm-tf, `weight_layers`.
    """
    mask = tf.cast(input_mask, states.dtype)[:, :, None]
    count = tf.maximum(tf.reduce_sum(mask, axis=[1, 2], keepdims=True) * states.shape[-1], 1.0)
    mean = tf.reduce_sum(states * mask, axis=[1, 2], keepdims=True) / count
    variance = tf.reduce_sum(tf.square((states - mean) * mask), axis=[1, 2], keepdims=True) / count
    return (states - mean) * tf.math.rsqrt(variance + EPSILON)
