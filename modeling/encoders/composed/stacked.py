"""Several encoders side by side, and perhaps one on top of them, by a configuration alone.

    {"model_type": "stacked",
     "parts": [{"model_type": "static_vectors", "weights": "models/glove", "trainable": false, "width": 100},
               {"model_type": "awd_lstm", "weights": "output/lm/model", "frozen": true}],
     "mix": "concat",
     "top": {"model_type": "bilstm", "units": 200}}

Source: the embedders of Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.3, and of AllenNLP.
"""

import copy
import dataclasses
import itertools
import typing

import keras
import tensorflow as tf

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.scalar_mix import ScalarMix

MIXES = ("concat", "mean", "scalar_mix")


@dataclasses.dataclass(frozen=True)
class StackedPart:
    """One of the encoders that stand side by side; all but `config` are entries of its own in the configuration.

    Attributes:
      config: its configuration.
      weights: path of its weights, read where a run starts from nothing; None: they start at random.
      frozen: whether it stays as it is: no weight moves, and nothing is dropped inside.
      prefix: of the features that hold its ids, where they are not those of the other parts: "chars_" reads
        chars_input_ids. The mask is that of all parts, which give one state for each of the same tokens.
    """

    config: EncoderConfig
    weights: str | None = None
    frozen: bool = False
    prefix: str = ""

    @classmethod
    def of(cls, values):
        """Of an entry of `parts`."""
        own = {field.name: field.type for field in dataclasses.fields(cls) if field.name in values}
        for name, kind in own.items():
            if not isinstance(values[name], kind):
                raise InputError(f"{name} is {json_files.excerpt(values[name])}, {_describe(kind)} is needed")
        rest = {name: value for name, value in values.items() if name not in own}
        return cls(config_of(rest), **{name: values[name] for name in own})


def config_of(values):
    """The configuration that a JSON object describes, of the encoder that it names."""
    if not isinstance(values, dict) or not isinstance(values.get("model_type"), str):
        raise InputError(
            f"{json_files.excerpt(values)}: an object with a model_type is needed; known: "
            f"{', '.join(registry.names('encoder'))}"
        )
    return registry.get("encoder", values["model_type"]).config_class.from_dict(values)


def _describe(kind):
    return {str | None: "a path", bool: "true or false", str: "a string"}[kind]


@dataclasses.dataclass
class StackedConfig(EncoderConfig):
    """Parts and what is made of them.

    `parts`: JSON objects, each a configuration with the entries of `StackedPart`. A vocab_size beside them is that of
    parts that say none.
    `mix`: "concat": the states of the parts, one after the other. "mean": their mean. "scalar_mix": of each part a
    weighted mean of its layers, whose weights are learned, then as concat.
    `dropout`: a rate, of what the mix gives.
    `top`: the configuration of an encoder that reads the mix in the place of embeddings; None: the mix comes out.
    """

    model_type: typing.ClassVar[str] = "stacked"

    parts: list
    mix: str = "concat"
    dropout: float = 0.0
    top: dict | None = None

    def __post_init__(self):
        if not self.parts:
            raise InputError("configuration field 'parts' is empty; one encoder at least is needed")
        if self.mix not in MIXES:
            raise InputError(f"configuration field 'mix' is {self.mix!r}; known: {', '.join(MIXES)}")
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"configuration field 'dropout' is {self.dropout}; a rate in [0, 1) is needed")
        self.members = [_read_part(f"parts[{i}]", StackedPart.of, values) for i, values in enumerate(self.parts)]
        self.top_config = None if self.top is None else _read_part("top", config_of, self.top)
        if self.top_config is not None and self.top_config.id_limits():
            raise InputError("top: it reads the parts' vectors; leave its vocab_size out")
        self._check_widths()
        if len(self._layouts()) > 1:
            raise InputError(f"the parts read different layouts: {', '.join(self._layouts())}; one is needed")
        self.id_limits()

    def _check_widths(self):
        if self.mix == "mean" and len({part.config.width for part in self.members}) > 1:
            found = ", ".join(str(part.config.width) for part in self.members)
            raise InputError(f'the parts are {found} numbers wide, which have no mean; "mix": "concat" joins them')
        for i, part in enumerate(self.members if self.mix == "scalar_mix" else ()):
            widths = part.config.layer_widths()
            if len(set(widths)) > 1:
                raise InputError(
                    f'parts[{i}]: its layers are {widths} numbers wide; "mix": "concat" takes the last one'
                )

    def _layouts(self):
        """Names of the layouts that the parts read, without those that another one stands in for.

        Parts that need no special tokens read any; "packed_characters" gives all that "packed" gives.
        """
        names = sorted({part.config.layout for part in self.members})
        wider = [name for name in names if not any(other.startswith(f"{name}_") for other in names)]
        return [name for name in wider if name != "plain"] or wider

    @classmethod
    def read(cls, values):
        """Gives its vocab_size to the parts that need one and say none."""
        values, parts = dict(values), copy.deepcopy(values.get("parts"))
        size = values.pop("vocab_size", None)
        for part in parts if isinstance(parts, list) and size is not None else ():
            if isinstance(part, dict) and "vocab_size" in _fields(part.get("model_type")):
                part.setdefault("vocab_size", size)
        return {**values, "parts": parts} if "parts" in values else values

    def beside_weights(self):
        values = self.to_dict()
        for part in values["parts"]:
            part.pop("weights", None)
        return values

    @property
    def mixed_width(self):
        """Numbers in what the mix gives for a token."""
        widths = [part.config.width for part in self.members]
        return widths[0] if self.mix == "mean" else sum(widths)

    @property
    def width(self):
        return self.mixed_width if self.top_config is None else self.top_config.width

    @property
    def num_layers(self):
        return 0 if self.top_config is None else self.top_config.num_layers

    def layer_widths(self):
        return [self.mixed_width, *([] if self.top_config is None else self.top_config.layer_widths()[1:])]

    @property
    def max_length(self):
        configs = [part.config for part in self.members] + ([self.top_config] if self.top_config else [])
        return min((config.max_length for config in configs if config.max_length is not None), default=None)

    @property
    def layout(self):
        return self._layouts()[0]

    def id_limits(self):
        found = {}
        for i, part in enumerate(self.members):
            for name, (field, limit) in part.config.id_limits().items():
                _, before = found.setdefault(part.prefix + name, (field, limit))
                if before != limit:
                    raise InputError(
                        f"parts[{i}]: {field} is {limit}, that of another part which reads {part.prefix + name} too is "
                        f'{before}; where its ids are others, give it a "prefix"'
                    )
        return found


