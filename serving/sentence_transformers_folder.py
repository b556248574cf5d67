"""What a sentence-transformers folder says of its vectors: pooling, longest text, normalisation.

Source: the files that sentence-transformers writes: modules.json, sentence_bert_config.json and the config.json of the
folder of each module.
"""

import dataclasses
import json
import os

from errors import InputError
from training.run_folder import model_folder
from training.weight_formats.sentence_transformers import POOLING_KEYS

# That library's newer names.
POOLING_MODES = {"mean_sqrt_len_tokens": "mean_sqrt_len", "weightedmean": "weighted_mean", "lasttoken": "last"}
PASSED_OVER = ("Transformer", "Dropout")


@dataclasses.dataclass(frozen=True)
class SentenceFolder:
    """Attributes:
    model: the folder of the encoder, which may be one inside the given one.
    pooling, max_seq_length, normalize: None where nothing is said of them.
    unread: name of a module that changes vectors and is not known here, or None.
    """

    model: str
    pooling: str | None = None
    max_seq_length: int | None = None
    normalize: bool | None = None
    unread: str | None = None


def read_sentence_folder(folder):
    """The SentenceFolder of a folder, or of the model/ in an output folder; of one that is none, or of a file, only
    `model` is said.

    Raises:
      InputError: a file that is not what the library writes.
    """
    inner = model_folder(folder)
    if not os.path.isfile(os.path.join(folder, "modules.json")) and os.path.isfile(os.path.join(inner, "modules.json")):
        folder = inner
    modules = _read(os.path.join(folder, "modules.json"), list)
    if modules is None:
        return SentenceFolder(folder)
    found = {"model": folder, "normalize": False}
    for module in modules:
        kind = str(module.get("type", "")).rsplit(".", 1)[-1]
        place = os.path.join(folder, module["path"]) if module.get("path") else folder
        if kind == "Transformer":
            found["model"] = place
            settings = _read(os.path.join(place, "sentence_bert_config.json"), dict) or {}
            found["max_seq_length"] = settings.get("max_seq_length")
        elif kind == "Pooling":
            found["pooling"] = _pooling(os.path.join(place, "config.json"))
        elif kind == "Normalize":
            found["normalize"] = True
        elif kind not in PASSED_OVER:
            found["unread"] = kind
    return SentenceFolder(**found)


def _pooling(path):
    config = _read(path, dict)
    if config is None:
        raise InputError(f"{path}: missing, but modules.json names it; copy the whole folder, or remove modules.json")
    modes = config.get("pooling_mode") or [name for key, name in POOLING_KEYS.items() if config.get(key)] or "mean"
    modes = [modes] if isinstance(modes, str) else modes
    return "+".join(POOLING_MODES.get(mode, mode) for mode in modes)


def _read(path, kind):
    """The JSON in a file; None where there is none."""
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); copy the file again") from None
    if not isinstance(content, kind) or (kind is list and not all(isinstance(entry, dict) for entry in content)):
        raise InputError(f"{path}: not what sentence-transformers writes; copy the file again")
    return content
