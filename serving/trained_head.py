"""What a fine-tuned folder has beside its encoder: a head, labels, and the length that it was trained with."""

import os

import json_files
import registry
from errors import InputError
from modeling.head_fields import label_names
from processors.labels import Labels
from training import heads, run_folder
from training.conversion import WithHeads
from training.saved_head import warn_of_cross_encoder
from training.weights import load_weights


def trained_length(path):
    """--max_seq_length of the run that wrote some weights; None where no run did.

    path: see `training.run_folder.run_of`.
    """
    run = run_folder.run_of(path)
    if run is None:
        return None
    length = run_folder.read_run_config(run)["settings"].get("max_seq_length")
    if type(length) is not int or length < 3:
        path = os.path.join(run, run_folder.RUN_CONFIG)
        raise InputError(
            f"{path}: max_seq_length is {json_files.shown(length)}, 3 or more is needed; copy the folder again"
        )
    return length


def read_classifier(encoder, source):
    """An objective that classifies, over an encoder that has its weights.

    Args:
      encoder: built.
      source: the WeightSource of its weights.

    Returns:
      (objective, Labels), or None where there is no such head. A Hugging Face model of one label and no problem type
      gives a score, as in that library.

    Raises:
      InputError: a part of the head is missing or of another shape, or the configuration says of it what cannot be.
    """
    config = source.config or {}
    stored = heads.present(source.canonical(WithHeads(encoder, heads.owner(config))), encoder)
    name = heads.owner(config, stored)
    if not heads.has(name, stored):
        return None
    shapes = source.shapes(WithHeads(encoder, name))
    objective = registry.get("objective", name).from_saved(encoder, config, shapes)
    count, kind = objective.num_labels, objective.problem_type
    names = label_names(config) or []
    if len(names) != count:
        names = [f"LABEL_{i}" for i in range(count)]
    labels = Labels(kind, [] if kind == "regression" else names)
    load_weights(_Head(objective), source, required=lambda name: True)
    warn_of_cross_encoder(config, source.config_path)
    return objective, labels


class _Head:
    """The weights of an objective that are not its encoder's."""

    def __init__(self, objective):
        self._objective, self.encoder = objective, objective.encoder
        self.huggingface_names = objective.huggingface_names

    def named_weights(self):
        encoder = self.encoder.named_weights()
        return {name: variable for name, variable in self._objective.named_weights().items() if name not in encoder}
