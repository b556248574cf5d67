"""The output folder of a run: may it be written, and does it hold this run or another one?"""

import dataclasses
import json
import logging
import os
import re
import shutil
import tempfile

from bertline.common import json_files
from bertline.common.files import remove_abandoned, replace_file
from bertline.common.locks import Lock
from bertline.errors import InputError
from bertline.modeling.configuration import task_heads
from bertline.processors.files.folders import is_remote

RUN_CONFIG = "run_config.json"
_MEND = "copy the file again, or give another --output_dir"
OVERWRITING = "overwriting"  # entry of run_config.json: a command with --overwrite_output_dir is at work here
# Entry of run_config.json: task of several -> settings of its own that differ from the run's, its weight and metric.
TASKS = "tasks"
LABEL_MAP = "label_map.json"
LOCK = ".lock"
_ANEW = "--overwrite_output_dir removes that run and begins anew"
BYTES_FREE_AT_LEAST = 1 << 20
# What weights are called in an output folder.
_WEIGHTS = re.compile(r"model|model\.safetensors|best|(model\.ckpt(-bertline)?|weights)-\d+(\.index)?")


def check_writable(folder):
    """Raises InputError: the folder, or the one that it would be made in, cannot be written. Makes nothing."""
    if is_remote(folder):
        raise InputError(f"--output_dir={folder}: a folder of this machine is needed; inputs may be elsewhere")
    existing = _nearest_existing(folder)
    if not os.path.isdir(existing):
        raise InputError(f"--output_dir={folder}: cannot be written: {existing} is a file, not a folder")
    try:
        # Rights alone say too little: to the superuser everything is allowed, on a read-only disk too.
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"x")
    except OSError as error:
        raise InputError(
            f"--output_dir={folder}: cannot be written: {existing}: {error.strerror or error}; "
            "name a folder that you may write"
        ) from error
    check_free_disk(folder, BYTES_FREE_AT_LEAST)


def lock(folder):
    """The Lock of an output folder, which is made where it is missing; what killed runs left in it is removed.

    Raises:
      InputError: another command is at work in it.
    """
    found = Lock(
        os.path.join(folder, LOCK),
        f"--output_dir={folder}: another command is at work there; wait for its end, stop it, or give another folder",
    )
    for part in ("", "best", "model", "records"):
        remove_abandoned(os.path.join(folder, part))
    return found


def check_free_disk(folder, needed_bytes):
    """Raises InputError where the disk of `folder` has less room."""
    free = shutil.disk_usage(_nearest_existing(folder)).free
    if free < needed_bytes:
        raise InputError(f"--output_dir={folder}: {free >> 20} MiB free, {needed_bytes >> 20} MiB are needed")


def _nearest_existing(folder):
    path = os.path.abspath(folder)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def check_same_run(folder, settings, data_key, encoder_config, dev_key=None, tasks=None):
    """Raises InputError where the folder holds a run whose settings, data or model would have given other weights.

    A folder that is to be overwritten may hold any run.

    Args:
      data_key, dev_key: hashes of the data to train on and of that to compare evaluations on; None where unknown.
      tasks: task of several -> settings of its own; None: there is one task.

    Returns:
      The settings to go on with: without --overwrite_output_dir where what the folder holds is of the same command,
      which began by overwriting and was stopped.
    """
    if not settings.overwrite_output_dir:
        _compare(folder, settings, data_key, encoder_config, dev_key, tasks)
        return settings
    try:
        _compare(folder, settings, data_key, encoder_config, dev_key, tasks)
    except InputError:
        return settings
    if not is_overwriting(folder):
        return settings
    logging.info("--overwrite_output_dir: %s holds what this command wrote before it was stopped; it goes on", folder)
    return dataclasses.replace(settings, overwrite_output_dir=False)


def _compare(folder, settings, data_key, encoder_config, dev_key, tasks):
    saved = read_run_config(folder)
    if saved is None:
        return
    # Which weights come out, and when a run stops, is decided by evaluations where there is a choice.
    chosen = {"eval_steps"} if settings.keep_best or settings.patience else set()
    for field in dataclasses.fields(settings):
        # A setting that is newer than the run had its default's meaning.
        before, now = saved["settings"].get(field.name, field.default), getattr(settings, field.name)
        if (field.metadata["shapes_weights"] or field.name in chosen) and before != now:
            raise InputError(
                f"{folder} holds a run with --{field.name}={before}, this one has {now}; use the same value to "
                f"continue it, or another --output_dir ({_ANEW})"
            )
    if data_key and saved.get("training_data") not in (None, data_key):
        shaping = {field.name for field in dataclasses.fields(settings) if field.metadata["shapes_weights"]}
        _compare_tasks(folder, saved.get(TASKS, {}), tasks or {}, {*shaping, "weight", "metric", "data_dir"})
        raise InputError(
            f"{folder} holds a run on other training data or another vocabulary; use another --output_dir ({_ANEW})"
        )
    if chosen and dev_key and saved.get("dev_data") not in (None, dev_key):
        raise InputError(
            f"{folder} holds a run whose weights were chosen on other dev data; use another --output_dir ({_ANEW})"
        )
    for name, before in (saved.get("encoder_config") or {}).items():
        if name in encoder_config and before != encoder_config[name]:
            raise InputError(
                f"{folder} holds a run of a model with {name} {before}, this one has {encoder_config[name]}; use the "
                f"same configuration, or another --output_dir ({_ANEW})"
            )


