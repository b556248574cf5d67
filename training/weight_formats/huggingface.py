"""Hugging Face folders: config.json beside model.safetensors.

Source: the safetensors format, https://huggingface.co/docs/safetensors (8 bytes of header length, a JSON header,
then the tensors' bytes). The reader is our own because it must name the offset at which a damaged file breaks.
"""

import dataclasses
import json
import os
import re

import numpy as np
import tensorflow as tf

from errors import InputError
from files import replaced
from training.weight_formats.source import Tensor, WeightSource, read_json, vocab_folder

WEIGHTS = "model.safetensors"
SHARD_INDEX = "model.safetensors.index.json"
FLOATS = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}

# The class that `transformers` loads a folder into, by the tensors that it has; the first that fits.
ARCHITECTURES = (
    ("BertForPreTraining", ("cls.predictions.bias", "cls.seq_relationship.weight")),
    ("BertForMaskedLM", ("cls.predictions.bias",)),
    ("BertForNextSentencePrediction", ("cls.seq_relationship.weight",)),
    ("BertForQuestionAnswering", ("qa_outputs.weight",)),
    ("BertForSequenceClassification", ("classifier.weight", "bert.pooler.dense.weight")),
    ("BertForTokenClassification", ("classifier.weight",)),
    ("BertModel", ("bert.embeddings.word_embeddings.weight",)),
)


class HuggingFaceSource(WeightSource):
    """Tensors under Hugging Face names, with or without the prefix of the base model."""

    def canonical(self, model):
        encoder_names = [name for name, _ in getattr(model, "encoder", model).huggingface_names().values()]
        base = os.path.commonprefix(encoder_names)
        prefix = base[: base.index(".") + 1] if "." in base else ""

        def plain(name):
            # Folders converted from TF1 by the first versions of the library say gamma and beta.
            name = re.sub(r"(LayerNorm|layer_norm)\.gamma$", r"\1.weight", name)
            name = re.sub(r"(LayerNorm|layer_norm)\.beta$", r"\1.bias", name)
            return name.removeprefix(prefix)

        known = {plain(name): (canonical, turn) for canonical, (name, turn) in model.huggingface_names().items()}
        found = {}
        for name, tensor in self.tensors.items():
            canonical, turn = known.get(plain(name), (name, False))
            found[canonical] = _transposed(tensor) if turn else tensor
        return found


def _transposed(tensor):
    return dataclasses.replace(tensor, shape=tensor.shape[::-1], read=lambda: np.transpose(tensor.read()))


def open_huggingface(path):
    """Reads the headers of a folder with model.safetensors (one file or shards), or of one .safetensors file.

    Raises:
      InputError: a file is missing, truncated or not in the format; the message has the file and the offset.
    """
    if path.endswith(".safetensors"):
        folder, files = os.path.dirname(path) or ".", [path]
    else:
        folder, files = path, [os.path.join(path, WEIGHTS)]
        shards = read_json(os.path.join(path, SHARD_INDEX)) if not tf.io.gfile.exists(files[0]) else None
        if shards is not None:
            names = sorted(set(shards.get("weight_map", {}).values()))
            files = [os.path.join(path, os.path.basename(name)) for name in names]
    tensors, left_out = {}, 0
    for file in files:
        found, others = _read_header(file)
        tensors.update(found)
        left_out += others
    config = read_json(os.path.join(folder, "config.json"))
    kind = ((config or {}).get("architectures") or [(config or {}).get("model_type") or "no config.json"])[0]
    return HuggingFaceSource(path, f"Hugging Face {path} ({kind})", tensors, left_out, config, vocab_folder(folder))


def _read_header(path):
    """The tensors of one .safetensors file, and the number of those that are no weights (position ids)."""
    if not tf.io.gfile.exists(path):
        raise InputError(f"{path}: no such file, but {SHARD_INDEX} names it; was the download complete?")
    size = tf.io.gfile.stat(path).length
    with tf.io.gfile.GFile(path, "rb") as file:
        start = file.read(8)
        if start == b"version ":
            raise InputError(f"{path}: a git-lfs pointer, not the weights; fetch them with `git lfs pull`")
        length = int.from_bytes(start, "little")
        if size < 8 or 8 + length > size:
            raise InputError(
                f"{path}: the header declared at offset 0 has {length} bytes, the file has {size}; "
                "truncated or no safetensors file, copy it again"
            )
        raw = file.read(length)
    try:
        header = {name: entry for name, entry in json.loads(raw).items() if name != "__metadata__"}
        entries = [(n, e["dtype"], tuple(e["shape"]), *e["data_offsets"]) for n, e in header.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: the header at offset 8 cannot be read ({error}); copy the file again") from error
    tensors, others = {}, 0
    for name, kind, shape, begin, end in entries:
        begin, end = begin + 8 + length, end + 8 + length
        if end > size:
            raise InputError(
                f"{path}: tensor {name} lies at offsets {begin} to {end}, the file ends at {size}; "
                "truncated, copy it again"
            )
        if kind not in FLOATS:
            others += 1
        elif end - begin != FLOATS[kind].itemsize * int(np.prod(shape)):
            raise InputError(f"{path}: tensor {name} at offset {begin}: {end - begin} bytes for {kind} {list(shape)}")
        else:
            tensors[name] = Tensor(name, shape, _reader(path, kind, shape, begin, end))
    return tensors, others


def _reader(path, kind, shape, begin, end):
    def read():
        with tf.io.gfile.GFile(path, "rb") as file:
            file.seek(begin)
            values = np.frombuffer(file.read(end - begin), FLOATS[kind])
        if kind == "BF16":  # the upper half of a float32
            values = (values.astype("<u4") << 16).view("<f4")
        return values.astype(np.float32, copy=False).reshape(shape)

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

    names = model.huggingface_names()
    tensors = {}
    for canonical, variable in model.named_weights().items():
        name, turn = names[canonical]
        array = np.asarray(variable, np.float32)
        tensors[name] = np.ascontiguousarray(array.T if turn else array)
    config = getattr(model, "encoder", model).config.to_dict()
    architecture = next((kind for kind, needed in ARCHITECTURES if tensors.keys() >= set(needed)), None)
    if architecture:
        config["architectures"] = [architecture]
    config |= extra_config or {}
    if "classifier.weight" in tensors and "id2label" not in config:  # the library would take it for two classes
        labels = {f"LABEL_{i}": i for i in range(len(tensors["classifier.weight"]))}
        config |= {"label2id": labels, "id2label": {str(i): label for label, i in labels.items()}}
    if tokenizer is not None:
        os.makedirs(folder, exist_ok=True)
        tokenizer.save(folder)
    with replaced(os.path.join(folder, WEIGHTS)) as temporary, open(temporary, "wb") as file:
        file.write(save(tensors, metadata={"format": "pt"}))
    with replaced(os.path.join(folder, "config.json")) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")
