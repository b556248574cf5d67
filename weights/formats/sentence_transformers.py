"""What sentence-transformers has beside config.json and the weights: how tokens become a sentence's vector.

Source: the files that the library itself writes: modules.json, 1_Pooling/config.json, sentence_bert_config.json.
"""

import dataclasses
import json
import os

from bertline import registry
from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.files.folders import is_folder, is_remote
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.opening import open_weights

MODULES, LIBRARY_CONFIG = "modules.json", "config_sentence_transformers.json"
LIBRARY = "sentence_transformers."

# Keys of 1_Pooling/config.json, in the order in which the library concatenates, and what we call them.
POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len",
    "pooling_mode_weightedmean_tokens": "weighted_mean",
    "pooling_mode_lasttoken": "last",
}


@dataclasses.dataclass(frozen=True)
class Module:
    """One step from a text to its vector.

    Attributes:
      kind: the name of its class, as "Pooling". is_of_library: whether that is the library's own.
      folder: of its files.
    """

    kind: str
    is_of_library: bool
    folder: str


@registry.register("weight_format", "sentence_transformers")
class SentenceTransformers(WeightFormat):
    """Folders whose modules.json names another folder for the encoder."""

    order = 10
    said_as = "a folder of sentence-transformers"

    @staticmethod
    def fits(path, names):
        return names is not None and MODULES in names and transformer_folder(path).rstrip("/") != path

    @staticmethod
    def open(path):
        inner = transformer_folder(path)
        if not is_folder(inner):
            raise InputError(f"{inner}: no such folder, but {MODULES} names it; copy the whole of {path}")
        return open_weights(inner)


def read_modules(folder):
    """The modules of a folder of sentence-transformers in their order, list of Module; None where it is none.

    Raises:
      InputError: modules.json is not what the library writes.
    """
    path = os.path.join(folder, MODULES)
    if not _is_file(path):
        return None
    found = []
    for entry in json_files.read(path, list):
        kind, place = (entry.get("type"), entry.get("path", "")) if isinstance(entry, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(place, str):
            raise InputError(f"{path}: a module is an object with a type and a path, found {json_files.excerpt(entry)}")
        inner = os.path.join(folder, place) if place else folder
        found.append(Module(kind.rsplit(".", 1)[-1], kind.startswith(LIBRARY), inner))
    return found


def transformer_folder(folder):
    """Where the encoder of a folder of sentence-transformers lies; any other folder is given back."""
    modules = read_modules(folder) or []
    return next((module.folder for module in modules if module.kind == "Transformer"), folder)


def _is_file(path):
    if not is_remote(path):
        return os.path.isfile(path)
    import tensorflow as tf

    return tf.io.gfile.exists(path) and not tf.io.gfile.isdir(path)


def save_modules(folder, pooling, width, max_seq_length, normalize):
    """Writes what makes a Hugging Face folder one of sentence-transformers.

    Args:
      folder: has config.json and the weights.
      pooling: names joined by "+"; their vectors are concatenated in the library's own order.
      width: of a token's state.
      max_seq_length: tokens of the longest text, special ones included.
      normalize: whether vectors get length 1.
    """
    names = set(pooling.split("+"))
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), *([("2_Normalize", "Normalize")] if normalize else [])]
    os.makedirs(os.path.join(folder, "1_Pooling"), exist_ok=True)
    _write(
        os.path.join(folder, "1_Pooling", "config.json"),
        {"word_embedding_dimension": width, **{key: name in names for key, name in POOLING_KEYS.items()}},
    )
    _write(
        os.path.join(folder, "sentence_bert_config.json"), {"max_seq_length": max_seq_length, "do_lower_case": False}
    )
    _write(
        os.path.join(folder, "modules.json"),
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (path, kind) in enumerate(modules)
        ],
    )


def _write(path, content):
    with replace_file(path) as unfinished, open(unfinished, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
