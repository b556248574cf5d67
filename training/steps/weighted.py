"""Values of a loss and their weights."""

import tensorflow as tf

from bertline.errors import InputError


def weighted_sum(name, values, weights):
    """Scalar: the sum of values times weights.

    Args:
      name: of the term or measure. values, weights: float32 of one shape, as [B].

    Raises:
      InputError: the shapes differ, as of a loss that is a mean already: weights would have no effect.
    """
    if not values.shape.is_compatible_with(weights.shape):
        raise InputError(
            f"losses()[{name!r}] has the shape {tuple(values.shape)}, its loss_weights() {tuple(weights.shape)}: a "
            "value for each weight is needed, not their mean"
        )
    return tf.reduce_sum(values * weights)
