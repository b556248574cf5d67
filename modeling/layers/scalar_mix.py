"""One state per token out of all layers of an encoder, by weights that are learned.

Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, equation 1.
"""

import keras
import tensorflow as tf

from bertline.modeling.layers.pooling import mix_layers


class ScalarMix(keras.layers.Layer):
    """gamma * sum of softmax(scalars) * layer: list of L [B, T, H] -> [B, T, H]. It begins as the plain mean.

    Args:
      count: int, L.
    """

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape=None):
        # float32 whatever the policy: a few numbers cost nothing and half precision would round them.
        self.scalars = self.add_weight(
            name="scalars", shape=(self.count,), initializer="zeros", dtype="float32", autocast=False
        )
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="ones", dtype="float32", autocast=False)
        self.built = True

    def call(self, layers):
        wide = [tf.cast(layer, tf.float32) for layer in layers]
        mixed = mix_layers(wide, "learned", (self.scalars, self.gamma))[:, :, 0]
        return tf.cast(mixed, self.compute_dtype)
