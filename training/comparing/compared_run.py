"""One of the runs that are compared: its settings, scores and curves, as its folder has them."""

import dataclasses
import glob
import os

from bertline.errors import InputError
from bertline.training.comparing import predicted_rows
from bertline.training.evaluation import summary
from bertline.training.folder import run_folder
from bertline.training.reporting import metrics_table

RESULTS = ("eval_results.txt", "test_results.txt")
# Where a run is and what a command did with it, rather than what it is.
_ELSEWHERE = ("output_dir", "records_dir", "overwrite_output_dir", "do_train", "do_eval", "do_predict")


@dataclasses.dataclass(frozen=True)
class ComparedRun:
    """Attributes:
    folder: as it was given. name: what tables call it, without the folders that all runs are in.
    settings: name -> value, without those that say where it is and what was done.
    scores: name -> float; deviations: the same of several seeds or folds, {} of one run.
    curves: rows of metrics.csv; [] where the folder has several runs.
    predicted: a predicted_rows.PredictedRows; None where the folder has no table of predictions.
    """

    folder: str
    name: str
    settings: dict
    scores: dict
    deviations: dict
    curves: list
    predicted: object


def read_all(folders):
    """The ComparedRuns of folders. Raises InputError."""
    above = os.path.commonpath([os.path.dirname(os.path.abspath(one)) for one in folders])
    return [read(one, os.path.relpath(os.path.abspath(one), above)) for one in folders]


def read(folder, name):
    """The ComparedRun of a folder. Raises InputError where it is not of a fine-tuning run that was evaluated."""
    config = _find_config(folder)
    settings = {name: value for name, value in config["settings"].items() if name not in _ELSEWHERE}
    for task, own in config.get(run_folder.TASKS, {}).items():
        settings |= {f"{task}.{name}": value for name, value in own.items()}
    scores, deviations = {}, {}
    for path in (os.path.join(folder, name) for name in RESULTS):
        if os.path.exists(path):
            found = summary.read(path)
            scores |= summary.scores_of(found)
            deviations |= {name: found[f"{name}_std"] for name in scores if f"{name}_std" in found}
    if not scores:
        raise InputError(f"--runs={folder}: no {' and no '.join(RESULTS)}; run it with --do_eval")
    _, curves = metrics_table.read(os.path.join(folder, metrics_table.NAME))
    predicted = predicted_rows.read(folder, settings.get("label_separator") or ",")
    return ComparedRun(folder, name, settings, scores, deviations, curves, predicted)


def _find_config(folder):
    """run_config.json of a folder, or of the first run below it, where it has several; what that of the folder above
    says of one of several tasks.
    """
    inner = sorted(glob.glob(os.path.join(glob.escape(folder), "*", "")))
    for place in (
        folder,
        *inner,
        *(deeper for one in inner for deeper in sorted(glob.glob(os.path.join(one, "*", "")))),
    ):
        found = run_folder.read_run_config(place)
        if found:
            return found
    above, task = os.path.split(os.path.abspath(folder))
    if task in (run_folder.read_run_config(above) or {}).get(run_folder.TASKS, {}):
        return {"settings": run_folder.settings_of(above, task)}
    raise InputError(f"--runs={folder}: no {run_folder.RUN_CONFIG}; give the --output_dir of a training script")


def check_same_task(runs):
    """Raises InputError for a run of another task than the first, or on other rows."""
    first = runs[0]
    for run in runs[1:]:
        for name in ("task_name", "problem_type"):
            here, there = (str(one.settings.get(name)).lower() for one in (run, first))
            if here != there:
                raise InputError(f"{run.folder} has --{name}={here}, {first.folder} {there}; compare runs of one task")
        if first.predicted and run.predicted:
            predicted_rows.check_same_rows(first.folder, first.predicted, run.folder, run.predicted)


def different_settings(runs):
    """Name -> the value of each run, of the settings that are not the same in all."""
    names = dict.fromkeys(name for run in runs for name in run.settings)
    values = {name: [run.settings.get(name) for run in runs] for name in sorted(names)}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}
