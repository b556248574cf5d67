"""Which vectors are wanted: layers, mix, unit, pooling. Checked without TensorFlow."""

import dataclasses
import difflib
import os

from bertline.common import json_files
from bertline.errors import InputError

UNITS = ("token", "word", "sentence")
POOLINGS = ("cls", "mean", "max", "mean_sqrt_len", "weighted_mean", "last")  # those of modeling/layers/pooling.py
MIXES = ("none", "mean", "concat")
FIRST_LAST = "first_last"
BY_TEXT = ("bilm", "allennlp")  # HDF5 with an array for each text, as programs for ELMo write it
FORMATS = ("jsonl", "hdf5", "npz", *BY_TEXT)
ENDINGS = {".hdf5": "hdf5", ".h5": "hdf5", ".npz": "npz"}


PROMPT_OF_OTHERS = (
    "--prompt and --prompt_name are for vectors of sentences: --unit=sentence with another --pooling than none"
)
_RARE = ("truncate_dim", "normalizes_truncated", "prompt", "unpooled")


@dataclasses.dataclass(frozen=True)
class VectorOptions:
    """What is made of the states of an encoder; equal options share a compiled graph.

    Attributes:
      unit: one vector per "token", "word" (separated by white space) or "sentence".
      layers: numbers as in the original: -1 the last, 0 the first; one below the first are the embeddings.
      layer_mix: "none" (each layer by itself), "mean", "concat", or "learned".
      mix_weights: for "learned": (one number per layer, gamma).
      pooling: over the tokens of a sentence, or the pieces of a word: names of POOLINGS joined by "+".
      normalize: whether each vector gets length 1.
      truncate_dim: how many of a vector's numbers are kept, None: all. It then has length 1 only where
        `normalizes_truncated` says so.
      prompt: what stands before each text. unpooled: how many tokens at its begin are not pooled.
    """

    unit: str = "sentence"
    layers: tuple[int, ...] = (-1,)
    layer_mix: str = "none"
    mix_weights: tuple[tuple[float, ...], float] | None = None
    pooling: str = "mean"
    normalize: bool = False
    truncate_dim: int | None = None
    normalizes_truncated: bool = False
    prompt: str = ""
    unpooled: int = 0

    @property
    def num_states(self):
        """Vectors per unit: one per layer where they are not mixed."""
        return len(self.layers) if self.layer_mix == "none" else 1

    def width(self, width):
        """Numbers of a vector, where the state of a token has `width` of them."""
        joined = width * len(self.pooling.split("+")) * (len(self.layers) if self.layer_mix == "concat" else 1)
        return joined if self.truncate_dim is None else min(joined, self.truncate_dim)

    def describe(self):
        """All of it, as a dict, for files; what most vectors have not is left out where they have it not."""
        rare = {field.name: field.default for field in dataclasses.fields(self) if field.name in _RARE}
        return {name: value for name, value in dataclasses.asdict(self).items() if rare.get(name, ...) != value}


def vector_options(unit="sentence", pooling="mean", layers=(-1,), layer_mix="none", normalize=False):
    """VectorOptions from what a user says.

    Args:
      pooling: names joined by "+"; "first_last": the mean over the tokens of the first and the last layer; "none": no
        pooling, a vector per token.
      layer_mix: one of MIXES, or the name of a file of learned weights: {"scalars": [...], "gamma": 1.0}.

    Raises:
      InputError: an unknown name; the message has the nearest one.
    """
    _check_known("unit", unit, UNITS)
    if pooling == FIRST_LAST:
        pooling, layers, layer_mix = "mean", (0, -1), "mean"
    if pooling == "none":
        unit, pooling = ("token" if unit == "sentence" else unit), "mean"
    for name in pooling.split("+"):
        _check_known("pooling", name, (*POOLINGS, FIRST_LAST, "none"), pooling)
        if name in (FIRST_LAST, "none"):
            raise InputError(f"--pooling={pooling}: {name} cannot be joined to another one")
    layers = tuple(layers)
    if not layers:
        raise InputError("--layers: at least one layer is needed, as -1")
    weights = None
    if layer_mix not in MIXES:
        layer_mix, weights = "learned", _learned_weights(layer_mix, len(layers))
    return VectorOptions(unit, layers, layer_mix, weights, pooling, bool(normalize))


def parse_layers(text):
    """ "-1,-2" -> (-1, -2). Raises InputError for what is no list of numbers."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--layers={text}: numbers separated by commas are needed, as -1,-2,-3,-4") from None


def parse_layers_or_all(text):
    """`parse_layers`; None for "all"."""
    return None if text == "all" else parse_layers(text)


def output_format(path, wanted=None):
    """One of FORMATS: what is wanted, else by the ending; any other ending gets JSON lines, as in the original.

    Raises:
      InputError: an unknown format, or one that standard output cannot take.
    """
    found = wanted or ENDINGS.get(os.path.splitext(path)[1], "jsonl")
    _check_known("output_format", found, FORMATS)
    if path == "-" and found != "jsonl":
        raise InputError(f"--output_file=-: {found} cannot be written to standard output; give a file, or use jsonl")
    return found


def _check_known(kind, name, known, given=None):
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"--{kind}={given or name}: unknown {kind} {name!r}; {hint}known: {', '.join(known)}")


def _learned_weights(path, num_layers):
    """(scalars, gamma) of a JSON file."""
    form = 'learned weights are a JSON object {"scalars": [one number per layer], "gamma": 1.0}'
    if not os.path.exists(path):
        raise InputError(f"--layer_mix={path}: none of {', '.join(MIXES)}, and no such file of learned weights")
    values = json_files.read(path, mend=form)
    scalars, gamma = values.get("scalars"), values.get("gamma", 1.0)
    if not isinstance(scalars, list) or not all(map(_is_number, [*scalars, gamma])):
        raise InputError(f"{path}: {form}")
    scalars, gamma = tuple(map(float, scalars)), float(gamma)
    if len(scalars) != num_layers:
        raise InputError(f"{path}: {len(scalars)} scalars for {num_layers} layers; --layers must name as many")
    return scalars, gamma


def _is_number(value):
    """Whether a JSON value is a number that float32 holds; NaN and Infinity, which Python reads, are none."""
    return type(value) in (int, float) and abs(value) < 1e30
