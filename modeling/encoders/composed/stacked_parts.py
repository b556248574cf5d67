"""The parts of a configuration of several encoders: their own entries, and what lies beside their weights."""

import dataclasses
import re

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration.config import EncoderConfig

COMPOSED = "parts"  # the field of a configuration that is made of others
_KINDS = {str | None: "a path", bool: "true or false", str: "a string", list: "a list of numbers"}
_PREFIX = re.compile(r"([A-Za-z]\w*)?", re.ASCII)  # begins names of features, and of a folder


@dataclasses.dataclass(frozen=True)
class StackedPart:
    """One of the encoders that stand side by side; all but `config` are entries of its own in the configuration.

    Attributes:
      config: its configuration.
      weights: path of its weights, read where a run starts from nothing; None: they start at random.
      frozen: whether it stays as it is: no weight moves, and nothing is dropped inside.
      prefix: of the features of a part with a vocabulary or special tokens of its own: it reads rows of its own, and
        each of the shared tokens has its state of the first piece of the same word. "": it reads the shared tokens.
      vocab_file: the vocabulary of such a part; None: the one beside its weights.
      at: where its states come in: 0 beside those of other parts, below the top; k beside what the top's layer k gives,
        counted from 1, or from the end by -1.
    """

    config: EncoderConfig
    weights: str | None = None
    frozen: bool = False
    prefix: str = ""
    vocab_file: str | None = None
    at: list = dataclasses.field(default_factory=lambda: [0])

    @classmethod
    def of(cls, values):
        """Of an entry of `parts`."""
        own = {field.name: field.type for field in dataclasses.fields(cls) if field.name in values}
        for name, kind in own.items():
            if not isinstance(values[name], kind):
                raise InputError(f"{name} is {json_files.excerpt(values[name])}, {_KINDS[kind]} is needed")
        rest = {name: value for name, value in values.items() if name not in own}
        part = cls(config_of(rest), **{name: values[name] for name in own})
        if not _PREFIX.fullmatch(part.prefix):
            raise InputError(f'prefix is {json_files.excerpt(part.prefix)}; letters and "_" are needed, as "bert_"')
        if part.vocab_file and not part.prefix:
            raise InputError(f'vocab_file is {part.vocab_file}; a vocabulary of its own needs a prefix, as "words_"')
        return part


def config_of(values):
    """The configuration that a JSON object describes, of the encoder that it names."""
    if not isinstance(values, dict) or not isinstance(values.get("model_type"), str):
        raise InputError(
            f"{json_files.excerpt(values)}: an object with a model_type is needed; known: "
            f"{', '.join(registry.names('encoder'))}"
        )
    return registry.get("encoder", values["model_type"]).config_class.from_dict(values)


def takes_vocab_size(model_type):
    """Whether a configuration has a vocab_size; no where there is no such encoder."""
    if model_type not in registry.names("encoder"):
        return False
    # Of parts within a part too.
    return COMPOSED in _defaults(model_type) or "vocab_size" in _defaults(model_type)


def complete_part(part, config_at):
    """An entry of `parts` with what the configuration beside its weights says."""
    if not isinstance(part, dict):
        return part
    path = part.get("weights")
    found = config_at(path, not part.get("prefix")) if isinstance(path, str) else None
    if found and part.get("model_type", found["model_type"]) == found["model_type"]:
        defaults = _defaults(found["model_type"])
        said = {name: value for name, value in found.items() if name not in defaults or value != defaults[name]}
        part = {**said, **part}
    if part.get("model_type") in registry.names("encoder"):
        return registry.get("encoder", part["model_type"]).config_class.complete(part, config_at)
    return part


def _defaults(model_type):
    """Field -> default."""
    config_class = registry.get("encoder", model_type).config_class
    return {field.name: field.default for field in dataclasses.fields(config_class)}


def without_paths(values):
    """A configuration, or an entry of `parts`, without what only a run that starts from nothing reads."""
    values = {name: value for name, value in values.items() if name not in ("weights", "vocab_file")}
    return {**values, COMPOSED: [without_paths(part) for part in values[COMPOSED]]} if COMPOSED in values else values


def read_part(place, read, values):
    """`read(values)`, whose errors name the place."""
    try:
        return read(values)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
