"""The scores of several runs as one: mean, standard deviation, and the single values."""

import numpy as np

from bertline.errors import InputError


def mean_and_deviation(scores):
    """key, key_std over the runs, and the single values, key_runs.

    Args:
      scores: name -> float of each run. The deviation is that of a sample; 0 of one run.
    """
    found = {}
    for key in scores[0]:
        values = np.array([one[key] for one in scores])
        found[key] = float(values.mean())
        found[f"{key}_std"] = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        found[f"{key}_runs"] = " ".join(f"{value:.6g}" for value in values)
    return found


def scores_of(found):
    """The scores of what `read` gives: without the step, and without deviations and single values of several runs."""
    others = {"global_step", "test_examples", *(f"{name}{suffix}" for name in found for suffix in ("_std", "_runs"))}
    return {name: value for name, value in found.items() if isinstance(value, float) and name not in others}


def read(path):
    """What `result_files.write_eval_results` wrote: name -> float, or str where it is none."""
    try:
        with open(path, encoding="utf-8") as file:
            pairs = [line.rstrip("\n").partition(" = ") for line in file]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; evaluate the run again") from error
    return {name: _number(text) for name, mark, text in pairs if mark}


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text
