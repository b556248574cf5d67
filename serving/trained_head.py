"""What a fine-tuned folder has beside its encoder: a head, labels, and the length that it was trained with."""

import json
import os

import registry
from errors import InputError
from processors.labels import Labels
from training import run_folder
from training.building import model_folder
from training.conversion import WithHeads
from training.weights import load_weights


def trained_length(folder):
    """--max_seq_length of the run that wrote an output folder, or the model/ in one; None where no run did."""
    folder = os.path.abspath(folder)
    output_dir = os.path.dirname(folder)
    run = output_dir if model_folder(output_dir) == folder else folder
    path = os.path.join(run, run_folder.RUN_CONFIG)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return int(json.load(file)["settings"]["max_seq_length"])
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: not the JSON that a run writes ({error}); copy the folder again") from None


def read_classifier(encoder, source):
    """An objective that classifies, over an encoder that has its weights.

    Args:
      encoder: built.
      source: the WeightSource of its weights.

    Returns:
      (objective, Labels), or None where there is no such head. A Hugging Face model of one label and no problem type
      gives a score, as in that library.

    Raises:
      InputError: a part of the head is missing or of another shape.
    """
    stored = source.canonical(WithHeads(encoder))
    if "output_weights" not in stored or not stored.keys() >= encoder.named_weights().keys():
        return None
    count, config = stored["output_weights"].shape[0], source.config or {}
    problem_type = config.get("problem_type") or ("regression" if count == 1 else "single_label_classification")
    named = config.get("id2label") or {}
    names = [named[key] for key in sorted(named, key=int)]
    if len(names) != count:
        names = [f"LABEL_{i}" for i in range(count)]
    labels = Labels(problem_type, [] if problem_type == "regression" else names)
    objective = registry.get("objective", "sequence_classification")(encoder, count, problem_type)
    load_weights(_Head(objective), source, required=lambda name: True)
    return objective, labels


class _Head:
    """The weights of an objective that are not its encoder's."""

    def __init__(self, objective):
        self._objective = objective
        self.huggingface_names = objective.huggingface_names

    def named_weights(self):
        encoder = self._objective.encoder.named_weights()
        return {name: variable for name, variable in self._objective.named_weights().items() if name not in encoder}
