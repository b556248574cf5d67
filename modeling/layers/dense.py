"""Layers that work on rows: [N, width], N = tokens of the whole batch.

2-D `matmul` + `bias_add` + exact gelu is the pattern that TensorFlow fuses on a CPU and that every accelerator likes.
Variables are named as in google-research/bert, so that a variable's path is its name in a TF1 checkpoint.
"""

import math

import keras
import tensorflow as tf

from bertline.modeling.speed.one_pass import on_cpu, one_pass
from bertline.modeling.speed.switches import portable_operations, weights_follow

SQRT_HALF, SQRT_TWO_OVER_PI = math.sqrt(0.5), math.sqrt(2.0 / math.pi)
LOG_ONE_OVER_SQRT_PI = -0.5 * math.log(math.pi)
LAYER_NORM_EPSILON = 1e-12  # google-research/bert: tf.contrib.layers.layer_norm's variance epsilon


def gelu(x):
    """Exact gelu, x * Phi(x), in the form that TensorFlow fuses with the product before it in inference.

    Source: Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415
    """
    return tf.nn.gelu(x, approximate=False)


@tf.custom_gradient
def gelu_in_training(product, bias):
    """gelu(product + bias), the same function and gradient; keeps its derivative alone for the backward pass.

    TensorFlow's own goes through erfc and ten half-precision products, which take 3 to 7 times as long on a CPU.
    """
    activated, derivative = _gelu_and_derivative(product, bias=bias)
    return activated, lambda upstream: _to_product_and_bias(upstream * derivative)


@one_pass(worth_padding=True)
def _gelu_and_derivative(product, bias):
    wide = tf.cast(product, tf.float32) + tf.cast(bias, tf.float32)
    z = wide * SQRT_HALF
    cumulative = 0.5 * tf.math.erf(z) + 0.5
    # x * density(x) = z * exp(-z * z) / sqrt(pi); the constant goes into the exponent, which saves a pass.
    derivative = cumulative + z * tf.exp(LOG_ONE_OVER_SQRT_PI - z * z)
    return tf.cast(wide * cumulative, product.dtype), tf.cast(derivative, product.dtype)


def gelu_new(x):
    """The tanh approximation, as in GPT and in google-research/bert's `gelu`."""
    return tf.nn.gelu(x, approximate=True)


@tf.custom_gradient
def gelu_new_in_training(product, bias):
    """gelu_new(product + bias), as gelu_in_training."""
    activated, derivative = _gelu_new_and_derivative(product, bias=bias)
    return activated, lambda upstream: _to_product_and_bias(upstream * derivative)


@one_pass(worth_padding=True)
def _gelu_new_and_derivative(product, bias):
    wide = tf.cast(product, tf.float32) + tf.cast(bias, tf.float32)
    square = wide * wide
    tanh = tf.tanh(wide * (SQRT_TWO_OVER_PI + SQRT_TWO_OVER_PI * 0.044715 * square))
    cumulative = 0.5 * tanh + 0.5
    slope = SQRT_TWO_OVER_PI + 3.0 * SQRT_TWO_OVER_PI * 0.044715 * square
    derivative = cumulative + 0.5 * wide * (1.0 - tanh * tanh) * slope
    return tf.cast(wide * cumulative, product.dtype), tf.cast(derivative, product.dtype)


@tf.custom_gradient
def add_bias_in_training(product, bias):
    """product + bias, with a gradient of the bias that is right in half precision too."""
    return tf.nn.bias_add(product, bias), _to_product_and_bias


def column_sums(rows):
    """[N, W] -> [W]. On a CPU BiasAddGrad sums bfloat16 in bfloat16, 7% off for 4,096 rows; a product does not."""
    if rows.dtype == tf.float32:
        return tf.raw_ops.BiasAddGrad(out_backprop=rows)
    return tf.matmul(tf.ones([8, tf.shape(rows)[0]], rows.dtype), rows)[0]  # 8: what matrix kernels like


def _to_product_and_bias(upstream):
    return upstream, column_sums(upstream)


