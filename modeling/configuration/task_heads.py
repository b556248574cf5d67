"""A folder of several tasks, seen as that of one: what its configuration says of the task, and its weights' names."""

import re

from bertline.common import json_files
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE, check_head

COMBINED = "multi_task"  # the objective that has a head for each
# Entry of config.json: task -> what the config.json of its own folder would say of its labels.
TASKS = "tasks"
_HEADS = "heads"  # of the entry `objective`: task -> its name and options, as a folder of that task alone has them


def tasks_of(config):
    """The names of the tasks that a folder has a head for, in the order of training; () where it is of one task.

    Raises:
      InputError: an entry is damaged.
    """
    said = config.get(OBJECTIVE)
    heads = said.get(_HEADS) if isinstance(said, dict) else None
    if heads is None:
        return ()
    labels = config.get(TASKS)
    if not isinstance(labels, dict) or not isinstance(heads, dict) or set(labels) != set(heads) or not heads:
        raise InputError(
            f"{TASKS} is {json_files.excerpt(labels)}, an object with an entry for each of the heads of {OBJECTIVE} is "
            "needed; copy the folder again"
        )
    for task, own in labels.items():
        if not isinstance(own, dict) or TASKS in own:
            raise InputError(f"{TASKS}: {task} is {json_files.excerpt(own)}, an object of its labels is needed")
        if not isinstance(heads[task], dict):
            raise InputError(
                f"{OBJECTIVE}: {task} is {json_files.excerpt(heads[task])}, an object of its head is needed"
            )
        check_head({**own, OBJECTIVE: heads[task]})
    return tuple(heads)


def find(names, task):
    """The one of a folder's tasks that a name means: it, or the only one with the same letters (sst2 for sst-2); None
    where there is none.

    names: of tasks. task: a name; None, which means none.
    """
    if task in names:
        return task
    found = [name for name in names if letters(name) == letters(task or "")]
    return found[0] if len(found) == 1 else None


def none_of(path, names, task):
    """The error to raise where a folder of several tasks is used for one that is none of them."""
    return InputError(f"{path} has the heads of {', '.join(names)}, none of {task}; name the one meant by --init_task")


def letters(name):
    """The letters and digits of a task's name, in lower case."""
    return re.sub(r"[\W_]", "", name.lower())


def config_of(config, task):
    """The configuration of one task: the encoder's entries, its own labels, its own head.

    Raises:
      InputError: there is no such task, or the configuration is damaged.
    """
    check_task(config, task)
    shared = {name: value for name, value in config.items() if name not in (TASKS, "architectures")}
    return {**shared, **config[TASKS][task], OBJECTIVE: config[OBJECTIVE][_HEADS][task]}


def check_task(config, task):
    """Raises InputError where a folder has no such task, or has several and none is named.

    task: a name; None where nobody names one.
    """
    known = tasks_of(config)
    if task in known or not known and task is None:
        return
    if not known:
        raise InputError(f"--task_name={task}: the model is of one task, which is not named; leave it out")
    wrong = "of several tasks; --task_name is needed" if task is None else f"--task_name={task}: no task of the model"
    raise InputError(f"{wrong}; its tasks: {', '.join(known)}")


def names_of(named, task, separator):
    """The entries of one task's head, out of name -> anything, by the names that they have in a folder of that task.

    separator: between the task and a weight's name.
    """
    start = task + separator
    return {name.removeprefix(start): value for name, value in named.items() if name.startswith(start)}
