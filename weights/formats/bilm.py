"""ELMo's files: options.json and weights.hdf5, as bilm-tf and AllenNLP read them; checkpoints of bilm-tf's training.

Source: https://github.com/allenai/bilm-tf, `dump_weights` of `bilm/training.py` and `bilm/model.py`.
"""

import dataclasses
import json
import os

import h5py
import numpy as np

from bertline import registry
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE
from bertline.processors.files.folders import is_folder, is_remote, list_files
from bertline.processors.tokenization import load_tokenizer
from bertline.processors.tokenizers.folder.tokenizer_folder import VOCAB_NAME
from bertline.weights.formats.tf1 import TF1
from bertline.weights.reading import bilm_options
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.source import Tensor, WeightSource

OPTIONS, WEIGHTS = "options.json", "weights.hdf5"  # ends of the files' names; those of released models have more before
# Part of a canonical name -> what it is called in weights.hdf5.
_NAMES = {
    "lstm_cell/projection/kernel": "LSTMCell/W_P_0",
    "lstm_cell/kernel": "LSTMCell/W_0",
    "lstm_cell/bias": "LSTMCell/B",
    "/rnn/": "/RNN/",
    "multi_rnn_cell/cell_": "MultiRNNCell/Cell",
}


@registry.register("weight_format", "bilm")
class Bilm(WeightFormat):
    order = 55
    said_as = f"a folder of ELMo ({OPTIONS}, {WEIGHTS})"
    file_name = "weights.hdf5"

    @staticmethod
    def fits(path, names):
        if names is None:
            return path.endswith(WEIGHTS)
        return bool(_ending(names, WEIGHTS) and _ending(names, OPTIONS))

    @staticmethod
    def open(path):
        folder = path if is_folder(path) else os.path.dirname(path) or "."
        names = set(list_files(folder))
        path = path if path != folder else os.path.join(folder, _one(folder, names, WEIGHTS))
        if is_remote(path):
            raise InputError(f"{path}: HDF5 is read from this machine's disk; copy the folder here")
        own = os.path.basename(path).removesuffix(WEIGHTS) + OPTIONS
        options = os.path.join(folder, own if own in names else _one(folder, names, OPTIONS))
        config = _config(options, names)
        # Without a vocabulary the tokenizer knows the boundaries of sentences alone, which is all that ELMo needs.
        return WeightSource(path, f"ELMo {path}", _tensors(path), 0, config, folder, options)

    @staticmethod
    def save(model, path, tokenizer=None, extra_config=None):
        encoder = getattr(model, "encoder", model)
        options = bilm_options.options_of(encoder.config, path, (extra_config or {}).get(OBJECTIVE))
        weights = {name: np.asarray(weight, np.float32) for name, weight in model.named_weights().items()}
        left = set(Bilm.without_room(model))
        folder = os.path.dirname(path) or "."
        os.makedirs(folder, exist_ok=True)
        with replace_file(path) as unfinished, h5py.File(unfinished, "w") as file:
            for name in sorted(set(weights) - left):
                file.create_dataset(_name_there(name), data=weights[name])
        with replace_file(os.path.join(folder, OPTIONS)) as unfinished, open(unfinished, "w") as file:
            json.dump(options, file, indent=1)
        if tokenizer is not None:
            tokenizer.save(folder)

    @staticmethod
    def without_room(model):
        """The softmax, as in `dump_weights` of bilm-tf, and every other head."""
        return sorted(set(model.named_weights()) - set(getattr(model, "encoder", model).named_weights()))


@registry.register("weight_format", "bilm_checkpoint")
class BilmCheckpoint(TF1):
    """A folder of bilm-tf's training: options.json beside a TensorFlow checkpoint, the softmax in it."""

    order = 58
    said_as = None
    file_name = None

    @staticmethod
    def fits(path, names):
        if names is None:
            folder = os.path.dirname(path) or "."
            return TF1.fits(path, None) and os.path.exists(os.path.join(folder, OPTIONS))
        return OPTIONS in names and TF1.fits(path, names)

    @staticmethod
    def open(path):
        source = TF1.open(path)
        if source.config is not None:
            return source
        folder = os.path.dirname(source.path) or "."
        options = os.path.join(folder, OPTIONS)
        return dataclasses.replace(
            source, config=_config(options, set(list_files(folder))), vocab_folder=folder, config_path=options
        )


def _config(options, names):
    """The configuration; where words are looked up, with the places of the boundaries in the vocabulary beside it."""
    config, folder = bilm_options.config_of(options), os.path.dirname(options) or "."
    if config["filters"] is None and "start_id" not in config and VOCAB_NAME in names:
        tokenizer = load_tokenizer(folder)
        config |= {name: tokenizer.special_id(name.removesuffix("_id")) for name in bilm_options.BOUNDARIES}
    return config


def _ending(names, end):
    return sorted(name for name in names if name.endswith(end))


def _one(folder, names, end):
    """The one file of a folder whose name has that end. Raises InputError where there are none or several."""
    found = _ending(names, end)
    if len(found) != 1:
        raise InputError(f"{folder}: {len(found)} files ...{end} ({', '.join(found)}); name one, or leave one there")
    return found[0]


def _name_there(name):
    """A canonical name -> the one in weights.hdf5."""
    name = name.removeprefix("lm/")
    for here, there in _NAMES.items():
        name = name.replace(here, there)
    return name


def _name_here(name):
    for here, there in _NAMES.items():
        name = name.replace(there, here)
    return f"lm/{name}"


def _tensors(path):
    """Canonical name -> Tensor. Raises InputError for what is no HDF5."""
    found = {}

    def add(name, entry):
        if isinstance(entry, h5py.Dataset) and entry.dtype.kind == "f":
            here = _name_here(name)
            found[here] = Tensor(name, tuple(entry.shape), lambda: _read(path, name))

    try:
        with h5py.File(path) as file:
            file.visititems(add)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({_first_line(error)}); copy the file again") from error
    return found


def _read(path, name):
    try:
        with h5py.File(path) as file:
            return file[name][...].astype(np.float32)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: {name} cannot be read ({_first_line(error)}); copy the file again") from error


def _first_line(error):
    return str(error).partition("\n")[0]
