"""A trained folder is used as it was trained: what a command leaves out is taken from the settings of the run."""

import dataclasses
import logging
import shlex
import types
import typing

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration import task_heads
from bertline.settings.base import OF_MODEL, OF_OBJECTIVE, OF_TASK
from bertline.settings.owned import find_fitting
from bertline.training.folder import run_folder

_FIRST = ("objective", "task_name", "tasks_file")  # others are taken over where these are the same


def as_trained(run, given):
    """The settings of evaluation or prediction, completed by those of the run that wrote the weights.

    That run is the one of the output folder, where it is trained, else the one of --init_checkpoint. How a file is
    encoded is not taken over: another encoding that happens to fit would change the texts, and nobody would be told.

    Args:
      run: RunSettings of a training script, as the command line gives them.
      given: name -> whether the command line names the setting; what it names is obeyed, and a line says where that
        differs.

    Returns:
      The settings to go on with; as they are where something is to be trained, or no run is known.

    Raises:
      InputError: the run's own settings cannot be read.
    """
    folder = None if run.do_train else run_folder.source_run(run)
    saved = run_folder.settings_of(folder, run_folder.task_of(run)) if folder else {}
    _check_task(run, folder)
    _check_script(run, saved, folder)
    _check_plugins(run, saved, folder, given)
    taken, different = {}, {}
    for field in sorted(dataclasses.fields(run), key=lambda one: one.name not in _FIRST):
        name = field.name
        here = taken.get(name, getattr(run, name))
        if name not in saved or saved[name] == here or not _is_meant(field, run, saved, taken):
            continue
        if name == "task_name" and _same_processor(here, saved[name]):
            continue
        if given(name):
            different[name] = saved[name]
        else:
            taken[name] = _check(saved[name], field, folder)
    if taken:
        logging.info("as %s was trained: %s", folder, _as_flags(taken))
    if different:
        here = {name: getattr(run, name) for name in different}
        logging.info("%s was trained with %s; here it is %s, as given", folder, _as_flags(different), _as_flags(here))
    return dataclasses.replace(run, **taken)


def _check_task(run, folder):
    """Raises InputError where the folder has several tasks, and the one that is named is none of them, or is a section
    whose name is that of no processor.
    """
    task, tasks = run_folder.one_task_of(run), run_folder.saved_tasks(folder) if folder else ()
    if not tasks or not task:
        return
    if not task_heads.find(tasks, task):
        raise task_heads.none_of(folder, tasks, task)
    if task == run.task_name and not _are_known("processor", task):
        raise InputError(f"--task_name={task}: a section of {folder}, no kind of files; give it as --init_task={task}")


def _check_script(run, saved, folder):
    """Raises InputError where another script trained the folder, for problems of another type."""
    wanted, objective = getattr(run, "problem_types", ()), saved.get("objective")
    if not wanted or "task_name" not in saved or objective not in registry.names("objective"):
        return
    if not find_fitting(type(run), "objective")(objective):
        raise InputError(
            f"{folder} was trained for --objective={objective}; {run.script} is for {', '.join(wanted)}; use the "
            "script that trained it"
        )


def _check_plugins(run, saved, folder, given):
    """Raises InputError where what is registered by a plugin of the training is needed and the plugin is not there."""
    files = saved.get("plugin") or ()
    for name, kind in (("objective", "objective"), ("task_name", "processor")):
        if not saved.get(name) or given(name) or not hasattr(run, name) or not files:
            continue
        if not _are_known(kind, saved[name]):
            # A plugin is a program, which only the command line may name.
            raise InputError(
                f"{folder} was trained with --{name}={saved[name]}, of a plugin; give "
                f"{' '.join(f'--plugin={shlex.quote(str(file))}' for file in files)}, or --{name}"
            )


def _are_known(kind, names):
    """Whether all of some names, several tasks have commas between them, are registered."""
    return {name.strip().lower() for name in str(names).split(",")} <= set(registry.names(kind))


def _is_meant(field, run, saved, taken):
    """Whether a setting of the run that wrote the weights says something of this command."""
    kind = field.metadata.get("as_trained")
    if field.name == "tasks_file" and run_folder.task_of(run):
        return False  # one of its tasks is used alone
    if kind not in (OF_OBJECTIVE, OF_TASK):
        return kind == OF_MODEL
    if hasattr(run, "task_name") != ("task_name" in saved):  # pre-training there, fine-tuning here
        return False
    if kind == OF_OBJECTIVE:
        return field.name == "objective" or saved.get("objective") == taken.get("objective", run.objective)
    if field.name == "task_name":
        return _are_known("processor", saved["task_name"])
    here = {**vars(run), **taken}
    if here.get("tasks_file") or "," in (here["task_name"] or ""):
        return all(here.get(name) == saved.get(name) for name in ("tasks_file", "task_name"))
    return _same_processor(here["task_name"], saved["task_name"])


def _same_processor(name, other):
    """Whether two names of tasks are those of one processor: tsv and csv are."""
    known = registry.names("processor")
    found = [registry.get("processor", one.lower()) for one in (name, other) if one and one.lower() in known]
    return len(found) == 2 and found[0] is found[1]


def _check(value, field, folder):
    kinds = typing.get_args(field.type) if isinstance(field.type, types.UnionType) else (field.type,)
    if type(value) not in kinds:
        raise InputError(
            f"{folder}/{run_folder.RUN_CONFIG}: {field.name} is {value!r}, which no run writes; give "
            f"--{field.name}, or copy the folder again"
        )
    return value


def _as_flags(settings):
    return " ".join(f"--{name}={shlex.quote(str(value))}" for name, value in settings.items())
