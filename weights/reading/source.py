"""What every format of weights on disk looks like to the loader."""

import dataclasses
import os
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.tokenization import vocabulary_names

# Slots and counters that optimizers leave in a checkpoint: BERT's and LAMB's by suffix, tf.compat.v1's by its names.
OPTIMIZER_STATE = re.compile(
    r"(/(adam|lamb)_[mv]|/Adam(_1)?|/Momentum|/Adagrad)$|^(global_step|beta[12]_power|good_steps|loss_scale\w*)$"
)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor on disk: `name` in the file, `shape` and values as the canonical variable has them."""

    name: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]


@dataclasses.dataclass
class WeightSource:
    """Weights on disk. Canonical names are those of the original TF1 checkpoints.

    Attributes:
      path: as the user knows it; begins error messages.
      description: one line, format and path.
      tensors: name in the file -> Tensor, for every floating-point tensor that is no optimizer state.
      optimizer: how many tensors were left out as optimizer state or counters.
      config: the dict of bert_config.json or config.json, or None where none lies beside the weights.
      vocab_folder: the folder that holds the vocabulary, or None.
      config_path: the file of `config`, for messages; None where it has none.
      words: the vocabulary in the order of its ids, where no file of its own has it; else None.
    """

    separator = "/"  # between the parts of a name

    path: str
    description: str
    tensors: dict[str, Tensor]
    optimizer: int = 0
    config: dict | None = None
    vocab_folder: str | None = None
    config_path: str | None = None
    words: list[str] | None = None

    def canonical(self, model) -> dict[str, Tensor]:
        """The tensors under canonical names, in the layout of `model`'s variables; unknown ones keep their own name.

        model: an encoder or objective with `named_weights()` and `huggingface_names()`.

        Raises:
          InputError: there are several models in it, so that it cannot be said which one is meant.
        """
        wrapper = self.wrapper(model)
        return {name.removeprefix(wrapper): tensor for name, tensor in self.tensors.items()}

    def wrapper(self, model) -> str:
        """What names have before their own where the model was saved inside another object: "module.", or "".

        Raises:
          InputError: there are several models in it.
        """
        return self._wrapper(next(iter(getattr(model, "encoder", model).named_weights())))

    def _wrapper(self, name: str, base: str = "") -> str:
        """What the one tensor that ends in this name has before it; `base` may stand between."""
        ends = self.separator + name
        found = {other[: -len(name)] for other in self.tensors if other == name or other.endswith(ends)}
        found = {prefix.removesuffix(base) for prefix in found}
        if len(found) > 1 and "" not in found:
            raise InputError(
                f"{self.path}: {len(found)} models in it, under {', '.join(sorted(found))}; save the one that is meant "
                "by itself"
            )
        return "" if "" in found else next(iter(found), "")

    def shapes(self, model) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape."""
        return {name: tensor.shape for name, tensor in self.canonical(model).items()}

    def read(self, name: str, model) -> np.ndarray:
        """The float32 array of a canonical name."""
        return self.canonical(model)[name].read()


def read_json(path: str, mend: str = "copy the file again") -> dict | None:
    """The dict in a JSON file; None where there is no such file. Raises InputError for what is no JSON object."""
    return json_files.read(path, mend=mend) if tf.io.gfile.exists(path) else None


def vocab_folder(*folders: str) -> str | None:
    """The first of the folders that holds a vocabulary, or None."""
    for folder in folders:
        if any(tf.io.gfile.exists(os.path.join(folder, name)) for name in vocabulary_names()):
            return folder
    return None
