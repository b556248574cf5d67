"""The graph from a batch of features to numbers, traced once for batches of any shape."""

import numpy as np
import tensorflow as tf

from bertline.modeling.layers import pooling
from bertline.modeling.speed import inference

# The first rows that a graph meets decide, for good, how oneDNN lays out its float32 weights. After 8 to 64 tokens a
# short text takes 0.6 times as long as after fewer or more; a large batch takes up to 1.06 times as long.
LAYOUT_TOKENS = 32


class Graph:
    """features -> array, for batches of any shape.

    Args:
      model: built; its encoder made with static_shapes().
      layout: of bertline.processors.layouts.
      function: features -> float32 tensor, whose weights are those of `model`.
      quick: LiteGraph for a text that comes alone, or None. most_tokens: of such a text.
      more: name -> tf.TensorSpec of inputs that come with the features.
    """

    def __init__(self, model, layout, function, quick=None, most_tokens=0, more=None):
        self._concrete = inference.graph(model, function, {**spec(layout), **(more or {})})
        self._quick, self._most_tokens = quick, most_tokens
        if quick:  # the first text would not come here
            tokens = spec(layout, rows=1)
            self._concrete(
                {name: tf.zeros([1, LAYOUT_TOKENS, *one.shape[2:]], one.dtype) for name, one in tokens.items()}
            )

    def __call__(self, features, alone=False):
        """The values for name -> int32 array [B, T].

        Args:
          alone: whether no other batch is computed meanwhile, so that all threads are free for this one.
        """
        values = None
        count, length = features["input_mask"].shape
        if self._quick and alone and count == 1 and length <= self._most_tokens:
            values = self._quick(features)
        if values is None:
            values = self._concrete({name: tf.constant(array) for name, array in features.items()}).numpy()
        return values


class CarriedGraph(Graph):
    """A Graph for one text after the other, each of which begins with the state that the one before left.

    Args:
      encoder: one that carries a state. layout: as of Graph.
      function: (encoder's call, features) -> float32 tensor.
    """

    def __init__(self, encoder, layout, function):
        self._state = tf.nest.flatten(encoder.zero_state(1))
        more = {f"state_{i}": tf.TensorSpec.from_tensor(part) for i, part in enumerate(self._state)}

        def compute(features):
            features, kept = dict(features), []
            state = tf.nest.pack_sequence_as(encoder.zero_state(1), [features.pop(name) for name in more])

            def run(features, **asked):
                outputs = encoder(features, state=state, **asked)
                kept.append(outputs["state"])
                return outputs

            return function(run, features), tf.nest.flatten(kept[0])

        super().__init__(encoder, layout, compute, more=more)

    def __call__(self, features, alone=False):
        """As of Graph, of one text; not from several threads."""
        state = {f"state_{i}": part for i, part in enumerate(self._state)}
        values, self._state = self._concrete({**{name: tf.constant(a) for name, a in features.items()}, **state})
        return values.numpy()


