"""SavedModels of encoders, from TensorFlow Hub or a folder: the weights by name; the graph is not run.

TF2 modules have an object-based checkpoint in variables/, TF1 modules a name-based one with the original's names.
"""

import os
import re

from bertline import registry
from bertline.errors import InputError
from bertline.weights.formats.tf1 import read_bundle
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.model_garden import canonical_tensors, infer_config
from bertline.weights.reading.source import WeightSource, vocab_folder

_HANDLE = re.compile(r"https?://")


@registry.register("weight_format", "saved_model")
class SavedModel(WeightFormat):
    order = 40
    said_as = "a SavedModel folder, a TensorFlow Hub handle"

    @staticmethod
    def fits(path, names):
        return bool(_HANDLE.match(path)) if names is None else "saved_model.pb" in names

    @staticmethod
    def open(path):
        return open_saved_model(resolve(path), path) if _HANDLE.match(path) else open_saved_model(path)


def open_saved_model(folder, handle=None):
    """The weights of a SavedModel folder, its vocabulary from assets/; `handle` is what the user called it.

    Raises:
      InputError: variables/ is missing or damaged.
    """
    tensors, optimizer = read_bundle(os.path.join(folder, "variables", "variables"))
    vocabulary = vocab_folder(os.path.join(folder, "assets"), folder)
    path, config = handle or folder, infer_config(tensors)
    return WeightSource(path, f"SavedModel {path}", canonical_tensors(tensors, path), optimizer, config, vocabulary)


def resolve(handle):
    """The folder of a TensorFlow Hub handle, fetched into the hub's cache if it is not there yet.

    Raises:
      InputError: tensorflow-hub is not usable here, or the handle cannot be fetched.
    """
    try:
        import tensorflow_hub
    except ImportError as error:
        raise InputError(f"{handle}: needs the package tensorflow-hub, which cannot be imported ({error})") from error
    try:
        return tensorflow_hub.resolve(handle)
    except Exception as error:  # the hub passes on whatever its transport raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{handle}: cannot be fetched ({reason}); a downloaded module's folder works too") from error
