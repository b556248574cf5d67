"""From the states of tokens to vectors: mixing of layers, poolings over tokens, normalisation.

Source: mean, max and cls as in Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084, section 3, their variants as
in the library that followed it; the learned mix of layers as in Peters et al. 2018, https://arxiv.org/abs/1802.05365,
equation 1.
"""

import tensorflow as tf

from bertline.errors import InputError


def layer_states(outputs, layers):
    """The states of some layers of an encoder, float32: list of [B, T, H].

    Args:
      outputs: of an encoder; with `all_layers`, unless the last layer is all that is wanted.
      layers: numbers as in the original's `--layers`: -1 the last layer, 0 the first; one below the first (-13 of 12
        layers) are the embeddings.
    """
    if set(layers) == {-1}:
        return [tf.cast(outputs["sequence_output"], tf.float32)] * len(layers)
    states = outputs["all_layers"]  # embeddings first
    return [tf.cast(states[layer + 1 if layer >= 0 else layer], tf.float32) for layer in layers]


def mix_layers(states, mix="none", weights=None):
    """Several layers -> [B, T, L, W].

    Args:
      states: list of float32 [B, T, H].
      mix: "none": each layer by itself; "mean" and "concat": L is 1, W of "concat" is H times the number of layers;
        "learned": gamma * sum of softmax(scalars) * layer.
      weights: (scalars, one per layer; gamma), for "learned".

    Raises:
      InputError: the layers are of different width, and not concatenated.
    """
    check_widths([state.shape[-1] for state in states], mix)
    if mix == "none":
        return tf.stack(states, axis=2)
    if mix == "mean":
        return (tf.add_n(states) / len(states))[:, :, None]
    if mix == "concat":
        return tf.concat(states, axis=-1)[:, :, None]
    scalars, gamma = weights
    shares = tf.unstack(gamma * tf.nn.softmax(tf.convert_to_tensor(scalars, tf.float32)), num=len(states))
    return tf.add_n([share * state for share, state in zip(shares, states)])[:, :, None]


def check_widths(widths, mix):
    """Raises InputError where layers of some widths cannot be mixed."""
    if mix != "concat" and len(set(widths)) > 1:
        found = ", ".join(map(str, widths))
        raise InputError(
            f"--layers: these are {found} numbers wide; --layer_mix=concat joins layers of different width"
        )


def cls(states, mask):
    """The first token's state, that of [CLS]."""
    return states[:, 0]


def mean(states, mask):
    return _total(states, mask) / _count(mask)


def mean_sqrt_len(states, mask):
    """The sum divided by the root of the number of tokens."""
    return _total(states, mask) / tf.sqrt(_count(mask))


def weighted_mean(states, mask):
    """The mean with weights 1, 2, 3, ...: later tokens of a causal encoder have seen more."""
    weights = tf.cast(mask, states.dtype) * tf.range(1, tf.shape(mask)[1] + 1, dtype=states.dtype)
    return _total(states, weights) / _count(weights)


def maximum(states, mask):
    """Of a sequence without a token 0, as the mean has it."""
    largest = tf.reduce_max(tf.where(_widen(mask) > 0, states, states.dtype.min), axis=1)
    return tf.where(tf.reduce_max(_widen(mask), axis=1) > 0, largest, tf.zeros_like(largest))


def last(states, mask):
    """The last real token's state."""
    positions = tf.reduce_max(mask * tf.range(tf.shape(mask)[1]), axis=1)
    return tf.gather(states, positions, batch_dims=1)


POOLINGS = {
    "cls": cls,
    "mean": mean,
    "max": maximum,
    "mean_sqrt_len": mean_sqrt_len,
    "weighted_mean": weighted_mean,
    "last": last,
}


def check(pooling):
    """Raises InputError for what `pool` does not know."""
    for name in pooling.split("+"):
        if name not in POOLINGS:
            raise InputError(f"--pooling={pooling}: unknown pooling {name!r}; known: {', '.join(POOLINGS)}")


def pool(states, mask, pooling, unpooled=0):
    """One vector per sequence: float32 [B, T, L, W] and int32 [B, T] -> [B, L, W'].

    Args:
      pooling: a name of POOLINGS, or several joined by "+", whose vectors are concatenated: W' is a multiple of W.
      unpooled: int or int32 scalar: how many tokens at the begin, those of a prompt, are left out. "cls" is then the
        token after them, and the weights of "weighted_mean" go on counting from the begin.
    """
    states, mask = tf.convert_to_tensor(states), tf.convert_to_tensor(mask)
    parts = [one_of(name, states, mask, unpooled) for name in pooling.split("+")]
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)


def one_of(name, states, mask, unpooled=0):
    """`pool` by one name of POOLINGS."""
    if isinstance(unpooled, int) and unpooled == 0:
        return POOLINGS[name](states, mask)
    if POOLINGS[name] is cls:
        return tf.gather(states, tf.minimum(unpooled, tf.shape(mask)[1] - 1), axis=1)
    return POOLINGS[name](states, mask * tf.cast(tf.range(tf.shape(mask)[1]) >= unpooled, mask.dtype))


def normalize(vectors):
    """Length 1 along the last axis; a vector of zeros stays one."""
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=1e-24)


def _widen(mask):
    """[B, T] -> [B, T, 1, 1]."""
    return mask[:, :, None, None]


def _total(states, weights):
    return tf.reduce_sum(states * _widen(tf.cast(weights, states.dtype)), axis=1)


def _count(weights):
    return tf.maximum(tf.reduce_sum(tf.cast(weights, tf.float32), axis=1), 1e-9)[:, None, None]
