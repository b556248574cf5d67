"""The output folder of a run: may it be written, and does it hold this run or another one?"""

import dataclasses
import json
import os
import shutil
import tempfile

from errors import InputError
from files import replaced
from processors.text_files import is_remote

RUN_CONFIG = "run_config.json"
LABEL_MAP = "label_map.json"
BYTES_FREE_AT_LEAST = 1 << 20


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
        raise InputError(f"--output_dir={folder}: cannot be written: {existing}: {error.strerror or error}") from error
    check_free_disk(folder, BYTES_FREE_AT_LEAST)


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


def check_same_run(folder, settings, data_key, encoder_config):
    """Raises InputError where the folder holds a run whose settings, data or model would have given other weights.

    A folder that is to be overwritten may hold any run, but not the weights that the new one starts from.
    """
    path = os.path.join(folder, RUN_CONFIG)
    if settings.overwrite_output_dir:
        inside = os.path.abspath(folder) + os.sep
        if os.path.abspath(settings.init_checkpoint or os.sep).startswith(inside):
            raise InputError(f"--overwrite_output_dir would remove --init_checkpoint={settings.init_checkpoint}")
        return
    if not os.path.exists(path):
        return
    try:
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
        before_settings = dict(saved["settings"])
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: not the JSON that was written ({error}); use --overwrite_output_dir") from error
    for field in dataclasses.fields(settings):
        # A setting that is newer than the run had its default's meaning.
        before, now = before_settings.get(field.name, field.default), getattr(settings, field.name)
        if field.metadata["shapes_weights"] and before != now:
            raise InputError(
                f"{folder} holds a run with --{field.name}={before}, this one has {now}; use the same value to "
                "continue it, another --output_dir, or --overwrite_output_dir"
            )
    if data_key and saved.get("training_data") not in (None, data_key):
        raise InputError(
            f"{folder} holds a run on other training data or another vocabulary; use another --output_dir, or "
            "--overwrite_output_dir"
        )
    for name, before in (saved.get("encoder_config") or {}).items():
        if name in encoder_config and before != encoder_config[name]:
            raise InputError(
                f"{folder} holds a run of a model with {name} {before}, this one has {encoder_config[name]}; use the "
                "same configuration, another --output_dir, or --overwrite_output_dir"
            )


def saved_labels(folder):
    """The labels of a trained folder in the order of their ids; None where there is no label map."""
    path = os.path.join(folder, LABEL_MAP)
    if not os.path.exists(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            ids = json.load(file)
        return sorted(ids, key=lambda name: int(ids[name]))
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path}: not a label map: label -> id is needed ({error})") from error


def write_run_config(folder, settings, **facts):
    """Writes run_config.json: every setting, and facts such as the training data's hash."""
    with replaced(os.path.join(folder, RUN_CONFIG)) as path, open(path, "w", encoding="utf-8") as file:
        json.dump({**facts, "settings": dataclasses.asdict(settings)}, file, indent=2, sort_keys=True)
