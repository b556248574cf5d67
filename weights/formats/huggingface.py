"""Hugging Face folders: config.json beside model.safetensors, in one file or in shards with an index."""

import dataclasses
import json
import os
import re

import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.weights import heads
from bertline.weights.formats.foreign import refuse_adapter_weights
from bertline.weights.reading.config_file import read_config
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.safetensors_header import BITS, SHARD_INDEX, WEIGHTS, read_header
from bertline.weights.reading.source import Tensor, WeightSource, read_json, vocab_folder

FLOATS = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}
# Names of weights packed into words of 32 bits; those packed into 8 and fewer have a dtype that says so.
PACKED = re.compile(r"\.(qweight|qzeros|weight_packed)$")


@registry.register("weight_format", "huggingface")
class HuggingFace(WeightFormat):
    order = 30
    said_as = f"a Hugging Face folder (config.json, {WEIGHTS})"
    file_name = "model.safetensors"

    @staticmethod
    def fits(path, names):
        return names is not None and bool(names & {WEIGHTS, SHARD_INDEX})

    @staticmethod
    def open(path):
        return open_huggingface(path)

    @staticmethod
    def save(model, path, tokenizer=None, extra_config=None):
        save_huggingface(model, os.path.dirname(path), tokenizer, extra_config)


@registry.register("weight_format", "safetensors")
class Safetensors(WeightFormat):
    """A single file of any name, given by itself or by its folder."""

    order = 70
    said_as = "a file .safetensors"

    @staticmethod
    def fits(path, names):
        return path.endswith(".safetensors") if names is None else len(_single_files(names)) == 1

    @staticmethod
    def open(path):
        if tf.io.gfile.isdir(path):
            path = os.path.join(path, *_single_files(tf.io.gfile.listdir(path)))
        elif not tf.io.gfile.exists(path):
            raise InputError(f"{path}: no such file")
        return open_huggingface(path)


def _single_files(names):
    return [name for name in names if name.endswith(".safetensors")]


class HuggingFaceSource(WeightSource):
    """Tensors under Hugging Face names, with or without the prefix of the base model or of an object around it."""

    separator = "."

    def canonical(self, model):
        base, wrapper = _base_prefix(model), self.wrapper(model)

        def strip(name):
            return _of_today(name).removeprefix(wrapper).removeprefix(base)

        known = {strip(name): (canonical, turn) for canonical, (name, turn) in model.huggingface_names().items()}
        found = {}
        for name, tensor in self.tensors.items():
            canonical, turn = known.get(strip(name), (name.removeprefix(wrapper), False))
            if canonical in found:
                raise InputError(
                    f"{self.path}: {found[canonical].name} and {name} are the same weight; save one model by itself"
                )
            found[canonical] = _transpose(tensor) if turn else tensor
        return found

    def wrapper(self, model):
        base = _base_prefix(model)
        first = next(iter(getattr(model, "encoder", model).huggingface_names().values()))[0]
        return self._wrapper(first.removeprefix(base), base)


def _base_prefix(model):
    """What the names of the encoder's weights begin with in a model with a head: "bert."."""
    names = [name for name, _ in getattr(model, "encoder", model).huggingface_names().values()]
    base = os.path.commonprefix(names)
    return base[: base.index(".") + 1] if "." in base else ""


def _of_today(name):
    """Folders converted from TF1 by the first versions of the library say gamma and beta."""
    name = re.sub(r"(LayerNorm|layer_norm)\.gamma$", r"\1.weight", name)
    return re.sub(r"(LayerNorm|layer_norm)\.beta$", r"\1.bias", name)


def _transpose(tensor):
    return dataclasses.replace(tensor, shape=tensor.shape[::-1], read=lambda: np.transpose(tensor.read()))


def open_huggingface(path):
    """Reads the headers of a folder with model.safetensors (one file or shards), or of one .safetensors file.

    Raises:
      InputError: a file is missing, truncated or not in the format; the message has the file and the offset. It has an
        adapter's weights, not a model's.
    """
    if path.endswith(".safetensors"):
        folder, files = os.path.dirname(path) or ".", [path]
    else:
        folder, files = path, _files(path)
    tensors, left_out = {}, 0
    for file in files:
        found, others = _open_file(file)
        tensors.update(found)
        left_out += others
    refuse_adapter_weights(path, tensors)
    config_path = os.path.join(folder, "config.json")
    config = read_config(config_path)
    kind = ((config or {}).get("architectures") or [(config or {}).get("model_type") or "no config.json"])[0]
    return HuggingFaceSource(
        path, f"Hugging Face {path} ({kind})", tensors, left_out, config, vocab_folder(folder), config_path
    )