def _compare_tasks(folder, before, now, names):
    """Raises InputError where a section of the recipe says something else of these names than it said."""
    for task in before.keys() & now.keys():
        for name in sorted(names & (before[task].keys() | now[task].keys())):
            was, here = (tasks[task].get(name, "that of the run") for tasks in (before, now))
            if was != here:
                raise InputError(
                    f"{folder} holds a run whose task {task} has {name} = {was}, this one has {here}; use the same "
                    f"recipe to continue it, or another --output_dir ({_ANEW})"
                )


def model_folder(output_dir):
    """Where a run's weights alone are written, in the Hugging Face layout."""
    return os.path.join(output_dir, "model")


def add_model_entries(output_dir, entries):
    """Writes entries into config.json of a run's own model, where there is one."""
    path = os.path.join(model_folder(output_dir), "config.json")
    if not os.path.isfile(path):
        return
    content = {**json_files.read(path), **entries}
    with replace_file(path) as unfinished, open(unfinished, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)


def saved_tasks(folder):
    """The names of the tasks that a trained folder has heads for; () where it is of one task, or not finished."""
    path = os.path.join(model_folder(folder), "config.json")
    return task_heads.tasks_of(json_files.read(path)) if os.path.isfile(path) else ()


def saved_labels(folder):
    """The labels of a trained folder in the order of their ids; None where there is no label map.

    Raises:
      InputError: it is damaged: the ids of n labels are the numbers from 0 to n - 1.
    """
    path = os.path.join(folder, LABEL_MAP)
    if not os.path.exists(path):
        return None
    ids = json_files.read(path)
    numbers = [number for number in ids.values() if type(number) is int]
    if sorted(numbers) != list(range(len(ids))):
        raise InputError(f"{path}: not a label map, label -> id from 0 to {len(ids) - 1}; copy the file again")
    return sorted(ids, key=ids.get)


def write_run_config(folder, settings, **facts):
    """Writes run_config.json: every setting, and facts such as the training data's hash."""
    _write(folder, {**facts, "settings": dataclasses.asdict(settings)})


def _write(folder, config):
    with replace_file(os.path.join(folder, RUN_CONFIG)) as path, open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2, sort_keys=True)


def read_run_config(folder):
    """What `write_run_config` wrote, as a dict; None where there is none. Raises InputError where it is damaged."""
    path = os.path.join(folder, RUN_CONFIG)
    if not os.path.exists(path):
        return None
    saved = json_files.read(path, mend=_MEND)
    objects = {"settings": saved.get("settings"), **{n: saved[n] for n in ("encoder_config", TASKS) if n in saved}}
    if isinstance(saved.get(TASKS), dict):
        objects |= {f"{TASKS}: {task}": own for task, own in saved[TASKS].items()}
    for name, value in objects.items():
        if not isinstance(value, dict):
            raise InputError(f"{path}: {name}: a JSON object is needed; {_MEND}")
    return saved


def settings_of(folder, task=None):
    """Name -> value of the settings of a folder's run, {} where there is none.

    task: of several, with its own in the place of the run's; see `bertline.modeling.configuration.task_heads.find`.
    """
    saved = read_run_config(folder) or {}
    tasks = saved.get(TASKS, {})
    return {**saved.get("settings", {}), **tasks.get(task_heads.find(tasks, task), {})}


def one_task_of(settings):
    """`task_of` where the command is for one task; None where it is for several, or names none."""
    task = task_of(settings)
    return None if getattr(settings, "tasks_file", None) or "," in (task or "") else task


def task_of(settings):
    """Which task of a trained folder a command means: --init_task, else --task_name; None where it names none."""
    return getattr(settings, "init_task", None) or getattr(settings, "task_name", None)


def run_of(path):
    """The output folder of the run that wrote some weights, by any of their names; None where no run did.

    path: OUTPUT_DIR, or in it model, model/model.safetensors, model.ckpt-100, best/weights-100; or another path.
    """
    if not path or is_remote(path):
        return None
    path = os.path.abspath(path)
    for _ in range(3):
        if os.path.isfile(os.path.join(path, RUN_CONFIG)):
            return path
        path, name = os.path.split(path)
        if not _WEIGHTS.fullmatch(name):
            return None
    return None


def source_run(settings):
    """The folder of the run whose weights are evaluated or used for prediction; None where no run wrote them."""
    own = seed_folder(settings)
    return run_of(own) if is_trained(own) else run_of(settings.init_checkpoint)


def seed_folder(settings):
    """The folder of the first seed's run."""
    return os.path.join(settings.output_dir, f"run-{settings.seed}" if getattr(settings, "num_runs", 1) > 1 else "")


def is_trained(output_dir):
    """Whether a run ended there, so that its weights can be used."""
    return os.path.exists(os.path.join(model_folder(output_dir), "model.safetensors"))


def is_overwriting(folder):
    """Whether the folder's run was begun by a command with --overwrite_output_dir that has not ended."""
    return bool((read_run_config(folder) or {}).get(OVERWRITING))


def end_overwriting(folder):
    """Notes that the command has done all that it was asked for: given again, it overwrites again."""
    if is_overwriting(folder):
        _write(folder, {**read_run_config(folder), OVERWRITING: False})