class SharedGraph:
    """One graph for any kind of sentence vectors: layers and their mix are inputs, and every pooling is computed.

    A service that is asked for ever new kinds would else make a graph of each, which takes seconds and stays. It takes
    a little longer than a graph of its own, since that keeps no state of a layer that is not wanted.

    Args: as of Graph.
    """

    def __init__(self, encoder, layout):
        more = {
            "layers": tf.TensorSpec([None], tf.int32, "layers"),
            "is_mean": tf.TensorSpec([], tf.bool, "is_mean"),
            "unpooled": tf.TensorSpec([], tf.int32, "unpooled"),
        }
        self._encoder, self._widths = encoder, None  # of its layers, embeddings first
        self._graph = Graph(encoder, layout, self._pool_in_all_ways, more=more)

    @staticmethod
    def has(options):
        """Whether the vectors of some VectorOptions can come from such a graph."""
        return (
            options.unit == "sentence"
            and options.mix_weights is None
            and set(options.pooling.split("+")) <= pooling.POOLINGS.keys()
        )

    def __call__(self, features, alone=False, *, options):
        """As of Graph, for VectorOptions."""
        places = np.arange(len(self._widths))[[layer + 1 if layer >= 0 else layer for layer in options.layers]]
        widths, names = [self._widths[place] for place in places], options.pooling.split("+")
        pooling.check_widths(widths, options.layer_mix)
        more = {
            "layers": places.astype(np.int32),
            "is_mean": np.array(options.layer_mix == "mean"),
            "unpooled": np.array(options.unpooled, np.int32),
        }
        values = self._graph({**features, **more})[:, :, [list(pooling.POOLINGS).index(name) for name in names]]
        layers = [
            layer[..., :width] for layer, width in zip(values.swapaxes(0, 1), widths)
        ]  # [B, poolings, width] each
        if options.layer_mix == "concat":
            layers = [np.concatenate(layers, axis=-1)]
        result = np.stack([layer.reshape(len(layer), -1) for layer in layers], axis=1)  # [B, L, W]
        return finish(pooling.normalize(result).numpy() if options.normalize else result, options)

    def _pool_in_all_ways(self, features):
        """float32 [B, L, poolings, H] of features, `layers` [L] counted from the embeddings, `unpooled`, and `is_mean`,
        where L is 1.

        Narrower layers are filled up with zeros.
        """
        features = dict(features)
        layers, is_mean, unpooled = (features.pop(name) for name in ("layers", "is_mean", "unpooled"))
        states = [tf.cast(state, tf.float32) for state in self._encoder(features, all_layers=True)["all_layers"]]
        self._widths = [state.shape[-1] for state in states]
        widest = max(self._widths)
        states = [tf.pad(state, [[0, 0], [0, 0], [0, widest - state.shape[-1]]]) for state in states]
        states = tf.gather(tf.stack(states, axis=2), layers, axis=2)
        states = tf.cond(is_mean, lambda: tf.reduce_mean(states, axis=2, keepdims=True), lambda: states)
        mask = features["input_mask"]
        return tf.stack([pooling.one_of(name, states, mask, unpooled) for name in pooling.POOLINGS], axis=2)


def spec(layout, rows=None):
    """What a graph takes of a layout: name -> tf.TensorSpec, int32 [B, T, ...]; B is any, or `rows`."""
    return {
        name: tf.TensorSpec([rows, None, *feature.axes[1:]], feature.dtype, name)
        for name, feature in layout.spec.items()
    }


def vectors(encoder, features, options, per_token):
    """What a Graph computes for vectors: name -> int32 [B, T] -> float32 [B, L, W], or [N, L, W] of N real tokens.

    Args:
      options: VectorOptions.
      per_token: whether a vector is made for each token. Such are normalised only where the unit is a token.
    """
    mask, unpooled = features["input_mask"], options.unpooled
    last_only = set(options.layers) == {-1}
    if last_only and options.pooling == "cls" and not per_token:
        # The last layer runs for the first token alone.
        place, unpooled = tf.minimum(unpooled, tf.shape(mask)[1] - 1), 0
        mask = mask[:, :1]
        outputs = encoder(features, positions=tf.zeros_like(mask) + place)
    else:
        outputs = encoder(features, all_layers=not last_only)
    states = pooling.layer_states(outputs, options.layers)
    states = pooling.mix_layers(states, options.layer_mix, options.mix_weights)  # [B, T, L, W]
    if per_token:
        result, final = tf.boolean_mask(states, mask > 0), options.unit == "token"
    else:
        result, final = pooling.pool(states, mask, options.pooling, unpooled), True
    result = pooling.normalize(result) if options.normalize and final else result
    return finish(result, options) if final else result


def finish(vectors, options):
    """Vectors [..., W] that are pooled, and normalised where that is wanted, cut to what is kept of them."""
    if options.truncate_dim is None:
        return vectors
    kept = vectors[..., : options.truncate_dim]
    return pooling.normalize(kept) if options.normalizes_truncated else kept
