"""Several tasks of one run: their names, or the sections of a recipe file, become the settings of each."""

import dataclasses
import hashlib
import json
import math
import re

from bertline import registry
from bertline.errors import InputError, naming
from bertline.modeling.configuration.task_heads import letters
from bertline.processors.files import folders
from bertline.settings import flags, owned
from bertline.training.jobs import long_texts, recipe_file

# What is said of one task; all else is of the run. Beside these: the options of tasks and objectives.
OF_TASK = (
    "task_name",
    "data_dir",
    "objective",
    "loss",
    "terms",
    "sampling",
    "calibrate",
    "abstain_below",
    "tune_thresholds",
    "truncate",
    "truncate_text",
    "windows",
    "window_stride",
    "max_windows",
    "train_batch_size",
    "eval_batch_size",
    "predict_batch_size",
    "length_pool_batches",
    "max_seq_length",
    "encoding",
    "train_records",
    "eval_records",
    "predict_records",
)
OF_SECTION = {"weight": float, "metric": str}  # keys that are no flags
# Names of what else lies in an output folder.
_TAKEN = ("best", "model", "records")
_NAME = re.compile(r"[A-Za-z0-9][\w-]*")


@dataclasses.dataclass(frozen=True)
class TaskPlan:
    """Attributes:
    name: of the task, of its head and of its folder.
    run: the settings, with its own in the place of the run's.
    weight: how much its loss counts.
    metric: the score that picks its best weights; None: the first of the task's own.
    """

    name: str
    run: object
    weight: float = 1.0
    metric: str | None = None

    def own_settings(self, run):
        """Name -> value of the settings that differ from those of the run of all, its weight and metric."""
        values = {name: getattr(self.run, name) for name in _fields(self.run)}
        different = {name: value for name, value in values.items() if value != getattr(run, name)}
        return {**different, "weight": self.weight, "metric": self.metric}

    def key(self):
        """Hash of what shapes the weights, beside its data."""
        names = [name for name in _fields(self.run) if _shapes(self.run, name)]
        said = [self.name, self.weight, self.metric, *((name, getattr(self.run, name)) for name in names)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def is_of_several(run):
    """Whether the settings name several tasks, or a recipe file."""
    if not hasattr(run, "tasks_file"):  # a script for one task
        return False
    return bool(run.tasks_file) or "," in (run.task_name or "")


def check_flags(run):
    """Raises InputError for settings that no run of a task, or of several, can have."""
    flags.check_run(run, "predict_batch_size", "num_train_epochs", "num_runs")
    flags.check_share(run, "warmup_proportion")
    if is_of_several(run):
        for name in ("num_folds", "init_task"):
            if getattr(run, name) is not None:
                raise InputError(f"--{name} is for one task; give the --task_name of one, or leave it out")
        for name, said in _of_no_use(run).items():
            if name not in _fields(run):  # it is of all tasks together
                raise InputError(said)
        plans(run)
        return
    _check_task(run)
    long_texts.check_truncation(run)
    for field in dataclasses.fields(run):
        if field.name in ("task_sampling", "best_task") and getattr(run, field.name) != field.default:
            raise InputError(
                f"--{field.name} is of no use with one task; give several as --task_name, or --tasks_file; leave it out"
            )


def _check_task(run):
    """Raises InputError for what is said of a task and cannot be, or is of no use to it."""
    long_texts.check(run)
    for said in _of_no_use(run).values():
        raise InputError(said)


def _of_no_use(run):
    """Settings that are given and change nothing of a task: name -> what to say of it."""
    return owned.of_no_use(run) | long_texts.of_no_use(run)


def plans(run):
    """The TaskPlans of --task_name=A,B or of --tasks_file, in the order in which they are named.

    Raises:
      InputError: what does not fit, with file and section.
    """
    if run.tasks_file and run.task_name:
        raise InputError(f"--task_name={run.task_name}: the sections of --tasks_file say the tasks; leave one out")
    if run.data_dir is None and not run.tasks_file:
        raise InputError("--data_dir is needed: the folder that has a folder for each task")
    sections, shared = recipe_file.read(run.tasks_file) if run.tasks_file else (_of_names(run.task_name), {})
    found, of_no_use = [], []
    for name, section in sections.items():
        with naming(f"{run.tasks_file or '--task_name'} [{name}]"):
            plan, left_out = _plan(run, name, section, shared)
        found.append(plan)
        of_no_use.append(left_out)
    for name, said in of_no_use[0].items():
        if all(name in left_out for left_out in of_no_use):
            raise InputError(said)
    if run.best_task and run.best_task not in sections:
        raise InputError(f"--best_task={run.best_task}: no task of this run; its tasks: {', '.join(sections)}")
    return found


def _of_names(text):
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for i, name in enumerate(names):
        if any(registry.get("processor", name) is registry.get("processor", other) for other in names[:i]):
            raise InputError(f"--task_name={text}: {name} is there twice; leave one out, or give --tasks_file")
    if not names:
        raise InputError(f"--task_name={text}: no name of a task in it")
    return {name: {} for name in names}


def _plan(run, name, section, shared):
    """(TaskPlan, settings of all tasks that are of no use to it: name -> what to say of it).

    section, shared: what the recipe says of it, and of all tasks.
    """
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise InputError(
            f"the name {name!r}: letters, numbers, - and _ are needed, and no name of a folder of the run "
            f"({', '.join(_TAKEN)})"
        )
    known, own_keys, section = _fields(run), section.keys(), {**shared, **section}
    unknown = sorted(section.keys() - known.keys() - OF_SECTION.keys())
    if unknown and unknown[0] in {field.name for field in dataclasses.fields(run)}:
        raise InputError(f"{unknown[0]} is of all tasks together; take it out and give --{unknown[0]}")
    if unknown:
        raise InputError(f"unknown key {unknown[0]}; known: {', '.join(sorted([*known, *OF_SECTION]))}")
    values = {key: _value(section[key], known.get(key), key) for key in section}
    more = {key: values.pop(key) for key in OF_SECTION if key in values}
    if "data_dir" not in values and run.data_dir:
        values["data_dir"] = _own_folder(run.data_dir, name)
    own = dataclasses.replace(run, **{**values, "task_name": values.get("task_name") or name})
    registry.get("processor", own.task_name.lower())
    own, left_out = _leave_out(own, known.keys() - own_keys)
    _check_task(own)
    if not 0 < more.get("weight", 1.0) < math.inf:
        raise InputError(f"weight = {more['weight']}: a number above 0 is needed")
    if "metric" in more:
        registry.get("score", more["metric"])
    return TaskPlan(name, own, **more), left_out


def _leave_out(own, names):
    """(the settings without those of these names that are of no use here, name -> what to say of it).

    What is said of all tasks is of those that take it. What a section says itself has to be of use.
    """
    found = {}
    # One that is left out may have been what another one is for: --loss=focal, and --focal_gamma.
    while more := {key: said for key, said in _of_no_use(own).items() if key in names}:
        found |= more
        defaults = {field.name: field.default for field in dataclasses.fields(own)}
        own = dataclasses.replace(own, **{key: defaults[key] for key in more})
    return own, found


def _fields(run):
    """Name -> field of what a section may say."""
    found = {}
    for field in dataclasses.fields(run):
        kinds = {kind for kind, _ in field.metadata.get("owners", ())}
        if field.name in OF_TASK or kinds & {"processor", "objective", "loss", "term"}:
            found[field.name] = field
    return found


def _shapes(run, name):
    return _fields(run)[name].metadata["shapes_weights"] and name != "data_dir"


def _value(given, field, key):
    """The value of a key; its field is None where it is no flag. An empty text takes back what is said of all tasks."""
    if field and not str(given).strip():
        return field.default
    return recipe_file.value(given, flags.kind(field) if field else OF_SECTION[key], key)


def _own_folder(data_dir, task):
    """The folder of a task in --data_dir: SST-2 is that of sst-2 and of sst2."""
    there = [name.rstrip("/") for name in folders.list_files(data_dir)] if folders.is_folder(data_dir) else []
    found = [name for name in there if letters(name) == letters(task)]
    if len(found) != 1:
        wrong = f"{' and '.join(sorted(found))} are both there" if found else "no folder of the task in it"
        raise InputError(
            f"--data_dir={data_dir}: {wrong}; found: {', '.join(sorted(there)[:8]) or 'nothing'}; --tasks_file says a "
            "data_dir for each task"
        )
    return f"{data_dir.rstrip('/')}/{found[0]}"