def _fields(model_type):
    """Names of the fields of a configuration; none where there is no such encoder."""
    if model_type not in registry.names("encoder"):
        return ()
    return [field.name for field in dataclasses.fields(registry.get("encoder", model_type).config_class)]


def _read_part(place, read, values):
    try:
        return read(values)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


@registry.register("encoder", "stacked")
class Stacked(Encoder):
    """features -> hidden states; see `Encoder` for the outputs.

    Features: those of the parts, ids under the prefix of a part; input_mask int32 [B, T], the same for all. Without a
    top `pooled_output` is that of the parts, joined as their states are. `all_layers` are the mix, then the layers of
    the top. A state is carried where a part carries one.

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
            str(i): ScalarMix(count, name=f"mix_{i}", dtype=self.dtype_policy)
            for i, count in enumerate(counts)
            if count > 1
        }

    def _make(self, config):
        return registry.get("encoder", config.model_type)(config, dtype=self.dtype_policy)

    def build(self, input_shape=None):
        for i, (part, encoder) in enumerate(zip(self.config.members, self.parts)):
            with keras.name_scope(f"part_{i}"):
                encoder.build()
            if part.frozen:
                encoder.trainable = False
        for mix in self.mixes.values():
            mix.build()
        if self.top is not None:
            with keras.name_scope("top"):
                self.top.build(self.config.mixed_width)
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, state=None, training=False):
        key = self.key_of(dropout_key, training)
        child = (lambda index: key.child(index)) if key is not None else lambda index: None
        before = [()] * len(self.parts) if state is None else state
        found = [self._outputs(i, features, child(i + 2), carried) for i, carried in enumerate(before)]
        mixed = dropout(self._mix([self._states(i, one) for i, one in enumerate(found)]), self.config.dropout, child(0))
        if self.top is None:
            result = {
                "sequence_output": mixed if positions is None else tf.gather(mixed, positions, batch_dims=1),
                "pooled_output": self._mix([one["pooled_output"] for one in found]),
                **({"all_layers": [mixed]} if all_layers else {}),
            }
        else:
            vectors = {"input_vectors": mixed, "input_mask": features["input_mask"]}
            result = self.top(vectors, dropout_key=child(1), positions=positions, all_layers=all_layers, training=False)
        after = tuple(one.get("state", ()) for one in found)
        return {**result, "state": after} if tf.nest.flatten(after) else result

    def _outputs(self, i, features, key, state):
        """Those of one part."""
        part, encoder = self.config.members[i], self.parts[i]
        own = {name: features[part.prefix + name] for name in part.config.id_limits()}
        return encoder(
            {**features, **own},
            dropout_key=None if part.frozen else key,
            all_layers=str(i) in self.mixes,
            training=False,
            **({"state": state} if tf.nest.flatten(state) else {}),
        )

    def _states(self, i, outputs):
        """[B, T, H] of one part."""
        mix = self.mixes.get(str(i))
        return outputs["sequence_output"] if mix is None else mix(outputs["all_layers"])

    def _mix(self, states):
        if self.config.mix == "mean":
            return tf.add_n(states) / len(states)
        return tf.concat(states, axis=-1)

    @property
    def is_causal(self):
        return all(encoder.is_causal for encoder in (*self.parts, *([] if self.top is None else [self.top])))

    @property
    def optional_weights(self):
        return "|".join(filter(None, (encoder.optional_weights for encoder in self.parts))) or None

    def initial_weights(self):
        found = []
        for part, encoder in zip(self.config.members, self.parts):
            found += [(encoder, part.weights)] if part.weights else encoder.initial_weights()
        return found

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
        parts = [vectors, {**vectors, "frozen": True, "prefix": "other_"}, layers]
        top = {**layers, "vocab_size": None}
        return StackedConfig(parts=parts, mix="scalar_mix", dropout=dropout, top=top)
