"""Weights in: from any of the formats people have, with a report that leaves nothing out. Weights out: see `save_*`."""

import dataclasses
import logging
import re

from bertline.errors import InputError
from bertline.weights import output_embeddings
from bertline.weights.formats.huggingface import save_huggingface
from bertline.weights.formats.sentence_transformers import save_modules
from bertline.weights.formats.tf1 import save_tf1
from bertline.weights.reading.opening import open_weights
from bertline.weights.reading.source import WeightSource
from bertline.weights.unread_weights import unread_weights

__all__ = [
    "LoadReport",
    "WeightSource",
    "load_weights",
    "open_weights",
    "save_huggingface",
    "save_modules",
    "save_tf1",
]

# What the first axis of a weight is called in a config.
AXES = {
    "word_embeddings": "vocab_size",
    "position_embeddings": "max_position_embeddings",
    "token_type_embeddings": "type_vocab_size",
    "intermediate/dense/bias": "intermediate_size",
    "LayerNorm/gamma": "hidden_size",
}


@dataclasses.dataclass
class LoadReport:
    """What `load_weights` did, by canonical name.

    Attributes:
      matched: read from the source.
      missing: not in the source, left as initialised.
      reshaped: task heads of another shape in the source, left as initialised: sentences.
      unused: in the source, not in the model.
      optimizer: number of optimizer slots and counters in the source, never read.
      wrapper: what was taken off the names, as "module."; "" for nothing.
      num_layers: of the encoder, None where it has no such number.
      begins_with_first_layers: whether an encoder of fewer layers than the source's was asked for.
    """

    description: str
    matched: list[str]
    missing: list[str]
    reshaped: list[str]
    unused: list[str]
    optimizer: int
    wrapper: str = ""
    num_layers: int | None = None
    begins_with_first_layers: bool = False

    def table(self):
        """Several lines of text: the counts, and the names of all that is not simply matched."""
        left = len(self.missing) + len(self.reshaped)
        lines = [f"weights from {self.description}", f"  matched    {len(self.matched):5d}"]
        if self.wrapper:
            lines[0] += f", without the {self.wrapper!r} before their names"
        lines.append(f"  missing    {left:5d}" + ("  left as initialised" if left else ""))
        lines += [f"    {entry}" for entry in self.reshaped + condense(self.missing)]
        lines.append(f"  not used   {len(self.unused):5d}")
        for unread in self._unread():
            lines.append(f"    {unread.meaning}:")
            lines += [f"      {entry}" for entry in condense(unread.names)]
        if self.optimizer:
            lines.append(f"  optimizer  {self.optimizer:5d}  slots, counters, position ids: not read")
        return "\n".join(lines)

    def _unread(self):
        return unread_weights(self.unused, self.num_layers, self.begins_with_first_layers)

    def warn(self):
        """Warns of what was not read and changes the result."""
        for unread in self._unread():
            if unread.matters:
                some = condense(unread.names)
                more = f" and {len(some) - 3} more kinds" if len(some) > 3 else ""
                logging.warning(
                    "%s: %d weights are not read, %s (%s%s)",
                    self.description,
                    len(unread.names),
                    unread.meaning,
                    ", ".join(some[:3]),
                    more,
                )

    def log(self):
        """The table as a line of information, then the warnings."""
        logging.info("%s", self.table())
        self.warn()


def load_weights(model, source, required=None, allow_missing=None):
    """Assigns every weight of `model` that the source has.

    Args:
      model: an encoder or objective: `named_weights()`, `huggingface_names()`; its variables exist.
      source: a WeightSource, or what `open_weights` takes.
      required: canonical name -> whether its absence is an error; by default the encoder's names.
      allow_missing: a regular expression; required names that it fully matches may be missing all the same.
    Returns:
      a LoadReport.
    Raises:
      InputError: a required weight is missing, or shapes differ; nothing is assigned then.
    """
    source = source if isinstance(source, WeightSource) else open_weights(source)
    variables, stored = model.named_weights(), source.canonical(model)
    output_embeddings.check_tied(variables, source, stored)
    required = required or set(getattr(model, "encoder", model).named_weights()).__contains__
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    config = getattr(getattr(model, "encoder", model), "config", None)
    report = LoadReport(
        source.description,
        [],
        [],
        [],
        sorted(stored.keys() - shapes.keys()),
        source.optimizer,
        source.wrapper(model),
        getattr(config, "num_layers", None),
    )
    wrong = []
    for name, shape in shapes.items():
        if name not in stored:
            report.missing.append(name)
        elif stored[name].shape == shape:
            report.matched.append(name)
        elif not required(name):  # another task's
            there = stored[name].shape
            report.reshaped.append(f"{name}: not used: shape {there} in the checkpoint, {shape} here")
        else:
            wrong.append(name)
    lost = [n for n in report.missing if required(n) and not re.fullmatch(allow_missing or r"(?!)", n)]
    if wrong:
        raise InputError(_shape_message(source, wrong, stored, shapes))
    if lost:
        raise InputError(_missing_message(source, lost, report, getattr(model, "encoder", model)))
    for name in report.matched:
        variables[name].assign(stored[name].read())
    return report


def _shape_message(source, wrong, stored, shapes):
    named = [f"{n} has shape {stored[n].shape} in the checkpoint, {shapes[n]} in the model" for n in wrong[:3]]
    more = f"; and {len(wrong) - 3} more of another shape" if len(wrong) > 3 else ""
    hints = {
        f"{setting} is {shapes[name][0]} in the model's config, {stored[name].shape[0]} in the checkpoint"
        for name in wrong
        for end, setting in AXES.items()
        if name.endswith("/" + end) and stored[name].shape[:1] != shapes[name][:1]
    }
    hint = f"; {', '.join(sorted(hints))}: use the config and vocabulary that belong to the checkpoint" if hints else ""
    return f"{source.path}: {'; '.join(named)}{more}{hint}"


def _missing_message(source, lost, report, encoder):
    names = condense(lost)
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more patterns" if len(names) > 3 else "")
    unused = condense(report.unused)[:3]
    found = f"not used: {', '.join(unused)}" if unused else "everything in it was used"
    optional = getattr(encoder, "optional_weights", None)
    if optional and all(re.fullmatch(optional, name) for name in lost):
        hint = f"--allow_missing_weights='{optional}' lets them start at random"
    elif report.matched:
        hint = "is the config of this checkpoint used?"
    else:
        hint = "is it a checkpoint of this kind of encoder?"
    return f"{source.path}: {len(lost)} weights of the encoder are missing: {some}; {found}; {hint}"


def condense(names):
    """Names with their layers' numbers gathered: a/layer_{0..11}/b, in order of first appearance."""
    patterns = {}
    for name in names:
        number = re.search(r"(?<=layer[_.])\d+", name)
        pattern = (name[: number.start()], name[number.end() :]) if number else (name, None)
        patterns.setdefault(pattern, []).append(int(number[0]) if number else 0)
    return [start if end is None else f"{start}{_span(sorted(n))}{end}" for (start, end), n in patterns.items()]


def _span(numbers):
    if len(numbers) == 1:
        return str(numbers[0])
    whole = numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{{{numbers[0]}..{numbers[-1]}}}" if whole else "{" + ",".join(map(str, numbers)) + "}"
