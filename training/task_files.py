"""From settings to a task: its processor, and the examples of the splits that a command needs."""

import dataclasses
import inspect

import registry
from errors import InputError
from training import run_folder, settings, split_file
from training.saved_head import read_saved_head


def make_processor(run, has_problem_type=False):
    """The processor of --task_name, given those of its arguments that are settings.

    Without training, a trained model's own labels and kind of problem are those of a generic task that is told none.

    Args:
      has_problem_type: whether run.problem_type was asked for, so that it counts more than the model's.
    """
    processor_class = registry.get("processor", run.task_name.lower())
    known = {field.name for field in dataclasses.fields(run)}
    wanted = {name for name in inspect.signature(processor_class.__init__).parameters if name in known}
    _check_taken(run, wanted)
    arguments = {name: getattr(run, name) for name in wanted}
    if arguments.get("label_list"):
        arguments["label_list"] = arguments["label_list"].split(",")
    if not run.do_train:
        head, labels = _trained_head(run)
        if head and "problem_type" in wanted and not has_problem_type:
            arguments["problem_type"] = head.problem_type
        if "label_list" in wanted and arguments.get("problem_type") != "regression":
            arguments["label_list"] = arguments["label_list"] or labels
    processor = processor_class(**arguments)
    if hasattr(processor, "splitter") and not run.do_train:
        processor.splitter.known = split_file.known(run)
    processor.encoding = run.encoding or processor.encoding
    return processor


def _trained_head(run):
    """What the model knows of the task, that of the output folder, else the one that is started from: (SavedHead or
    None, list of labels or None).
    """
    own = run_folder.seed_folder(run)
    head = read_saved_head(own) or read_saved_head(run.init_checkpoint)
    labels = run_folder.saved_labels(own) or run_folder.saved_labels(run.init_checkpoint or own)
    return head, labels or (list(head.labels) if head and head.labels else None)


def _check_taken(run, wanted):
    """Raises InputError for a setting that other tasks take and this one, which takes those `wanted`, does not."""
    shared = {field.name for field in dataclasses.fields(settings.FineTuningSettings)}
    given = [f.name for f in dataclasses.fields(run) if f.name not in shared and getattr(run, f.name) != f.default]
    for name in given:
        takers = [
            task for task in registry.names("processor")
            if name in inspect.signature(registry.get("processor", task).__init__).parameters
        ]  # fmt: skip
        if takers and name not in (*wanted, "encoding"):  # which every processor has
            raise InputError(
                f"--{name} is of no use with --task_name={run.task_name}; it is for {', '.join(takers)}; leave it "
                "out or name such a task"
            )


def splits(run):
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
    examples, one_file = {}, run.train_file if hasattr(processor, "splitter") and processor.splitter.is_used else None
    for split in splits(run):
        read, records, file = readers[split]
        if not records:
            if not run.data_dir and not (file or one_file):
                raise InputError(f"--data_dir is needed for the {split} split")
            examples[split] = read(run.data_dir)
    for split, rows in examples.items():
        check_labels(rows, processor.get_labels(), split)
    return examples
