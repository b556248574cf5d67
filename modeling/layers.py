"""Layers that work on rows: [N, width], N = tokens of the whole batch.

2-D `matmul` + `bias_add` + exact gelu is the pattern that TensorFlow fuses on a CPU and that every accelerator likes.
Variables are named as in google-research/bert, so that a variable's path is its name in a TF1 checkpoint.
"""

import keras
import tensorflow as tf

LAYER_NORM_EPSILON = 1e-12  # google-research/bert: tf.contrib.layers.layer_norm's variance epsilon


def gelu(x):
    """Exact gelu, x * Phi(x). Source: Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415"""
    return tf.nn.gelu(x, approximate=False)


def gelu_new(x):
    """The tanh approximation, as in GPT and in google-research/bert's `gelu`."""
    return tf.nn.gelu(x, approximate=True)


ACTIVATIONS = {
    "gelu": gelu,
    "gelu_new": gelu_new,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "linear": lambda x: x,
}


def initializer(stddev):
    """Truncated normal, as everywhere in BERT."""
    return keras.initializers.TruncatedNormal(stddev=stddev)


class Dense(keras.layers.Layer):
    """`activation(rows @ kernel + bias)`: [N, in] -> [N, units]."""

    def __init__(self, units, activation="linear", stddev=0.02, **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation, self.stddev = units, ACTIVATIONS[activation], stddev

    def build(self, input_width):
        self.kernel = self.add_weight(name="kernel", shape=(input_width, self.units), initializer=initializer(self.stddev))
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.built = True

    def call(self, rows):
        return self.activation(tf.nn.bias_add(tf.matmul(rows, self.kernel), self.bias))


class Classifier(keras.layers.Layer):
    """Logits over a few classes, in float32 whatever the policy: [N, in] -> [N, num_classes].

    The weights are [num_classes, in], as in the original.
    """

    def __init__(self, num_classes, stddev=0.02, **kwargs):
        super().__init__(**kwargs, dtype="float32")
        self.num_classes, self.stddev = num_classes, stddev

    def build(self, input_width):
        shape, init = (self.num_classes, input_width), initializer(self.stddev)
        self.output_weights = self.add_weight(name="output_weights", shape=shape, initializer=init)
        self.output_bias = self.add_weight(name="output_bias", shape=(self.num_classes,), initializer="zeros")
        self.built = True

    def call(self, rows):
        logits = tf.matmul(tf.cast(rows, tf.float32), self.output_weights, transpose_b=True)
        return tf.nn.bias_add(logits, self.output_bias)


class LayerNorm(keras.layers.Layer):
    """Layer normalisation over the last axis, computed in float32.

    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450
    """

    def __init__(self, epsilon=LAYER_NORM_EPSILON, **kwargs):
        super().__init__(name=kwargs.pop("name", "LayerNorm"), **kwargs)
        self.epsilon = epsilon

    def build(self, width):
        # float32 whatever the policy: two vectors cost nothing and half precision would round the scale.
        self.gamma = self.add_weight(name="gamma", shape=(width,), initializer="ones", dtype="float32", autocast=False)
        self.beta = self.add_weight(name="beta", shape=(width,), initializer="zeros", dtype="float32", autocast=False)
        self.built = True

    def call(self, rows):
        normed = layer_norm(tf.cast(rows, tf.float32), tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta), self.epsilon)
        return tf.cast(normed, self.compute_dtype)


def layer_norm(x, gamma, beta, epsilon):
    """float32 [N, H] -> float32 [N, H]."""
    mean = tf.reduce_mean(x, axis=-1, keepdims=True)
    centred = x - mean
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * (tf.math.rsqrt(variance + epsilon) * gamma) + beta
