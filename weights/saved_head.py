"""What a folder says of the head in it: the names of its outputs, and what they are. Read without TensorFlow."""

import dataclasses
import logging
import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration import task_heads
from bertline.modeling.configuration.head_fields import check_head, label_names, problem_type
from bertline.processors.files.folders import is_remote
from bertline.training.folder import run_folder
from bertline.weights import heads
from bertline.weights.formats.sentence_transformers import LIBRARY_CONFIG, transformer_folder

_CONFIGS = ("config.json", "bert_config.json")
CROSS_ENCODER, IDENTITY = "CrossEncoder", "Identity"
_said = set()


@dataclasses.dataclass(frozen=True)
class SavedHead:
    """Attributes:
    objective: the registered name of the one that has it.
    labels: names in the order of their ids; None for a score.
    problem_type: see `bertline.processors.base.DataProcessor`.
    """

    objective: str
    labels: tuple[str, ...] | None
    problem_type: str


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
        [f"puts {json_files.excerpt(prompt)} before the text"] if prompt else []
    )
    if changes:
        _said.add(config_path)
        logging.warning(
            "%s: the score here is the output of the classifier, as of transformers; sentence-transformers %s",
            config_path,
            " and ".join(changes),
        )


def read_saved_head(path, task=None):
    """The SavedHead of a model folder, an output folder or a file beside a configuration; None where none is known.

    task: which head of a folder of several tasks is meant; others have one, and no name for it.

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
        own = task_heads.find(task_heads.tasks_of(config), task)
        if own:
            config = task_heads.config_of(config, own)
        check_head(config)
        # The library leaves out what is its default: two labels without names.
        objective, names = heads.owner(config), label_names(config) or ["LABEL_0", "LABEL_1"]
        if objective is None and "id2label" in config and not config.get("architectures"):
            objective = heads.owner_of_labels(problem_type(config, len(names)))
        kinds = heads.problem_types(objective)
        if not kinds:
            return None
        kind = kinds[0] if len(kinds) == 1 else problem_type(config, len(names))
    except InputError as error:
        raise InputError(f"{found}: {error}") from error
    return SavedHead(objective, None if kind == "regression" else tuple(names), kind)


def _config_path(path):
    """The configuration of a model folder, or beside a file or a checkpoint's prefix; None where there is none."""
    if os.path.isfile(path) or os.path.isfile(f"{path}.index"):
        path = os.path.dirname(path)
    inner = run_folder.model_folder(path)
    places = [transformer_folder(path), transformer_folder(inner)]
    files = (os.path.join(place, name) for place in places for name in _CONFIGS)
    return next((file for file in files if os.path.isfile(file)), None)
