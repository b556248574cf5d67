"""Folders and files of other kinds: what they are, and what to do with them.

The files by which transformers, peft, optimum, Keras and llama.cpp keep models beside the formats that are read here.
"""

import os
import re

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.files.folders import exists, is_folder, list_files
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.safetensors_header import SHARD_INDEX, WEIGHTS

ADAPTER = "adapter_config.json"
ADAPTER_WEIGHTS = re.compile(r"\.(lora_(A|B|embedding_A|embedding_B|magnitude_vector)|ia3_l|hada_w\d_[ab])(\.|$)")
MERGE = (
    'merge it into its model first (peft: AutoPeftModel.from_pretrained("FOLDER").merge_and_unload()'
    '.save_pretrained("NEW_FOLDER")), then give NEW_FOLDER'
)
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle")
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # torch's zip files; bare pickles
_OTHER_STARTS = {b"\x89HDF": "weights.h5", b"GGUF": "model.gguf"}

# End of a file's name -> what it is, what to do.
_FORMATS = (
    (
        r"tf_model\.h5(\.index\.json)?",
        "TensorFlow weights of transformers",
        'transformers 4 with TensorFlow reads them: BertModel.from_pretrained("FOLDER", from_tf=True)'
        '.save_pretrained("NEW_FOLDER"), then give NEW_FOLDER',
    ),
    (
        r"weights\.hdf5",
        "weights without their options.json, which those of ELMo have beside them",
        "copy that file here; weights of a Keras program are another format, which is to be written as a TensorFlow "
        "checkpoint under the original's names",
    ),
    (
        r"\.(h5|hdf5|keras)",
        "weights of a Keras program",
        "load them in that program and write a TensorFlow checkpoint under the original's names, or take the same "
        "model's folder with model.safetensors",
    ),
    (
        r"\.msgpack(\.index\.json)?",
        "Flax weights of transformers",
        'transformers 4 with Flax reads them: BertModel.from_pretrained("FOLDER", from_flax=True)'
        '.save_pretrained("NEW_FOLDER"), then give NEW_FOLDER',
    ),
    (
        r"(\.gguf|ggml[^/]*\.bin)",
        "weights packed for llama.cpp",
        "take the folder of the model that they were made of, with model.safetensors",
    ),
    (
        r"\.onnx(_data)?",
        "a graph for ONNX Runtime",
        "take the folder of the model that it was made of, with model.safetensors",
    ),
    (
        r"openvino_[^/]*\.(xml|bin)",
        "a graph for OpenVINO",
        "take the folder of the model that it was made of, with model.safetensors",
    ),
    (r"\.tflite", "a graph for TensorFlow Lite", "take the folder of the model that it was made of, with its weights"),
    (
        r"\.ml(package|model)",
        "a graph for Core ML",
        "take the folder of the model that it was made of, with its weights",
    ),
    (r"\.ot", "weights for rust-bert", "take the same model's folder with model.safetensors"),
)


@registry.register("weight_format", "adapter")
class Adapter(WeightFormat):
    """Folders that have an adapter's files, with or without a whole model's weights."""

    order = 20

    @staticmethod
    def fits(path, names):
        return names is not None and ADAPTER in names

    @staticmethod
    def open(path):
        _refuse_adapter(path, any(exists(os.path.join(path, name)) for name in (WEIGHTS, SHARD_INDEX)))


@registry.register("weight_format", "foreign")
class Foreign(WeightFormat):
    """What is known by its name, or by its first bytes, and is not read."""

    order = 100

    @staticmethod
    def fits(path, names):
        return _refusal(path, names) is not None

    @staticmethod
    def open(path):
        raise InputError(_refusal(path, set(list_files(path)) if is_folder(path) else None))


def _refuse_adapter(folder, has_weights):
    config = json_files.read(os.path.join(folder, ADAPTER))
    kind, base = (json_files.excerpt(config.get(key)) for key in ("peft_type", "base_model_name_or_path"))
    what = f"{folder}: an adapter ({ADAPTER}: {kind} for {base})"
    if has_weights:
        raise InputError(
            f"{what} beside weights, which do not say whether it is in them; where it is, give a copy of the folder "
            f"without {ADAPTER}; where it is not, {MERGE}"
        )
    raise InputError(f"{what}, not a model; {MERGE}")


def refuse_adapter_weights(path, names):
    """Raises InputError where the names of tensors are an adapter's, alone or around a model's."""
    found = next((name for name in names if ADAPTER_WEIGHTS.search(name)), None)
    if found:
        raise InputError(f"{path}: an adapter's weights ({found} and others), not a model's; {MERGE}")


def _refusal(path, names):
    """Why a folder with some names in it, or a file, is not read; None for what is not known."""
    if names is None:
        return _refusal_of_file(path, _start(path)) if exists(path) else None
    # A pickle comes last: what lies beside it says more of what the folder is.
    ordered = sorted(names, key=lambda name: (name.endswith(PICKLES) and not name.startswith("openvino_"), name))
    return next(filter(None, (_refusal_of_file(os.path.join(path, name)) for name in ordered)), None)


def _start(path):
    """The first bytes of a local or remote file."""
    import tensorflow as tf

    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read(4)


def _refusal_of_file(path, start=b""):
    """Why a file is not read, with what to do; None for what is not known. `start`: its first bytes."""
    name = os.path.basename(path)
    for beginning, stands_for in _OTHER_STARTS.items():
        if start.startswith(beginning):
            name = f"{name} {stands_for}"
    for ending, what, todo in _FORMATS:
        if re.search(ending + "$", name):
            return f"{path}: {what}, no format that is read here; {todo}"
    if name.endswith(PICKLES) or start.startswith(_PICKLE_STARTS):
        return (
            f"{path}: a Python pickle can run any program when it is opened, so it is not; where you trust it, write "
            'safetensors with transformers: AutoModel.from_pretrained("FOLDER").save_pretrained("NEW_FOLDER", '
            "safe_serialization=True), then give NEW_FOLDER"
        )
    return None
