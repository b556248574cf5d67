"""Weights of several tasks, seen as those of one: its head alone, by the names that a folder of that task has."""

import dataclasses

from bertline.errors import InputError
from bertline.modeling.configuration import task_heads


def tasks_of(source):
    """The names of the tasks that a WeightSource has heads for; () where it is of one task, or tells nothing."""
    return task_heads.tasks_of(source.config or {})


def view(source, task):
    """The WeightSource of one task: the encoder, and the task's head.

    Raises:
      InputError: there is no such task, or several and none is named.
    """
    config = source.config or {}
    try:
        task_heads.check_task(config, task)
    except InputError as error:
        raise InputError(f"{source.config_path or source.path}: {error}") from error
    if task is None:
        return source
    starts = tuple(name + source.separator for name in task_heads.tasks_of(config))
    shared = {name: tensor for name, tensor in source.tensors.items() if not name.startswith(starts)}
    own = task_heads.names_of(source.tensors, task, source.separator)
    return dataclasses.replace(source, tensors={**shared, **own}, config=task_heads.config_of(config, task))


def view_if_there(source, task):
    """`view` where the source has a task of this name, see `task_heads.find`; the source itself where not.

    source: may be None.
    """
    found = task_heads.find(tasks_of(source), task) if source is not None else None
    return source if found is None else view(source, found)
