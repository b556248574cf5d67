"""The graph from a batch of features to vectors, traced once for batches of any shape."""

import keras
import tensorflow as tf

from modeling import pooling

# A CPU reorders weights before it multiplies: a variable's at every call, a constant's once. In half precision that is
# 1.5 times as fast; in float32 one short text takes half the time, many texts as much as before. A graph cannot hold
# 2 GiB, and the first call takes longer the more constants there are.
MOST_CONSTANT_BYTES, MOST_CONSTANT_HALF_BYTES = 1 << 28, 1 << 30


def traced(encoder, layout, options, per_token):
    """The concrete function for `options`: name -> int32 [B, T] -> float32 [B, L, W], or [N, L, W] of N real tokens.

    Args:
      encoder: built, with `remove_padding=False`.
      per_token: whether a vector is made for each token. Such are normalised only where the unit is a token.
    """
    return concrete(encoder, layout, lambda features: vectors(encoder, features, options, per_token))


def concrete(model, layout, function):
    """The concrete function for features -> function(features), whose weights are those of `model`."""
    spec = {name: tf.TensorSpec([None, None], feature.dtype) for name, feature in layout.spec.items()}
    constants = _constants(model)

    def with_constants(features):
        with keras.StatelessScope(state_mapping=[(v, tf.constant(value)) for v, value in constants]):
            return function(features)

    return tf.function(with_constants, autograph=False).get_concrete_function(spec)


def vectors(encoder, features, options, per_token):
    """As a function of the features; see `traced`."""
    mask = features["input_mask"]
    last_only = set(options.layers) == {-1}
    if last_only and options.pooling == "cls" and not per_token:
        # The last layer runs for the first token alone.
        mask = mask[:, :1]
        outputs = encoder(features, positions=tf.zeros_like(mask))
    else:
        outputs = encoder(features, all_layers=not last_only)
    states = pooling.layer_states(outputs, options.layers)
    states = pooling.mixed_layers(states, options.layer_mix, options.mix_weights)  # [B, T, L, W]
    if per_token:
        result, final = tf.boolean_mask(states, mask > 0), options.unit == "token"
    else:
        result, final = pooling.pooled(states, mask, options.pooling), True
    return pooling.normalized(result) if options.normalize and final else result


def _constants(encoder):
    """(variable, array) of what becomes constant: all but tables, which are only looked up in."""
    found = [v for v in encoder.variables if not v.path.endswith("_embeddings")]
    size = sum(v.value.dtype.size * v.value.shape.num_elements() for v in found)
    most = MOST_CONSTANT_BYTES if encoder.variable_dtype == "float32" else MOST_CONSTANT_HALF_BYTES
    return [(v, v.numpy()) for v in found] if size <= most else []
