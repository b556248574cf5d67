"""What the sides on TensorFlow share."""

import numpy as np
import tensorflow as tf

from benchmarks.peers import gigaflops


def dataset(batches):
    """Fixed batches, a list of dicts of arrays, as a tf.data.Dataset that keeps them in memory after the first pass."""
    signature = {
        name: tf.TensorSpec([None] * array.ndim, tf.as_dtype(array.dtype)) for name, array in batches[0].items()
    }
    return tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature).cache()


def matmul(dtype, size):
    a, b = (tf.cast(np.random.default_rng(i).normal(size=[size, size]), dtype) for i in (0, 1))
    # One element is fetched: that waits for the product, and copies nothing else.
    return gigaflops(lambda: tf.matmul(a, b)[0, 0].numpy(), size)
