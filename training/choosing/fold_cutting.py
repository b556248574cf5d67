"""Which fold each training row is in: by label, by group, or plainly, as scikit-learn cuts."""

import logging
import warnings

import numpy as np

from bertline.errors import InputError

SHOWN = 5  # classes in a message


def cut(examples, num_folds, seed):
    """The fold of each row, from 0: an int array.

    Rows of one class each are spread so that each fold has its share of each class. Rows of one group (`group` of an
    example) are in one fold.

    Args:
      examples: list of examples. seed: int.

    Raises:
      InputError: there are fewer rows or groups than folds; all rows of a class are in one fold.
    """
    classes = [one.label for one in examples] if all(isinstance(one.label, str) for one in examples) else None
    groups = _groups(examples)
    sizes = {"rows": len(examples), **({"groups": len(set(groups))} if groups else {})}
    for what, count in sizes.items():
        if count < num_folds:
            raise InputError(f"--num_folds={num_folds}: {count} {what} to train on; give --num_folds={count} at most")
    folds = _assign(len(examples), num_folds, seed, classes, groups)
    if classes:
        _check_classes(classes, folds)
    return folds


def _groups(examples):
    """The group of each row, one of its own where it has none; None where no row has one."""
    groups = [getattr(one, "group", None) for one in examples]
    return None if set(groups) <= {None} else [(row,) if one is None else one for row, one in enumerate(groups)]


def _assign(count, num_folds, seed, classes, groups):
    from sklearn import model_selection

    kinds = {
        (False, False): model_selection.KFold,
        (True, False): model_selection.StratifiedKFold,
        (False, True): model_selection.GroupKFold,
        (True, True): model_selection.StratifiedGroupKFold,
    }
    splitter = kinds[classes is not None, groups is not None](num_folds, shuffle=True, random_state=seed)
    numbers, folds = _numbers(classes), np.zeros(count, np.int64)
    if numbers is not None and max(np.bincount(numbers)) < num_folds:
        raise InputError(
            f"--num_folds={num_folds}: no class has so many rows; give --num_folds={max(np.bincount(numbers))} at most"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rare classes, of which `_check_classes` says more
        for number, (_, held_out) in enumerate(splitter.split(np.zeros(count), numbers, _numbers(groups))):
            folds[held_out] = number
    return folds


def _numbers(names):
    """The number of each name in their order as texts, as scikit-learn orders them; None for None."""
    if names is None:
        return None
    known = {name: number for number, name in enumerate(sorted(set(names), key=str))}
    return np.array([known[name] for name in names])


def _check_classes(classes, folds):
    """Refuses folds where a class is missing in the rows to train on; says which are missing in the rows held out."""
    classes = np.array(classes)
    for name in dict.fromkeys(classes.tolist()):
        its = set(folds[classes == name].tolist())
        if len(its) == 1:
            [fold] = its
            raise InputError(
                f"--num_folds: all {np.sum(classes == name)} rows of the label {name!r} are in fold {fold + 1}, so a "
                "model that has not seen them cannot know it; give more rows of it, in several groups where rows are "
                "grouped, or leave it out"
            )
    for fold in np.unique(folds).tolist():
        lacking = sorted(set(classes.tolist()) - set(classes[folds == fold].tolist()))
        if lacking:
            shown = ", ".join(lacking[:SHOWN]) + (f", ... ({len(lacking)} in all)" if len(lacking) > SHOWN else "")
            logging.warning(
                "fold %d has no row of %s: its scores by class say nothing of these; fewer folds (--num_folds) or more "
                "rows of them help",
                fold + 1,
                shown,
            )
