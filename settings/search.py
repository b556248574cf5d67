"""--search: which settings are tried, as values of flags. Read and checked without TensorFlow and numpy."""

import collections
import dataclasses
import difflib
import itertools
import math
import random

from bertline import registry
from bertline.errors import InputError
from bertline.settings import flags

STOPS = ("median",)
_FORM = "--search='learning_rate:1e-5,3e-5;num_train_epochs:2,3'"
# They say where, whether, on which rows and for what a run works, so that trials could not be compared.
_NEVER = {
    "task_name",
    "tasks_file",
    "problem_type",
    "best_task",
}
# They shape the weights too; a folder sees it by its data and its model.
_ALSO = {"bert_config_file", "vocab_file", "do_lower_case"}
_BOOLS = {"true": True, "1": True, "false": False, "0": False}

Range = collections.namedtuple("Range", "low high")


def read(run, given):
    """What --search says: name of a setting -> list of values, or a Range.

    Args:
      run: TaskSettings. given: name -> whether the command line names the setting too.

    Raises:
      InputError: a flag that is unknown or makes no sense here, a value of another type, wrong syntax.
    """
    found = {}
    for part in filter(str.strip, run.search.split(";")):
        name, colon, cells = part.partition(":")
        name, cells = name.strip().removeprefix("--"), cells.strip()
        if not colon or not cells:
            raise InputError(f"--search: {part.strip()!r}: a flag, a colon and values are needed, as {_FORM}")
        field = _find(name, run)
        if name in found:
            raise InputError(f"--search: {name} is there twice; give all its values in one place")
        if given(name):
            raise InputError(f"--{name} is given, and --search tries values of it; leave one of them out")
        found[name] = _read_values(field, cells, run)
    if not found:
        raise InputError(f"--search={run.search}: no flag to try values of; give it as {_FORM}")
    return found


def _find(name, run):
    """The field of a setting that may be tried."""
    fields = {field.name: field for field in dataclasses.fields(run)}
    if name not in fields:
        near = difflib.get_close_matches(name, fields, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; --help lists the flags"
        raise InputError(f"--search: no flag is called {name}{hint}")
    field = fields[name]
    shapes = field.metadata["shapes_weights"] or name in _ALSO
    if not shapes or name in _NEVER or flags.kind(field) is tuple:
        raise InputError(
            f"--search: {name} makes no other weights, or scores that cannot be compared; try flags of the training, "
            "as learning_rate, and leave it out"
        )
    return field


def _read_values(field, cells, run):
    kind = flags.kind(field)
    if ".." in cells and kind in (int, float):
        low, high = (_value(field, kind, cell) for cell in cells.split("..", 1))
        if not low < high:
            raise InputError(f"--search: {field.name}:{cells}: the first number of a range is the lower one")
        return Range(low, high)
    values = [_value(field, kind, cell.strip()) for cell in cells.split(",")]
    if len(set(values)) < len(values):
        raise InputError(f"--search: {field.name}:{cells}: a value is there twice; leave one out")
    _check_names(field, values, run)
    return values


def _value(field, kind, cell):
    try:
        value = _BOOLS[cell.lower()] if kind is bool else kind(cell)
        if kind is not float or math.isfinite(value):
            return value
    except (KeyError, ValueError):
        pass
    wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
    raise InputError(f"--search: {field.name}:{cell}: {wanted} is needed") from None


def _check_names(field, values, run):
    """Raises InputError for a name that is not registered, where the setting names an objective, an optimizer, ..."""
    for kind in (kind for kind, setting in run.owners.items() if setting == field.name):
        known = registry.names(kind)
        for name in filter(None, values):
            if name.lower() not in known:
                raise InputError(f"--search: {field.name}:{name}: one of {', '.join(known)} is needed")


def trials(values, count=None, seed=0):
    """The settings of each trial, list of dict name -> value.

    Args:
      values: what `read` gives.
      count: int, so many at random, never the same twice; of a larger count the first ones are the same. None: all
        combinations, in the order of `itertools.product`.
      seed: int.

    Raises:
      InputError: a range, which has no end of values, without a count.
    """
    ranges = [name for name, of in values.items() if isinstance(of, Range)]
    if count is None and ranges:
        raise InputError(f"--search: {ranges[0]} has a range; --search_trials says how many settings to draw")
    rng = random.Random(seed)
    if ranges:
        return _draw(values, count, rng)
    grid = [dict(zip(values, chosen)) for chosen in itertools.product(*values.values())]
    if count is not None:
        rng.shuffle(grid)
    return grid[:count]


def _draw(values, count, rng):
    found = []
    for _ in range(100 * count):  # whole numbers of a small range may come again
        trial = {name: _draw_one(of, rng) for name, of in values.items()}
        if trial not in found:
            found.append(trial)
        if len(found) == count:
            break
    return found


def _draw_one(of, rng):
    if not isinstance(of, Range):
        return rng.choice(of)
    low, high = of
    if isinstance(low, int):
        return rng.randint(low, high)
    drawn = math.exp(rng.uniform(math.log(low), math.log(high))) if low > 0 else rng.uniform(low, high)
    return min(max(float(f"{drawn:.3g}"), low), high)  # short, since people read and paste it


def check(run, given):
    """The settings of each trial of a command, see `trials`; None where it searches nothing.

    Raises:
      InputError: what does not fit.
    """
    if not run.search:
        for name in ("search_trials", "search_stop"):
            if getattr(run, name) is not None:
                raise InputError(f"--{name} is of no use without --search; give both, or leave it out")
        return None
    if not run.do_train:
        raise InputError("--search compares trained models: --do_train is needed")
    if not (run.do_eval or getattr(run, "num_folds", None)):
        raise InputError("--search compares scores: --do_eval is needed, or --num_folds")
    flags.check_positive(run, "search_trials")
    if run.search_stop is not None:
        flags.check_choice(run, "search_stop", STOPS)
        if not run.eval_steps:
            raise InputError(f"--search_stop={run.search_stop} looks at evaluations: --eval_steps is needed")
    return trials(read(run, given), run.search_trials, run.seed)