def _files(folder):
    """The .safetensors files of a folder. Raises InputError where its index is damaged or names a tensor in vain."""
    whole, index = os.path.join(folder, WEIGHTS), os.path.join(folder, SHARD_INDEX)
    if tf.io.gfile.exists(whole):
        return [whole]
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) and name for name in places.values()):
        raise InputError(f"{index}: weight_map is needed, an object of tensors and their files; copy the file again")
    shards = sorted(set(map(os.path.basename, places.values())))
    for shard in shards:
        path = os.path.join(folder, shard)
        there = {entry.name for entry in _entries(path)}
        for tensor, file in places.items():
            if os.path.basename(file) == shard and tensor not in there:
                raise InputError(f"{path}: has no tensor {tensor}, but {SHARD_INDEX} names it; copy both files again")
    return [os.path.join(folder, shard) for shard in shards]


def _entries(path):
    if not tf.io.gfile.exists(path) or tf.io.gfile.isdir(path):
        raise InputError(f"{path}: no such file, but {SHARD_INDEX} names it; was the download complete?")
    with tf.io.gfile.GFile(path, "rb") as file:
        return read_header(file, tf.io.gfile.stat(path).length, path)


def _open_file(path):
    """The tensors of one .safetensors file, and the number of those that are no weights (position ids).

    Raises:
      InputError: the file is damaged, or its weights are packed into fewer bits.
    """
    tensors, others = {}, 0
    for entry in _entries(path):
        if entry.kind in FLOATS:
            tensors[entry.name] = Tensor(entry.name, entry.shape, _reader(path, entry))
        elif entry.kind != "BOOL" and BITS[entry.kind] <= 8 or PACKED.search(entry.name):
            raise InputError(
                f"{path}: tensor {entry.name} is of {entry.kind}: weights packed into fewer bits; those of "
                f"{', '.join(FLOATS)} are read. Save the model anew without quantization"
            )
        else:
            others += 1
    return tensors, others


def _reader(path, entry):
    def read():
        with tf.io.gfile.GFile(path, "rb") as file:
            file.seek(entry.begin)
            values = np.frombuffer(file.read(entry.end - entry.begin), FLOATS[entry.kind])
        if entry.kind == "BF16":  # the upper half of a float32
            values = (values.astype("<u4") << 16).view("<f4")
        return values.astype(np.float32, copy=False).reshape(entry.shape)

    return read


def save_huggingface(model, folder, tokenizer=None, extra_config=None):
    """Writes config.json and model.safetensors (float32) such that `transformers` loads the folder as it is.

    Args:
      model: an encoder or objective; its config is `model.config`, or its encoder's.
      folder: made where it is missing; files of the same names are replaced whole.
      tokenizer: saved beside the weights where given.
      extra_config: entries of config.json that the encoder's config lacks, as id2label, label2id, problem_type.
    Raises:
      InputError: the folder cannot be written.
    """
    from safetensors.numpy import save

    names, weights = model.huggingface_names(), model.named_weights()
    tensors = {}
    for canonical, variable in weights.items():
        name, turn = names[canonical]
        array = np.asarray(variable, np.float32)
        # `ascontiguousarray` would make one number a row of it.
        tensors[name] = np.asarray(array.T if turn else array, order="C")
    encoder = getattr(model, "encoder", model)
    config, present = encoder.config.beside_weights(), heads.present(weights, encoder)
    architecture = heads.architecture(encoder.config, present, getattr(model, "owner", None))
    if architecture:
        config["architectures"] = [architecture]
    config |= extra_config or {}
    labelled = heads.label_weight(weights)
    if labelled and "id2label" not in config:  # the library would take it for two classes
        labels = {f"LABEL_{i}": i for i in range(len(tensors[names[labelled][0]]))}
        config |= {"label2id": labels, "id2label": {str(i): label for label, i in labels.items()}}
    if tokenizer is not None:
        os.makedirs(folder, exist_ok=True)
        lengths = (tokenizer.model_max_length, config.get("max_position_embeddings"))
        tokenizer.save_with_parts(folder, min((length for length in lengths if length), default=None))
    with replace_file(os.path.join(folder, WEIGHTS)) as temporary, open(temporary, "wb") as file:
        file.write(save(tensors, metadata={"format": "pt"}))
    with replace_file(os.path.join(folder, "config.json")) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")
