"""From the characters of words to vectors: filters, the largest number of each, highways, a projection.

Source: Kim et al. 2015, https://arxiv.org/abs/1508.06615, section 2; sizes, names and initial values as in bilm-tf,
https://github.com/allenai/bilm-tf, `bilm/training.py`.
"""

import keras
import tensorflow as tf

ACTIVATIONS = {"relu": tf.nn.relu, "tanh": tf.tanh}


class Filters(keras.layers.Layer):
    """[W, N, E], the embeddings of each word's characters -> [W, F]: the largest number of each of F filters.

    Args:
      filters: list of (characters that a filter sees, how many such filters).
      activation: of ACTIVATIONS.
    """

    def __init__(self, filters, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.activation = filters, activation

    def build(self, width):
        self.kernels, self.biases = [], []
        for i, (window, count) in enumerate(self.filters):
            spread = keras.initializers.RandomUniform(-0.05, 0.05)
            if self.activation == "tanh":
                spread = keras.initializers.RandomNormal(0.0, (window * width) ** -0.5)
            kernel = self.add_weight(name=f"W_cnn_{i}", shape=(1, window, width, count), initializer=spread)
            self.kernels.append(kernel)
            self.biases.append(self.add_weight(name=f"b_cnn_{i}", shape=(count,), initializer="zeros"))
        self.built = True

    def call(self, characters):
        # An activation that grows everywhere may come after the largest number is taken: of one number, not of N.
        found = [
            tf.reduce_max(_filter(characters, tf.cast(kernel, characters.dtype)[0]), axis=1) for kernel in self.kernels
        ]
        return ACTIVATIONS[self.activation](tf.concat(found, axis=1) + tf.concat(self.biases, axis=0))


def _filter(characters, kernel):
    """[W, N, E] times a kernel [window, E, n] at each place where it fits: [W, N - window + 1, n]."""
    window, width, count = kernel.shape
    places = tf.shape(characters)[1] - window + 1
    windows = tf.concat([characters[:, i : i + places] for i in range(window)], axis=-1)
    # One product of rows: it is faster than a convolution on a CPU, and knows batches without a word.
    product = tf.matmul(tf.reshape(windows, [-1, window * width]), tf.reshape(kernel, [window * width, count]))
    return tf.reshape(product, [tf.shape(characters)[0], places, count])


class Highway(keras.layers.Layer):
    """[W, F] -> [W, F]: of each number a share that is transformed, and the rest as it is.

    Source: Srivastava et al. 2015, https://arxiv.org/abs/1505.00387. What bilm-tf calls `carry` is the share that is
    transformed.
    """

    def build(self, width):
        spread = keras.initializers.RandomNormal(0.0, width**-0.5)
        self.w_carry = self.add_weight(name="W_carry", shape=(width, width), initializer=spread)
        self.b_carry = self.add_weight(name="b_carry", shape=(width,), initializer=keras.initializers.Constant(-2.0))
        self.w_transform = self.add_weight(name="W_transform", shape=(width, width), initializer=spread)
        self.b_transform = self.add_weight(name="b_transform", shape=(width,), initializer="zeros")
        self.built = True

    def call(self, rows):
        share = tf.sigmoid(tf.nn.bias_add(tf.matmul(rows, self.w_carry), self.b_carry))
        return rows + share * (tf.nn.relu(tf.nn.bias_add(tf.matmul(rows, self.w_transform), self.b_transform)) - rows)


class Projection(keras.layers.Layer):
    """[W, F] -> [W, P].

    Args:
      units: int, P.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, width):
        spread = keras.initializers.RandomNormal(0.0, width**-0.5)
        self.kernel = self.add_weight(name="W_proj", shape=(width, self.units), initializer=spread)
        self.bias = self.add_weight(name="b_proj", shape=(self.units,), initializer="zeros")
        self.built = True

    def call(self, rows):
        return tf.nn.bias_add(tf.matmul(rows, self.kernel), self.bias)
