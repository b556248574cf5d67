"""The output folder of a run: may it be written, and does it hold this run or another one?"""

import dataclasses
import json
import os
import shutil

from errors import InputError
from training.files import replaced

RUN_CONFIG = "run_config.json"
BYTES_FREE_AT_LEAST = 1 << 20


def check_writable(folder):
    """Makes the folder and writes to it once. Raises InputError: it cannot be made or written, or the disk is full."""
    probe = os.path.join(folder, ".writable")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(probe, "w", encoding="utf-8") as file:
            file.write("x")
        os.remove(probe)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise InputError(f"--output_dir={folder}: cannot be written: {error.strerror or error}") from error
    check_free_disk(folder, BYTES_FREE_AT_LEAST, free)


def check_free_disk(folder, needed_bytes, free=None):
    """Raises InputError where the disk of `folder` has less room."""
    free = shutil.disk_usage(folder).free if free is None else free
    if free < needed_bytes:
        raise InputError(f"--output_dir={folder}: {free >> 20} MiB free, {needed_bytes >> 20} MiB are needed")


def check_same_run(folder, settings, data_key):
    """Raises InputError where the folder holds a run whose settings or data would have given other weights."""
    path = os.path.join(folder, RUN_CONFIG)
    if not os.path.exists(path):
        return
    try:
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
    except ValueError as error:
        raise InputError(f"{path}: not the JSON that was written ({error}); use --overwrite_output_dir") from error
    for field in dataclasses.fields(settings):
        before, now = saved["settings"].get(field.name), getattr(settings, field.name)
        if field.metadata["shapes_weights"] and before != now:
            raise InputError(
                f"{folder} holds a run with --{field.name}={before}, this one has {now}; use the same value to continue "
                "it, another --output_dir, or --overwrite_output_dir"
            )
    if data_key and saved.get("training_data") not in (None, data_key):
        raise InputError(
            f"{folder} holds a run on other training data or another vocabulary; use another --output_dir, or "
            "--overwrite_output_dir"
        )


def write_run_config(folder, settings, **facts):
    """Writes run_config.json: every setting, and facts such as the training data's hash."""
    with replaced(os.path.join(folder, RUN_CONFIG)) as path, open(path, "w", encoding="utf-8") as file:
        json.dump({**facts, "settings": dataclasses.asdict(settings)}, file, indent=2, sort_keys=True)
