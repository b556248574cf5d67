"""Several encoders side by side, and perhaps one on top of them, by a configuration alone.

    {"model_type": "stacked",
     "parts": [{"weights": "models/glove", "trainable": false},
               {"weights": "models/minilm", "frozen": true, "prefix": "bert_", "at": [0, -1]}],
     "mix": "scalar_mix",
     "top": {"model_type": "bilstm", "units": 200}}

Source: the embedders of Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.3 ("at": [0] or [0, -1]), and
of AllenNLP; TagLM, Peters et al. 2017, https://arxiv.org/abs/1705.00108, section 2.4 ("at": [1] below two layers).
"""

import itertools

import keras
import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.modeling.encoder import Encoder, LayerMix
from bertline.modeling.encoders.composed.stacked_config import StackedConfig
from bertline.modeling.layers import pooling
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.scalar_mix import ScalarMix
from bertline.modeling.layers.token_scales import scale_tokens

# Children of a dropout key: 0 and 1 are the mix below the top and the top, from 2 on the parts.
KEYS_OF_LEVELS, KEYS_OF_MIXES = 1000, 2000


@registry.register("encoder", "stacked")
class Stacked(Encoder):
    """features -> hidden states; see `Encoder` for the outputs.

    Features: those of the parts; input_mask int32 [B, T], the same for all that read the shared tokens. A part with a
    prefix has features of its own, as <prefix>input_ids and <prefix>input_mask int32 [B, S]; <prefix>places int32 [B,
    T] says which of its S states each shared token gets: 1 is the first, 0 none (zeros). Without a top `pooled_output`
    is that of the parts, joined as their states are; with one it is that of the top, beside the mean of what comes in
    above its last layer. `all_layers` are the mix, then the layers of the top. A state is carried where a part carries
    one.

    Args:
      config: a StackedConfig.
    """

    config_class = StackedConfig

    def __init__(self, config, name="stacked", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.parts = [self._make(part.config) for part in config.members]
        self.top = None if config.top_config is None else self._make(config.top_config)
        counts = [part.config.num_layers + 1 if config.mix == "scalar_mix" else 1 for part in config.members]
        # One layer alone needs no mix.
        self.mixes = {
            _mix_name(i, level): ScalarMix(
                counts[i],
                config.mix_layer_norm,
                config.mix_layer_dropout,
                name=_mix_name(i, level),
                dtype=self.dtype_policy,
            )
            for level, numbers in config.levels.items()
            for i in numbers
            if counts[i] > 1
        }

    def _make(self, config):
        return registry.get("encoder", config.model_type)(config, dtype=self.dtype_policy)

    def build(self, input_shape=None):
        config = self.config
        for i, (part, encoder) in enumerate(zip(config.members, self.parts)):
            with keras.name_scope(f"part_{i}"):
                encoder.build()
            if part.frozen:
                encoder.trainable = False
        for mix in self.mixes.values():
            mix.build()
        if self.top is not None:
            between = {level: config.width_at(level) for level in config.levels if 0 < level < config.num_layers}
            with keras.name_scope("top"):
                self.top.build(config.width_at(0), **({"widths_between": between} if between else {}))
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, state=None, training=False):
        key = self.key_of(dropout_key, training)
        child = (lambda index: key.child(index)) if key is not None else lambda index: None
        before = [()] * len(self.parts) if state is None else state
        found = [self._outputs(i, features, child(i + 2), carried) for i, carried in enumerate(before)]
        mixed = {level: self._mixed(level, found, features, child) for level in self.config.levels}
        if self.top is None:
            result = {
                "sequence_output": _gather(mixed[0], positions),
                "pooled_output": self._join([one["pooled_output"] for one in found]),
                **({"all_layers": [mixed[0]]} if all_layers else {}),
            }
        else:
            result = self._top(mixed, features["input_mask"], child(1), positions, all_layers)
        after = tuple(one.get("state", ()) for one in found)
        return {**result, "state": after} if tf.nest.flatten(after) else result

    def _outputs(self, i, features, key, state):
        """Those of one part; its layers have a state for each of the tokens that all share."""
        part, encoder = self.config.members[i], self.parts[i]
        if _fixed_name(i) in features:
            layers = tf.unstack(features[_fixed_name(i)], num=self._num_states(i), axis=2)
            return {"all_layers": layers, "sequence_output": layers[-1]}
        if part.prefix:
            own = {
                name.removeprefix(part.prefix): value
                for name, value in features.items()
                if name.startswith(part.prefix)
            }
        else:
            own = features
        needs_layers = self._num_states(i) > 1
        outputs = encoder(
            own,
            dropout_key=None if part.frozen else key,
            all_layers=needs_layers,
            training=False,
            **({"state": state} if tf.nest.flatten(state) else {}),
        )
        if not part.prefix:
            return outputs
        names = ["all_layers" if needs_layers else "sequence_output"]

        def to_shared(states):
            return scale_tokens(_align(states, own), features)

        return {**outputs, **{name: tf.nest.map_structure(to_shared, outputs[name]) for name in names}}

    def _num_states(self, i):
        """How many states of a token are read of a part: all layers where they are mixed."""
        is_mixed = any(_mix_name(i, level) in self.mixes for level in self.config.levels)
        return self.config.members[i].config.num_layers + 1 if is_mixed else 1

    def fixed_states(self, features):
        """[B, T, layers, H] of each part that `_fixed_parts` gives."""
        found = {}
        for i in self._fixed_parts():
            outputs = self._outputs(i, features, None, ())
            states = outputs["all_layers"] if self._num_states(i) > 1 else [outputs["sequence_output"]]
            found[_fixed_name(i)] = tf.stack(states, axis=2)
        return found

    def _fixed_parts(self):
        """Numbers of the frozen parts whose states are worth keeping: a table alone is as fast. Without a top their
        `pooled_output` counts, too.
        """
        parts = enumerate(self.config.members if self.top is not None else ())
        return [i for i, part in parts if part.frozen and part.config.num_layers]

    @property
    def has_fixed_states(self):
        return bool(self._fixed_parts())

    def _mixed(self, level, found, features, child):
        """[B, T, W]: what comes in at a level of the top."""
        states = []
        for i in self.config.levels[level]:
            mix = self.mixes.get(_mix_name(i, level))
            if mix is None:
                states.append(found[i]["sequence_output"])
            else:
                key = child(KEYS_OF_MIXES + len(self.parts) * level + i)
                states.append(mix(found[i]["all_layers"], input_mask=features["input_mask"], dropout_key=key))
        return dropout(self._join(states), self.config.dropout, child(KEYS_OF_LEVELS + level if level else 0))

    def _join(self, states):
        if self.config.mix == "mean":
            return tf.add_n(states) / len(states)
        return tf.concat(states, axis=-1)

    def _top(self, mixed, input_mask, key, positions, all_layers):
        """Outputs of the top, with what comes in above its last layer beside them."""
        above = mixed.get(self.config.num_layers)
        between = {f"vectors_above_{level}": mixed[level] for level in mixed if 0 < level < self.config.num_layers}
        vectors = {"input_vectors": mixed[0], "input_mask": input_mask, **between}
        result = self.top(vectors, dropout_key=key, positions=positions, all_layers=all_layers, training=False)
        if above is None:
            return result
        mean = pooling.pool(tf.cast(above, tf.float32)[:, :, None], input_mask, "mean")[:, 0]
        joined = {
            "sequence_output": tf.concat([result["sequence_output"], _gather(above, positions)], axis=-1),
            "pooled_output": tf.concat([result["pooled_output"], tf.cast(mean, above.dtype)], axis=-1),
        }
        if all_layers:
            *below, last = result["all_layers"]
            joined["all_layers"] = [*below, tf.concat([last, above], axis=-1)]
        return {**result, **joined}

    @property
    def is_causal(self):
        return all(encoder.is_causal for encoder in (*self.parts, *([] if self.top is None else [self.top])))

    @property
    def optional_weights(self):
        return "|".join(filter(None, (encoder.optional_weights for encoder in self.parts))) or None

    @property
    def scales_tokens(self):
        """Of a part with a row of its own the states that shared tokens get are scaled; its `pooled_output` is not."""
        pairs = zip(self.config.members, self.parts)
        return all(self.top is not None if part.prefix else encoder.scales_tokens for part, encoder in pairs)

    def initial_weights(self):
        found = []
        for part, encoder in zip(self.config.members, self.parts):
            own = [(encoder, part.weights, ())] if part.weights else encoder.initial_weights()
            way = (part.prefix,) if part.prefix else ()
            found += [(one, path, (*way, *prefixes)) for one, path, prefixes in own]
        return found

    def layer_mixes(self):
        found = []
        for level, numbers in self.config.levels.items():
            at = "input" if level == 0 else "output" if level == self.num_layers else f"above layer {level}"
            for i in numbers:
                mix = self.mixes.get(_mix_name(i, level))
                if mix is not None:
                    name = self.config.members[i].prefix.rstrip("_") or self.parts[i].name
                    found.append(LayerMix(name, at, mix.scalars.numpy(), mix.shares(), float(mix.gamma)))
        return found + [one for encoder in self.parts for one in encoder.layer_mixes()]

    def blocks(self):
        """Those of the parts that are trained, level by level from the bottom, then those of the top."""
        trained = [encoder.blocks() for part, encoder in zip(self.config.members, self.parts) if not part.frozen]
        levels = ["|".join(filter(None, level)) for level in itertools.zip_longest(*trained)]
        return levels + ([] if self.top is None else self.top.blocks())

    def zero_state(self, lanes):
        states = [encoder.zero_state(lanes) for encoder in self.parts]
        return None if states == [None] * len(states) else tuple(() if state is None else state for state in states)

    @classmethod
    def small(cls, dropout=0.0):
        """Vectors that are trained beside vectors that stay, and layers; on top a bidirectional LSTM."""
        kinds = ("static_vectors", "bilstm")
        vectors, layers = (registry.get("encoder", kind).small(dropout).to_dict() for kind in kinds)
        layers = {**layers, "num_layers": 1, "embedding_size": 16}  # as wide as its states, so that they can be mixed
        parts = [vectors, {**vectors, "frozen": True, "prefix": "other_", "at": [1]}, {**layers, "at": [0, -1]}]
        top = {**layers, "vocab_size": None, "num_layers": 2}
        return StackedConfig(
            parts=parts, mix="scalar_mix", mix_layer_norm=True, mix_layer_dropout=dropout, dropout=dropout, top=top
        )

    @classmethod
    def small_inputs(cls, shape, draw):
        found = super().small_inputs(shape, draw)
        for prefix in cls.small().rows_apart():
            found[f"{prefix}input_mask"] = np.ones(shape, np.int32)
            found[f"{prefix}places"] = np.broadcast_to(np.arange(1, shape[1] + 1, dtype=np.int32), shape)
        return found


def _mix_name(i, level):
    """Of the weights of a ScalarMix: of part i where it comes in."""
    return f"mix_{i}_above_{level}" if level else f"mix_{i}"


def _fixed_name(i):
    """The feature with the states of part i, where they were computed before."""
    return f"fixed_states_{i}"


def _gather(states, positions):
    return states if positions is None else tf.gather(states, positions, batch_dims=1)


def _align(states, features):
    """[B, S, H] of a part's own row -> [B, T, H] of the shared tokens, zeros where one is of no word."""
    places = tf.cast(features["places"], tf.int32)
    found = tf.gather(states, tf.maximum(places - 1, 0), batch_dims=1)
    return tf.where(places[:, :, None] > 0, found, tf.zeros([], found.dtype))
