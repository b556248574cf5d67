"""Arguments of `fit` as the settings of run_classifier.py."""

import dataclasses
import difflib
import os
import types
import typing

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings

TASK = "delimited"  # whose options these are, so that the script goes on with the folder
# Settings of the script that the call says in another way, or has no use for.
ELSEWHERE = {
    "init_checkpoint": "model=",
    "num_train_epochs": "epochs=",
    "do_train": "fit",
    "do_eval": "dev=",
    "do_predict": "predict",
    "task_name": "texts and labels",
    "data_dir": "texts and labels",
    "train_file": "texts and labels",
    "dev_file": "dev=",
    "test_file": "predict",
    "train_records": "texts and labels",
    "eval_records": "dev=",
    "predict_records": "predict",
    "plugin": "an import of the file",
    "num_runs": "a call for each seed",
    "test_fraction": "evaluate",
    "dry_run": "run_classifier.py",
    "num_folds": "run_classifier.py",
    "group_column": "run_classifier.py",
    "fold_seed": "run_classifier.py",
    "search": "run_classifier.py",
    "search_trials": "run_classifier.py",
    "search_stop": "run_classifier.py",
    "tasks_file": "run_classifier.py",
    "task_sampling": "run_classifier.py",
    "best_task": "run_classifier.py",
}


def make_settings(given, *, model, epochs, seed, output_dir, problem_type, has_dev):
    """ClassifierSettings of a run that trains, and evaluates where there are dev rows.

    Args:
      given: name -> value of other settings.

    Raises:
      TypeError: an unknown name. InputError: one that is said in another way, a value of a wrong type, no model.
    """
    fields = {field.name: field for field in dataclasses.fields(ClassifierSettings)}
    for name in given:
        if name in ELSEWHERE:
            raise InputError(f"{name}: of no use here; it is said by {ELSEWHERE[name]}")
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            raise TypeError(f"fit has no argument {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if model is None and not given.get("bert_config_file"):
        raise InputError(
            "model: None; a folder or a checkpoint to start from is needed, or bert_config_file and vocab_file for "
            "random weights"
        )
    # A process that is started imports the main module again, which in a plain script would call fit once more.
    values = {
        "num_processes": 1,
        **given,
        "task_name": TASK,
        "problem_type": problem_type,
        "init_checkpoint": model,
        "num_train_epochs": epochs,
        "seed": seed,
        "output_dir": output_dir,
        "do_train": True,
        "do_eval": has_dev or bool(given.get("dev_fraction")),
    }
    return ClassifierSettings(**{name: _of_type(fields[name], value) for name, value in values.items()})


def _of_type(field, value):
    """The value, Python's own in the place of numpy's. Raises InputError where it is of another type than the field."""
    value = value.item() if hasattr(value, "item") else value
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    kinds = typing.get_args(field.type) if isinstance(field.type, types.UnionType) else (field.type,)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        wanted = " or ".join("None" if kind is types.NoneType else kind.__name__ for kind in kinds)
        raise InputError(f"{field.name}={value!r:.40}: {wanted} is needed")
    return value
