"""From settings to what an objective takes beside the encoder: weights of classes, a loss, a range; and sampling."""

import collections
import logging
import math

from bertline import options, registry
from bertline.errors import InputError
from bertline.modeling.objective import Objective
from bertline.processors.records import sampling
from bertline.training.evaluation.calibration import KINDS as CALIBRATIONS
from bertline.training.jobs.building import arguments_of


def objective_arguments(run, objective_class, processor, labels, train_examples):
    """What the objective takes beside the encoder. Raises InputError where it and the task do not fit together."""
    if labels.problem_type not in objective_class.problem_types:
        wanted = " or ".join(objective_class.problem_types) or "no task: it is an objective of pre-training"
        known = registry.literals("objective", "problem_types")
        fitting = [name for name, types in known.items() if labels.problem_type in types]
        raise InputError(
            f"--objective={run.objective} is for {wanted}; --task_name={run.task_name} is {labels.problem_type}; "
            f"--objective={' or '.join(fitting)} is needed"
        )
    found = arguments_of(
        objective_class,
        vars(run),
        num_labels=labels.num_labels,
        problem_type=labels.problem_type,
        class_weights=class_weights(run, labels, train_examples),
        loss=make_loss(run, labels, train_examples),
        score_range=score_range(getattr(run, "score_range", None), processor.score_range),
    )
    if "score_range" in found and not found["score_range"]:
        raise InputError(
            f"--score_range is needed: two scores, as 0,5: that of texts with nothing in common and that of texts that "
            f"say the same; --task_name={run.task_name} has none of its own"
        )
    return found


def score_range(text, own):
    """--score_range -> (low, high); the task's own where it is not given."""
    if not text:
        return own
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--score_range={text}: two numbers separated by a comma are needed, as 0,5") from None
    if low == high or not math.isfinite(high - low):
        raise InputError(f"--score_range={text}: two different numbers are needed, both finite")
    return low, high


def class_weights(run, labels, train_examples):
    """--class_weights -> list of floats in the order of the labels; None where none are given, or nothing is trained
    whose classes could be counted. Raises InputError for what are no weights.
    """
    text, names = getattr(run, "class_weights", None), labels.names
    if not text:
        return None
    if not names:
        raise InputError("--class_weights is of no use for scores, which have no classes; leave it out")
    if text == "balanced":
        return _balance(run, names, train_examples)
    parts = [part.rpartition("=") for part in text.split(",")]
    given = {name: number for name, _, number in parts}
    pairs = all(equals for _, equals, _ in parts) and set(given) <= set(names)
    numbers = [given.get(name, 1.0) for name in names] if pairs else text.split(",")
    try:
        weights = [float(number) for number in numbers]
    except ValueError:
        weights = []
    # Written so that nan, which is neither below 0 nor above it, is refused.
    if len(weights) != len(names) or not all(0 <= weight < math.inf for weight in weights) or not any(weights):
        raise InputError(
            f"--class_weights={text}: {len(names)} numbers, label=number pairs or 'balanced' are needed, none below 0, "
            f"not all 0; labels: {','.join(names)}"
        )
    return weights


def make_loss(run, labels, train_examples):
    """The loss of classes of --loss; None for scores, and for a script that has none.

    Raises:
      InputError: it is for other labels, or needs the labels of the training files, and records are given.
    """
    name = getattr(run, "loss", None)
    if name is None:
        return None
    loss_class = registry.get("loss", name)
    if labels.problem_type not in loss_class.problem_types:
        if name == type(run).loss:  # a default says nothing
            return None
        raise InputError(
            f"--loss={name} is for {' or '.join(loss_class.problem_types)}; --task_name={run.task_name} is "
            f"{labels.problem_type}; leave it out"
        )
    shares = None
    if loss_class.reads_class_shares and run.do_train:
        counts = _count_classes(f"--loss={name}", "give the task's files", labels.names, train_examples)
        shares = [count / sum(counts) for count in counts]
    return loss_class(shares, **options.values_for(loss_class, vars(run)))


def class_rates(run, labels, train_examples):
    """--sampling -> how often each training row of a class comes in an epoch; None: every row once.

    Raises:
      InputError: an unknown name, rows without one class each, or records alone, whose classes are not counted.
    """
    name = getattr(run, "sampling", None)
    if name is None or (name == type(run).sampling or not run.do_train) and name in sampling.NAMES:
        return None
    if not labels.are_exclusive:
        raise InputError(
            f"--sampling={name} is for rows of one class each; --task_name={run.task_name} is "
            f"{labels.problem_type}; leave it out"
        )
    counts = _count_classes(f"--sampling={name}", "leave it out", labels.names, train_examples)
    return sampling.rates(name, counts)


def calibration_of(run, objective_class, processor):
    """--calibrate, or None. Raises InputError where it is unknown, or there is nothing to fit, or to fit it on."""
    kind = getattr(run, "calibrate", None)
    if kind is None:
        return None
    if kind not in CALIBRATIONS:
        raise InputError(f"--calibrate={kind}: one of {', '.join(CALIBRATIONS)} is needed")
    if not (run.do_train and run.do_eval):
        raise InputError(
            f"--calibrate={kind} changes the weights that a training saves, by the dev rows; give the command of the "
            "training, with --do_train and --do_eval: a finished run is not trained again"
        )
    if objective_class.scale_logits is Objective.scale_logits or processor.problem_type == "regression":
        raise InputError(
            f"--calibrate={kind} scales the logits of classes; --objective={run.objective} of "
            f"--task_name={run.task_name} has none that can be scaled; leave it out"
        )
    return kind


def _count_classes(flag, advice, names, train_examples):
    """Training rows of each class, in the order of the names. Raises InputError where only records are there."""
    if train_examples is None:
        raise InputError(f"{flag} counts the labels of the task's files, and --train_records is given; {advice}")
    several = (one.label if isinstance(one.label, tuple) else (one.label,) for one in train_examples)
    counts = collections.Counter(str(label) for labels in several for label in labels)
    return [counts[name] for name in names]


def _balance(run, names, train_examples):
    """Weights that let each class count the same in the training data; 1 for a class that is not there."""
    if train_examples is None and not run.do_train:
        if run.do_eval:
            logging.warning(
                "--class_weights=balanced: no training data is read without --do_train, so eval_loss is "
                "that of equal weights; give the numbers"
            )
        return None
    counts = _count_classes("--class_weights=balanced", "give the numbers", names, train_examples)
    return [sum(counts) / (len(names) * count) if count else 1.0 for count in counts]
