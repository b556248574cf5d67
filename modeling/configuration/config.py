"""What describes an encoder: a dataclass of sizes, read from JSON that other programs wrote."""

import dataclasses
import difflib
import math
import os
import typing
from collections.abc import Callable

from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration import config_fields

FLOAT32_BYTES = 4
MOST_LAYERS = 10_000  # each is a Python object


@dataclasses.dataclass(frozen=True)
class RowsApart:
    """What a part of an encoder reads that has a vocabulary, or special tokens, of its own.

    Attributes:
      config: EncoderConfig of the part.
      vocab_file, weights: paths where a run that starts from nothing finds the vocabulary; None both: a saved folder
        has it.
    """

    config: "EncoderConfig"
    vocab_file: str | None = None
    weights: str | None = None

    @property
    def layout(self) -> str:
        return self.config.layout

    @property
    def max_length(self) -> int | None:
        return self.config.max_length

    def rows_apart(self) -> dict[str, "RowsApart"]:
        return self.config.rows_apart()


class EncoderConfig:
    """Base of all configurations, each a dataclass, with defaults where a file may leave a field out.

    It is none itself: a field keeps the place that it has in the base, and `num_layers` with a default would come
    before all that has none.

    What shared code wants to know of an encoder's sizes it asks by the properties below, never by a field's name, so
    that an encoder may call its sizes as its paper does. They are known before anything is built.

    Attributes:
      model_type: the registered name of the encoder.
      width, num_layers: properties or fields of the subclass: numbers in the state of a token; layers above the
        embeddings (`all_layers` of the encoder has one state more).
    """

    model_type: typing.ClassVar[str]
    if typing.TYPE_CHECKING:  # what a subclass has as fields or properties; and that it is a dataclass
        width: int
        num_layers: int
        __dataclass_fields__: typing.ClassVar[dict[str, dataclasses.Field]]

    # Properties or fields, as the subclass likes. (One that is annotated here keeps its place among the fields, before
    # those of the subclass.) Most tokens of a sequence, None for any number.
    max_length: typing.ClassVar[int | None] = None
    # The layout of `bertline.processors.layouts` that feeds the encoder.
    layout: typing.ClassVar[str] = "packed"
    # What layers on top of the encoder are made like: their activation, the deviation of initial kernels, the epsilon
    # of layer norms.
    activation: typing.ClassVar[str] = "gelu"
    stddev: typing.ClassVar[float] = 0.02
    epsilon: typing.ClassVar[float] = 1e-12

    def id_limits(self) -> dict[str, tuple[str, int]]:
        """Feature -> (the field that sets the limit, the number that its ids are below)."""
        return {}

    def rows_apart(self) -> dict[str, RowsApart]:
        """Prefix of features -> what a part reads that has rows of its own, beside those of `layout`."""
        return {}

    def layer_widths(self) -> list[int]:
        """Width of each of the encoder's `all_layers`, embeddings first."""
        return [self.width] * (self.num_layers + 1)

    def num_parameters(self) -> int | None:
        """int, of the encoder; None where it is not known before the encoder is built."""
        return None

    def check_counts(self, *names: str) -> None:
        """Raises InputError for the first of these fields that is a number below 1."""
        for name in names:
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise InputError(f"configuration field {name!r} is {getattr(self, name)}; at least 1 is needed")

    def check_rates(self) -> None:
        """Raises InputError for the first field whose name ends in "dropout" that is no rate."""
        for name in vars(self):
            # Written so that nan is refused.
            if name.endswith("dropout") and not 0.0 <= getattr(self, name) < 1.0:
                raise InputError(f"configuration field {name!r} is {getattr(self, name)}; a rate in [0, 1) is needed")

    def check_size(self) -> None:
        """Raises InputError where the model has more parameters than this machine has room for."""
        parameters, memory = self.num_parameters(), _memory_bytes()
        too_large = parameters is not None and parameters * FLOAT32_BYTES > memory
        if too_large or self.num_layers > MOST_LAYERS:
            sizes = ", ".join(f"{name} {value:,}" for name, value in vars(self).items() if type(value) is int)
            size = parameters and f"{parameters:,} parameters, {_gibibytes(parameters * FLOAT32_BYTES)} in float32"
            raise InputError(
                f"a model of {size or f'{self.num_layers:,} layers'}; this machine has {_gibibytes(memory)} ({sizes}); "
                "are these numbers right?"
            )

    @classmethod
    def read(cls, values: dict) -> dict:
        """Hook: a file's values -> those by the names and meanings of the fields. Raises InputError."""
        return values

    @classmethod
    def complete(cls, values: dict, config_at: Callable[[str, bool], dict | None]) -> dict:
        """Hook: a file's values, and what configurations beside weights that they name say of parts.

        Args:
          config_at: (path of weights, whether their part reads the tokens that all share) -> the configuration beside
            them, None where there is none.
        """
        return values

    @classmethod
    def from_dict(cls, values: dict) -> typing.Self:
        """Reads the fields. A key that looks like a misspelt field is an error; one that nobody knows is said.

        Raises:
          InputError: a field without a default is missing, a field has the wrong type or a value that cannot be, a key
            is one edit from a field, or the sizes are more than this machine has room for.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        if values.get("model_type", cls.model_type) != cls.model_type:
            raise InputError(f"model_type {json_files.excerpt(values['model_type'])} is not {cls.model_type!r}")
        values = cls.read(values)
        for name, field in fields.items():
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            if required and name not in values:
                raise InputError(f"the configuration has no {name}; is it one of {cls.model_type!r}?")
        unknown = [key for key in values if key not in fields and not config_fields.is_known(key)]
        for key in unknown:
            near = difflib.get_close_matches(key, set(fields) - set(values), n=1, cutoff=0.85)
            if near:
                raise InputError(f"unknown field {key!r} in the configuration; did you mean {near[0]!r}?")
        config = cls(
            **{name: _convert(name, field.type, values[name]) for name, field in fields.items() if name in values}
        )
        config.check_size()
        config_fields.say_unknown(unknown)
        return config

    @classmethod
    def from_json_file(cls, path: str, config_at: Callable | None = None, /, **defaults) -> typing.Self:
        """Reads a file; `defaults` stand for fields that it lacks. Raises InputError that names the file.

        Args:
          config_at: see `complete`.
        """
        values = {**defaults, **json_files.read(path, mend="copy the file again, or save it as UTF-8")}
        try:
            return cls.from_dict(cls.complete(values, config_at) if config_at else values)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def to_dict(self) -> dict:
        return {"model_type": self.model_type, **dataclasses.asdict(self)}

    def beside_weights(self) -> dict:
        """`to_dict` as it lies beside saved weights: without paths that the weights were first read from."""
        return self.to_dict()


def _convert(name, kind, value):
    """The value as its field has it: whole numbers are floats too. Raises InputError."""
    kinds = typing.get_args(kind) or (kind,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**53 else math.inf
    plain = tuple(typing.get_origin(one) or one for one in kinds)
    if not isinstance(value, plain) or (isinstance(value, bool) and bool not in plain):
        names = " or ".join("null" if one is type(None) else one.__name__ for one in plain)
        raise InputError(f"configuration field {name!r} is {json_files.excerpt(value)}, {names} is needed")
    return value


def _memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _gibibytes(count):
    return f"{count / 2**30:,.1f} GiB"