ACTIVATIONS = {
    "gelu": gelu,
    "gelu_new": gelu_new,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "linear": lambda x: x,
}
# The same functions by other names: none, as in the original, and those of transformers.
SYNONYMS = {
    "": "linear",
    "gelu_python": "gelu",
    "gelu_accurate": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
}
# Where training has a form of its own, with the bias in the same pass.
ACTIVATIONS_IN_TRAINING = {"gelu": gelu_in_training, "gelu_new": gelu_new_in_training}


def activation_name(name):
    """The name in ACTIVATIONS of what a configuration calls an activation, in any case; unknown ones are kept."""
    lower = name.lower()
    return SYNONYMS.get(lower, lower)


def rows_of(table, ids):
    """Rows of a table, a Keras variable made with `autocast=False`: int32 [...] -> [..., W]; gradients stay rows.

    They are read one by one: TensorFlow copies a variable that is read whole once single rows of it were changed.
    """
    return tf.gather(table.value, ids)


def initializer(stddev):
    """Truncated normal, as everywhere in BERT."""
    return "zeros" if weights_follow.is_on else keras.initializers.TruncatedNormal(stddev=stddev)


class Dense(keras.layers.Layer):
    """`activation(rows @ kernel + bias)`: [N, in] -> [N, units]."""

    def __init__(self, units, activation="linear", stddev=0.02, **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation, self.stddev = units, activation, stddev

    def build(self, input_width):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_width, self.units), initializer=initializer(self.stddev)
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.built = True

    def call(self, rows, training=False):
        product = tf.matmul(rows, self.kernel)
        if training and self.activation in ACTIVATIONS_IN_TRAINING:
            return ACTIVATIONS_IN_TRAINING[self.activation](product, tf.convert_to_tensor(self.bias))
        return ACTIVATIONS[self.activation](tf.nn.bias_add(product, self.bias))


class LinearClassifier(keras.layers.Layer):
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

    def call(self, rows, training=True):
        gamma, beta = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        fast = on_cpu() and not training and not portable_operations.is_on
        form = layer_norm_in_inference if fast else layer_norm
        return form(rows, gamma, beta, self.epsilon, self.compute_dtype)


def layer_norm(rows, gamma, beta, epsilon, dtype):
    """[N, H] of any float type -> [N, H] of `dtype`, computed in float32."""

    @tf.custom_gradient
    def apply(rows, gamma, beta):
        width = tf.cast(tf.shape(rows)[1], tf.float32)
        wide = tf.cast(rows, tf.float32)
        centred = wide - tf.reduce_mean(wide, axis=1, keepdims=True)
        inverse_deviation = tf.math.rsqrt(tf.reduce_mean(centred * centred, axis=1, keepdims=True) + epsilon)  # [N, 1]
        normed = centred * inverse_deviation

        def grad(upstream):
            upstream = tf.cast(upstream, tf.float32)
            product = upstream * normed
            # Means over the width of upstream * gamma (* normed) as products with a vector: one pass each.
            column = gamma[:, None] / width
            mean, mean_product = tf.matmul(upstream, column), tf.matmul(product, column)
            to_rows = (upstream * gamma - normed * mean_product - mean) * inverse_deviation
            sum_rows = tf.raw_ops.BiasAddGrad  # sums over rows faster than reduce_sum does
            return tf.cast(to_rows, rows.dtype), sum_rows(out_backprop=product), sum_rows(out_backprop=upstream)

        return tf.cast(normed * gamma + beta, dtype), grad

    return apply(rows, gamma, beta)


def layer_norm_in_inference(rows, gamma, beta, epsilon, dtype):
    """The same but for rounding: batch normalisation whose channels are the rows, 4 times as fast on a CPU.

    TensorFlow fuses it with the product and the sum that follow it.
    """
    rows = tf.cast(rows, dtype)
    count, width = tf.shape(rows)[0], rows.shape[1]
    none = tf.zeros([0])
    normed = tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(rows, tf.stack([1, count, width, 1])),
        scale=tf.fill([count], 1.0),
        offset=tf.fill([count], 0.0),
        mean=none,
        variance=none,
        epsilon=epsilon,
        data_format="NCHW",
        is_training=True,
    ).y
    return tf.reshape(normed, tf.stack([count, width])) * tf.cast(gamma, dtype) + tf.cast(beta, dtype)
