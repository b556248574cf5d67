"""What a configuration of several encoders says: its parts, where each comes in, and what stands on top of them."""

import copy
import dataclasses
import typing

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration.config import EncoderConfig, RowsApart
from bertline.modeling.encoders.composed.stacked_parts import (
    StackedPart,
    complete_part,
    config_of,
    read_part,
    takes_vocab_size,
    without_paths,
)

MIXES = ("concat", "mean", "scalar_mix")


@dataclasses.dataclass
class StackedConfig(EncoderConfig):
    """Parts and what is made of them.

    `parts`: JSON objects, each a configuration with the entries of `StackedPart`. A vocab_size beside them is that of
    parts that say none. What a part leaves out is what the configuration beside its weights says.
    `mix`: "concat": the states of the parts, one after the other. "mean": their mean. "scalar_mix": of each part a
    weighted mean of its layers, whose weights are learned for each place where it comes in, then as concat.
    `mix_layer_norm`, `mix_layer_dropout`: see ScalarMix.
    `dropout`: a rate, of what the mix gives.
    `top`: the configuration of an encoder that reads the mix in the place of embeddings; None: the mix comes out.
    """

    model_type: typing.ClassVar[str] = "stacked"

    parts: list
    mix: str = "concat"
    dropout: float = 0.0
    top: dict | None = None
    mix_layer_norm: bool = False
    mix_layer_dropout: float = 0.0

    def __post_init__(self):
        if not self.parts:
            raise InputError("configuration field 'parts' is empty; one encoder at least is needed")
        if self.mix not in MIXES:
            raise InputError(f"configuration field 'mix' is {self.mix!r}; known: {', '.join(MIXES)}")
        self.check_rates()
        self.members = [read_part(f"parts[{i}]", StackedPart.of, values) for i, values in enumerate(self.parts)]
        self.top_config = None if self.top is None else read_part("top", config_of, self.top)
        if self.top_config is not None and self.top_config.id_limits():
            raise InputError("top: it reads the parts' vectors; leave its vocab_size out")
        self._check_prefixes()
        # Level of the top -> numbers of the parts whose states come in there.
        self.levels = self._levels()
        self._check_widths()
        self.id_limits()

    def _levels(self):
        found, count = {}, 0 if self.top_config is None else self.top_config.num_layers
        for i, part in enumerate(self.members):
            if not part.at or not all(type(level) is int and -1 <= level <= count for level in part.at):
                raise InputError(
                    f"parts[{i}]: at is {json_files.excerpt(part.at)}; a list of numbers from 0, below the top, to "
                    f"{count}, its last layer, is needed"
                )
            for level in dict.fromkeys(count if level == -1 else level for level in part.at):
                found.setdefault(level, []).append(i)
        if 0 not in found:
            raise InputError('no part comes in below the top; "at": [0] is needed once')
        between = [level for level in sorted(found) if 0 < level < count]
        if between and not registry.get("encoder", self.top_config.model_type).takes_vectors_between:
            raise InputError(
                f"top: nothing can come in above layer {between[0]} of a {self.top_config.model_type}; "
                f'"at": [0] or [-1] is possible'
            )
        return dict(sorted(found.items()))

    def _check_prefixes(self):
        prefixes = [part.prefix for part in self.members if part.prefix]
        if len(prefixes) == len(self.members):
            raise InputError("each part has a prefix; one at least must read the tokens that all share")
        repeated = next((prefix for prefix in prefixes if prefixes.count(prefix) > 1), None)
        if repeated:
            raise InputError(f"two parts have the prefix {repeated!r}; each needs one of its own")
        if len(self._layouts()) > 1:
            raise InputError(
                f"the parts read different layouts: {', '.join(self._layouts())}; one is needed; a part with a "
                '"prefix" may have another one'
            )

    def _check_widths(self):
        if self.mix == "mean":
            for numbers in self.levels.values():
                widths = [self.members[i].config.width for i in numbers]
                if len(set(widths)) > 1:
                    found = ", ".join(map(str, widths))
                    raise InputError(
                        f'the parts are {found} numbers wide, which have no mean; "mix": "concat" joins them'
                    )
        for i, part in enumerate(self.members if self.mix == "scalar_mix" else ()):
            widths = part.config.layer_widths()
            if len(set(widths)) > 1:
                raise InputError(
                    f'parts[{i}]: its layers are {widths} numbers wide; "mix": "concat" takes the last one'
                )

    def _shared(self):
        """The parts that read the shared tokens."""
        return [part for part in self.members if not part.prefix]

    def _layouts(self):
        """Names of the layouts that the parts read, without those that another one stands in for.

        Parts that need no special tokens read any; "packed_characters" gives all that "packed" gives.
        """
        names = sorted({part.config.layout for part in self._shared()})
        wider = [name for name in names if not any(other.startswith(f"{name}_") for other in names)]
        return [name for name in wider if name != "plain"] or wider

    @classmethod
    def read(cls, values):
        """Gives its vocab_size to the parts that read the shared tokens, need one and say none."""
        values, parts = dict(values), copy.deepcopy(values.get("parts"))
        size = values.pop("vocab_size", None)
        for part in parts if isinstance(parts, list) and size is not None else ():
            if isinstance(part, dict) and not part.get("prefix") and takes_vocab_size(part.get("model_type")):
                part.setdefault("vocab_size", size)
        return {**values, "parts": parts} if "parts" in values else values

    @classmethod
    def complete(cls, values, config_at):
        if not isinstance(values.get("parts"), list):
            return values
        return {**values, "parts": [complete_part(part, config_at) for part in values["parts"]]}

    def beside_weights(self):
        return without_paths(self.to_dict())

    def width_at(self, level):
        """Numbers that the mix gives for a token at a level of the top; 0 where nothing comes in."""
        widths = [self.members[i].config.width for i in self.levels.get(level, ())]
        return widths[0] if self.mix == "mean" and widths else sum(widths)

    @property
    def width(self):
        return self.layer_widths()[-1]

    @property
    def num_layers(self):
        return 0 if self.top_config is None else self.top_config.num_layers

    def layer_widths(self):
        widths = [self.width_at(0), *([] if self.top_config is None else self.top_config.layer_widths()[1:])]
        if self.num_layers:
            widths[-1] += self.width_at(self.num_layers)
        return widths

    @property
    def max_length(self):
        configs = [part.config for part in self._shared()] + ([self.top_config] if self.top_config else [])
        return min((config.max_length for config in configs if config.max_length is not None), default=None)

    @property
    def layout(self):
        return self._layouts()[0]

    def rows_apart(self):
        found = {}
        for part in self.members:
            if part.prefix:
                found[part.prefix] = RowsApart(part.config, part.vocab_file, part.weights)
            else:
                found |= part.config.rows_apart()
        return found

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
