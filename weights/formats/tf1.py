"""TensorFlow checkpoints (`prefix.index`, `prefix.data-*`): TF1 name-based ones, and object-based ones by full name."""

import difflib
import json
import logging
import os
import re

import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.training.folder import checkpoint_files
from bertline.training.folder.checkpoint_files import OBJECT_GRAPH, UNREADABLE, first_line
from bertline.weights.reading.config_file import read_config
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.model_garden import canonical_tensors, infer_config
from bertline.weights.reading.source import OPTIMIZER_STATE, Tensor, WeightSource, vocab_folder


@registry.register("weight_format", "tf1")
class TF1(WeightFormat):
    order = 60
    said_as = "a TensorFlow checkpoint (bert_model.ckpt)"
    file_name = "bert_model.ckpt"

    @staticmethod
    def fits(path, names):
        if names is not None:
            return bool(checkpoint_files.prefixes(path))
        return bool(checkpoint_files.files_of(checkpoint_files.prefix_of(path)))

    @staticmethod
    def open(path):
        if tf.io.gfile.isdir(path):
            return open_tf1(_newest(path))
        prefix = checkpoint_files.prefix_of(path)
        if not tf.io.gfile.exists(prefix + ".index"):
            raise InputError(f"{prefix}.index: missing; without it the data beside it cannot be read")
        return open_tf1(prefix)

    @staticmethod
    def near(path):
        """What the folder of a prefix has instead, the nearest names first."""
        prefix = checkpoint_files.prefix_of(path)
        folder = os.path.dirname(prefix) or "."
        found = list(map(os.path.basename, checkpoint_files.prefixes(folder)))
        if not found:
            return None
        near = difflib.get_close_matches(os.path.basename(prefix), found, n=len(found), cutoff=0.0)
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        s = "s" if len(found) > 1 else ""
        return f"{folder} has the checkpoint{s} {', '.join(near[:4])}{more}; name one of them"

    @staticmethod
    def save(model, path, tokenizer=None, extra_config=None):
        save_tf1(model, path, tokenizer, extra_config)

    @staticmethod
    def remark(config):
        if config.activation == "gelu":
            return "this model has the exact gelu, the original program an approximation; Bertline keeps it exact"
        return None


def _newest(folder):
    """The checkpoint to take of a folder. Raises InputError where it has several and names none."""
    prefixes = checkpoint_files.prefixes(folder)
    names = list(map(os.path.basename, prefixes))
    if len(names) > 1 and not tf.io.gfile.exists(os.path.join(folder, checkpoint_files.STATE)):
        raise InputError(f"{folder}: {len(names)} checkpoints ({', '.join(names)}); name one of them")
    latest, wrong = checkpoint_files.newest(folder)
    if latest and wrong and tf.io.gfile.exists(os.path.join(folder, checkpoint_files.STATE)):
        logging.warning("%s; %s is used", wrong, os.path.basename(latest))
    return latest or prefixes[-1]  # whose reader says what is wrong with it


def open_tf1(prefix):
    """The weights of a checkpoint prefix; bert_config.json and vocab.txt are looked for beside it."""
    folder = os.path.dirname(prefix) or "."
    tensors, optimizer = read_bundle(prefix)
    paths = (os.path.join(folder, name) for name in ("bert_config.json", "config.json"))
    config_path, config = next(((path, config) for path in paths if (config := read_config(path))), (None, None))
    return WeightSource(
        prefix,
        f"TensorFlow checkpoint {prefix}",
        canonical_tensors(tensors, prefix),
        optimizer,
        config or infer_config(tensors),
        vocab_folder(folder),
        config_path,
    )


def read_bundle(prefix):
    """Variable name -> Tensor of a checkpoint, and the number of optimizer tensors and counters left out.

    Object-based checkpoints (TF2) have keys that follow Python attributes; the variables' own names are in the
    object graph that lies beside them, and are what is used here.

    Raises:
      InputError: the index cannot be read, a data shard is missing or shorter than the index says.
    """
    reader = checkpoint_files.open_reader(prefix)
    shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    keys = {name: name for name in shapes}
    slots = 0
    if OBJECT_GRAPH in shapes:
        keys, slots = _full_names(reader, prefix)
    weights = {
        name.removeprefix("module/"): Tensor(name, tuple(shapes[key]), _reader(reader, prefix, key))
        for name, key in keys.items()
        if key in shapes and kinds[key].is_floating and not OPTIMIZER_STATE.search(name)
    }
    return weights, slots + len(keys) - len(weights)


def _full_names(reader, prefix):
    """Full variable name -> checkpoint key, optimizer slots left out; and the number of slots."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    graph.ParseFromString(_reader(reader, prefix, OBJECT_GRAPH)())
    slots = {slot.slot_variable_node_id for node in graph.nodes for slot in node.slot_variables}
    names = {
        _name_in_run(value.checkpoint_key) or value.full_name or value.checkpoint_key: value.checkpoint_key
        for number, node in enumerate(graph.nodes)
        for value in node.attributes
        if number not in slots and value.name == "VARIABLE_VALUE"
    }
    return names, len(slots)


def _name_in_run(key):
    """The name of a weight in a checkpoint of our own runs, whose key has it, slashes escaped; None elsewhere."""
    # A list of weights, as other programs keep them, has numbers there.
    found = re.fullmatch(r"weights/(?!\d+/)(.+)/\.ATTRIBUTES/VARIABLE_VALUE", key)
    return found and found[1].replace(".S", "/").replace("..", ".")


def _reader(reader, prefix, key):
    def read():
        try:
            value = reader.get_tensor(key)
        except UNREADABLE as error:
            raise InputError(f"{prefix}: {key} cannot be read ({first_line(error)}); copy the files again") from error
        return value if isinstance(value, bytes) else value.astype(np.float32, copy=False)

    return read


def _original_config(model):
    """The config as the original reads it: "gelu" is its approximation there, and "gelu_new" unknown.

    An exact gelu keeps "model_type", which makes Bertline read it as exact; the original has only the approximate one.
    """
    config = dict(getattr(model, "encoder", model).config.beside_weights())
    if config.get("hidden_act") == "gelu_new":
        config["hidden_act"] = "gelu"
        config.pop("model_type", None)
    return config


def save_tf1(model, prefix, tokenizer=None, extra_config=None):
    """Writes a name-based checkpoint that `tf.compat.v1.train.Saver` restores, with bert_config.json beside it.

    Args:
      model: an encoder or objective; variables go out as float32 under their canonical names.
      prefix: as out/bert_model.ckpt; its folder is made where it is missing.
      tokenizer: its files are saved beside the checkpoint where given.
      extra_config: more entries of bert_config.json; the original passes over what it does not know.
    Raises:
      InputError: the folder cannot be written.
    """
    weights = {name: np.asarray(variable, np.float32) for name, variable in model.named_weights().items()}
    folder = os.path.dirname(prefix) or "."
    with replace_file(os.path.join(folder, "bert_config.json")) as temporary:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(_original_config(model) | (extra_config or {}), file, indent=2, sort_keys=True)
            file.write("\n")
    if tokenizer is not None:
        tokenizer.save_with_parts(folder)

    def write(place):
        tf.raw_ops.SaveV2(
            prefix=place,
            tensor_names=list(weights),
            shape_and_slices=[""] * len(weights),
            tensors=list(weights.values()),
        )

    try:
        checkpoint_files.place(write, prefix)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"{prefix}: cannot be written: {first_line(error)}") from error
