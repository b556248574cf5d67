"""Fine-tunes an encoder on a task of sentences or pairs of sentences, evaluates it and predicts.

Source: google-research/bert `run_classifier.py`, whose flags and output files these are.
"""

import dataclasses
import functools
import inspect
import logging
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
    arguments = {name: getattr(run, name) for name in wanted}
    if arguments.get("label_list"):
        arguments["label_list"] = arguments["label_list"].split(",")
    elif "label_list" in wanted and not run.do_train and run.problem_type != "regression":
        # A trained folder knows its labels: the run's own, or the one that it starts from.
        own = os.path.join(run.output_dir, f"run-{run.seed}" if run.num_runs > 1 else "")
        arguments["label_list"] = run_folder.saved_labels(own) or run_folder.saved_labels(run.init_checkpoint or own)
    return processor_class(**arguments)


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
        class_weights=class_weights(run.class_weights, labels.names, train_examples),
        score_range=score_range(run.score_range, processor.score_range),
    )  # fmt: skip
    for name in ("class_weights", "score_range"):
        if getattr(run, name) and name not in found:
            raise errors.InputError(f"--{name} is of no use with --objective={run.objective}; leave it out")
    if "score_range" in found and not found["score_range"]:
        raise errors.InputError(
            f"--score_range is needed: the scores of nothing in common and of the same, as 0,5; --task_name="
            f"{run.task_name} does not say"
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
    if low == high:
        raise errors.InputError(f"--score_range={text}: two different numbers are needed")
    return low, high


def class_weights(text, names, train_examples):
    """--class_weights -> list of floats in the order of `names`, None where none are given."""
    if not text:
        return None
    if text == "balanced":
        counts = [sum(example.label == name for example in train_examples or ()) for name in names]
        return [sum(counts) / (len(names) * count) if count else 1.0 for count in counts]
    parts = text.split(",")
    try:
        if all("=" in part for part in parts):
            given = dict(part.rsplit("=", 1) for part in parts)
            return [float(given.pop(name, 1.0)) for name in names] if set(given) <= set(names) else _bad(text, names)
        return [float(part) for part in parts] if len(parts) == len(names) else _bad(text, names)
    except ValueError:
        _bad(text, names)


def _bad(text, names):
    raise errors.InputError(
        f"--class_weights={text}: {len(names)} numbers, label=number pairs or 'balanced' are needed; "
        f"labels: {','.join(names)}"
    )


if __name__ == "__main__":
    flags.define(settings.ClassifierSettings)
    flags.run(main)
