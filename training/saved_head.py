"""What a folder says of the classifier in it: the names of its outputs, and what they are. Read without TensorFlow.

Source: id2label, problem_type and architectures in config.json, as transformers writes and reads them.
"""

import dataclasses
import logging
import os

import json_files
from errors import InputError
from processors.folders import is_remote
from training import run_folder
from training.weight_formats.sentence_transformers import LIBRARY_CONFIG, transformer_folder

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")
ARCHITECTURE = "ForSequenceClassification"
# The library's own classes with a weight of the same name, which means something else there.
_OTHER_CLASSIFIERS = ("ForTokenClassification", "ForMultipleChoice")
_CONFIGS = ("config.json", "bert_config.json")
CROSS_ENCODER, IDENTITY = "CrossEncoder", "Identity"
_said = set()


@dataclasses.dataclass(frozen=True)
class SavedHead:
    """Attributes:
    labels: names in the order of their ids; None for a score.
    problem_type: see `processors.base.DataProcessor`.
    """

    labels: tuple[str, ...] | None
    problem_type: str


def label_names(config):
    """The names in id2label in the order of their ids, list of str; None where there is none.

    Args:
      config: a dict, of a configuration file.

    Raises:
      InputError: id2label is no object, or its ids are not 0, 1, 2, ...
    """
    named = config.get("id2label")
    if named is None:
        return None
    if not isinstance(named, dict):
        raise InputError(f"id2label is {json_files.shown(named)}, an object of ids and names is needed")
    ids = {}
    for key, name in named.items():
        if not key.isdecimal() or len(key) > 9 or isinstance(name, (dict, list)) or name is None:
            raise InputError(f"id2label has {json_files.shown({key: name})}, a number and a name are needed")
        ids[int(key)] = name if isinstance(name, str) else json_files.shown(name)
    if sorted(ids) != list(range(len(named))):
        raise InputError(
            f"id2label has the ids {json_files.shown(sorted(ids))}; 0 to {len(named) - 1} are needed, each once"
        )
    return [ids[number] for number in range(len(ids))]


def problem_type(config, count):
    """What a classifier of so many outputs gives; as in the library, one output alone is a score unless it is said.

    Args:
      config: checked by `check_head`.

    Raises:
      InputError: what is said does not fit the number.
    """
    said = config.get("problem_type")
    if said is None:
        return "regression" if count == 1 else "single_label_classification"
    if said == "regression" and count != 1:
        raise InputError(f"problem_type is regression with {count} outputs; one is read here")
    return said


def is_of_whole_texts(config):
    """Whether the weights that are called classifier are of whole texts, not of tokens or of choices."""
    return not any(name.endswith(_OTHER_CLASSIFIERS) for name in config.get("architectures") or [])


def check_whole_texts(config, path):
    """Raises InputError for a classifier of tokens or of choices; `path` begins the message."""
    if not is_of_whole_texts(config):
        raise InputError(f"{path}: a model {', '.join(config['architectures'])}, which does not classify whole texts")


def warn_of_cross_encoder(config, config_path):
    """Warns, once for each, where sentence-transformers would make another score of a CrossEncoder's output.

    Args:
      config_path: the file of the configuration, or None.
    """
    beside = os.path.join(os.path.dirname(config_path or ""), LIBRARY_CONFIG)
    if not config_path or config_path in _said or is_remote(beside):
        return
    library = json_files.read(beside) if os.path.isfile(beside) else {}
    said = config.get("sentence_transformers")  # in folders of its older versions
    activation = library.get("activation_fn") or (said.get("activation_fn") if isinstance(said, dict) else None)
    name, prompts, prompt = str(activation or IDENTITY).rsplit(".", 1)[-1], library.get("prompts"), None
    if library.get("model_type") == CROSS_ENCODER and isinstance(prompts, dict):
        prompt = prompts.get(str(library.get("default_prompt_name")))
    changes = ([f"applies {name} to it"] if name != IDENTITY else []) + (
        [f"puts {json_files.shown(prompt)} before the text"] if prompt else []
    )
    if changes:
        _said.add(config_path)
        logging.warning(
            "%s: the score here is the output of the classifier, as of transformers; sentence-transformers %s",
            config_path, " and ".join(changes),
        )  # fmt: skip


def check_head(config):
    """Raises InputError where what a configuration says of its head has a wrong type or an unknown value."""
    label_names(config)
    architectures = config.get("architectures") or []
    if not isinstance(architectures, list) or not all(isinstance(name, str) for name in architectures):
        raise InputError(f"architectures is {json_files.shown(architectures)}, a list of names is needed")
    ids, kind = config.get("label2id"), config.get("problem_type")
    if kind is not None and kind not in PROBLEM_TYPES:
        raise InputError(f"problem_type is {json_files.shown(kind)}, one of {', '.join(PROBLEM_TYPES)} is needed")
    if ids is not None and not (isinstance(ids, dict) and all(type(number) in (int, str) for number in ids.values())):
        raise InputError(f"label2id is {json_files.shown(ids)}, an object of names and ids is needed")


def read_saved_head(path):
    """The SavedHead of a model folder, an output folder or a file beside a configuration; None where none is known.

    Raises:
      InputError: the configuration is damaged, or says what cannot be.
    """
    if path is None or "://" in os.fspath(path):
        return None
    found = _config_path(os.fspath(path))
    if found is None:
        return None
    config = json_files.read(found)
    try:
        check_head(config)
        architectures = config.get("architectures") or []
        is_classifier = any(name.endswith(ARCHITECTURE) for name in architectures)
        names = label_names(config)
        if not is_classifier and (architectures or names is None):
            return None
        # The library leaves out what is its default: two labels without names.
        names = names or ["LABEL_0", "LABEL_1"]
        kind = problem_type(config, len(names))
    except InputError as error:
        raise InputError(f"{found}: {error}") from error
    return SavedHead(None if kind == "regression" else tuple(names), kind)


def _config_path(path):
    """The configuration of a model folder, or beside a file or a checkpoint's prefix; None where there is none."""
    if os.path.isfile(path) or os.path.isfile(f"{path}.index"):
        path = os.path.dirname(path)
    inner = run_folder.model_folder(path)
    places = [transformer_folder(path), transformer_folder(inner)]
    files = (os.path.join(place, name) for place in places for name in _CONFIGS)
    return next((file for file in files if os.path.isfile(file)), None)
