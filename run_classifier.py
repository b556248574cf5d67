"""Fine-tunes an encoder on a task of sentences or pairs of sentences, evaluates it and predicts.

Source: google-research/bert `run_classifier.py`, whose flags and output files these are.
"""

import collections
import dataclasses
import functools
import inspect
import logging
import math
import os
import sys

import console
import errors
import registry
from training import flags, run_folder, settings


def main(_):
    with errors.reported():
        logging.getLogger().setLevel(logging.INFO)
        run = flags.read(settings.ClassifierSettings)
        _check(run)
        processor = make_processor(run)
        examples = read_examples(run, processor)
        # TensorFlow is imported only now that flags and files are known to be good.
        console.import_tensorflow()
        from processors.labels import Labels
        from training.finetuning import FineTuning, Task

        labels = Labels(processor.problem_type, processor.get_labels())
        objective_class = registry.get("objective", run.objective)
        make_objective = functools.partial(
            objective_class, **objective_arguments(run, objective_class, processor, labels, examples.get("train"))
        )
        files = {"train": run.train_records, "dev": run.eval_records, "test": run.predict_records}
        record_files = {split: files[split] for split in _splits(run) if files[split]}
        task = Task(labels, tuple(processor.metrics), examples, record_files, make_objective, objective_class.layout)
        status = FineTuning(run, task).run()
    sys.exit(status)


def _check(run):
    flags.check_run(run, "predict_batch_size", "num_train_epochs", "num_runs")
    flags.check_share(run, "warmup_proportion")
    if not run.task_name:
        raise errors.InputError("--task_name is needed")


def make_processor(run):
    """The processor of --task_name, given those of its arguments that are settings."""
    if run.processor_module:
        from processors.user_module import load_processor_module

        load_processor_module(run.processor_module)
    processor_class = registry.get("processor", run.task_name.lower())
    known = {field.name for field in dataclasses.fields(run)}
    wanted = {name for name in inspect.signature(processor_class.__init__).parameters if name in known}
    _check_taken(run, wanted)
    arguments = {name: getattr(run, name) for name in wanted}
    if arguments.get("label_list"):
        arguments["label_list"] = arguments["label_list"].split(",")
    elif "label_list" in wanted and not run.do_train and run.problem_type != "regression":
        # A trained folder knows its labels: the run's own, or the one that it starts from.
        own = os.path.join(run.output_dir, f"run-{run.seed}" if run.num_runs > 1 else "")
        arguments["label_list"] = run_folder.saved_labels(own) or run_folder.saved_labels(run.init_checkpoint or own)
    return processor_class(**arguments)


def _check_taken(run, wanted):
    """Raises InputError for a setting that other tasks take and this one, which takes those `wanted`, does not."""
    shared = {field.name for field in dataclasses.fields(settings.FineTuningSettings)}
    given = [f.name for f in dataclasses.fields(run) if f.name not in shared and getattr(run, f.name) != f.default]
    for name in given:
        takers = [
            task for task in registry.names("processor")
            if name in inspect.signature(registry.get("processor", task).__init__).parameters
        ]  # fmt: skip
        if takers and name not in wanted:
            raise errors.InputError(
                f"--{name} is of no use with --task_name={run.task_name}; it is for {', '.join(takers)}; leave it "
                "out or name such a task"
            )


def _splits(run):
    """The splits that the settings need; evaluation during training needs the dev split too."""
    needed = {"train": run.do_train, "dev": run.do_eval or (run.do_train and run.eval_steps), "test": run.do_predict}
    return [split for split, wanted in needed.items() if wanted]


def read_examples(run, processor):
    """Split -> checked examples, for the splits that are needed and not given as records."""
    from processors.base import check_labels

    readers = {
        "train": (processor.get_train_examples, run.train_records, run.train_file),
        "dev": (processor.get_dev_examples, run.eval_records, run.dev_file),
        "test": (processor.get_test_examples, run.predict_records, run.test_file),
    }
    examples = {}
    for split in _splits(run):
        read, records, file = readers[split]
        if not records:
            if not run.data_dir and not file:
                raise errors.InputError(f"--data_dir is needed for the {split} split")
            examples[split] = read(run.data_dir)
    for split, rows in examples.items():
        check_labels(rows, processor.get_labels(), split)
    return examples


def objective_arguments(run, objective_class, processor, labels, train_examples):
    """What the objective takes beside the encoder. Raises InputError where it and the task do not fit together."""
    from training.building import arguments_of

    if labels.problem_type not in objective_class.problem_types:
        wanted = " or ".join(objective_class.problem_types) or "no task: it is an objective of pre-training"
        raise errors.InputError(
            f"--objective={run.objective} is for {wanted}; --task_name={run.task_name} is {labels.problem_type}"
        )
    found = arguments_of(
        objective_class, run, num_labels=labels.num_labels, problem_type=labels.problem_type,
        class_weights=class_weights(run, labels, train_examples),
        score_range=score_range(run.score_range, processor.score_range),
    )  # fmt: skip
    defaults = {field.name: field.default for field in dataclasses.fields(run)}
    for name in ("class_weights", "pooling", "score_range"):
        if getattr(run, name) != defaults[name] and name not in found:
            raise errors.InputError(f"--{name} is of no use with --objective={run.objective}; leave it out")
    if "score_range" in found and not found["score_range"]:
        raise errors.InputError(
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
        raise errors.InputError(f"--score_range={text}: two numbers separated by a comma are needed, as 0,5") from None
    if low == high or not math.isfinite(high - low):
        raise errors.InputError(f"--score_range={text}: two different numbers are needed, both finite")
    return low, high


def class_weights(run, labels, train_examples):
    """--class_weights -> list of floats in the order of the labels; None where none are given, or nothing is trained
    whose classes could be counted. Raises InputError for what are no weights.
    """
    text, names = run.class_weights, labels.names
    if not text:
        return None
    if not names:
        raise errors.InputError("--class_weights is of no use for scores, which have no classes; leave it out")
    if text == "balanced":
        return _balanced(run, names, train_examples)
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
        raise errors.InputError(
            f"--class_weights={text}: {len(names)} numbers, label=number pairs or 'balanced' are needed, none below 0, "
            f"not all 0; labels: {','.join(names)}"
        )
    return weights


def _balanced(run, names, train_examples):
    """Weights that let each class count the same in the training data; 1 for a class that is not there."""
    if train_examples is None and run.do_train:
        raise errors.InputError(
            "--class_weights=balanced counts the labels of the task's files, and --train_records is given; give the "
            "numbers"
        )
    if train_examples is None:
        if run.do_eval:
            logging.warning("--class_weights=balanced: no training data is read without --do_train, so eval_loss is "
                            "that of equal weights; give the numbers")  # fmt: skip
        return None
    several = (one.label if isinstance(one.label, tuple) else (one.label,) for one in train_examples)
    counts = collections.Counter(str(label) for labels in several for label in labels)
    return [counts.total() / (len(names) * counts[name]) if counts[name] else 1.0 for name in names]


if __name__ == "__main__":
    flags.define(settings.ClassifierSettings)
    flags.run(main)
