"""From settings to a task: its processor, and the examples of the splits that a command needs."""

import dataclasses
import hashlib

from bertline import options, registry
from bertline.errors import InputError
from bertline.training.folder import run_folder, split_file
from bertline.weights.saved_head import read_saved_head


def with_task(run):
    """The settings with a task: where they name none the only one of the script's problem types.

    Raises:
      InputError: there is none, or there are several.
    """
    if run.task_name or getattr(run, "tasks_file", None):
        return run
    kinds = registry.literals("processor", "problem_type")
    names = sorted(name for name, kind in kinds.items() if kind in run.problem_types)
    if len(names) != 1:
        raise InputError("--task_name is needed")
    return dataclasses.replace(run, task_name=names[0])


def make_processor(run, has_problem_type=False, trained=None):
    """The processor of --task_name, given its options.

    Without training, a trained model's own labels and kind of problem are those of a generic task that is told none.

    Args:
      has_problem_type: whether a kind of problem was asked for, so that it counts more than the model's.
      trained: what `trained_head` gives; None: that of this run.
    """
    processor_class = registry.get("processor", run.task_name.lower())
    given = options.values_for(processor_class, vars(run))
    if not run.do_train:
        head, labels = trained or trained_head(run)
        given = processor_class.as_trained(given, head.problem_type if head and not has_problem_type else None, labels)
    processor = processor_class(**given)
    if hasattr(processor, "splitter") and not run.do_train:
        processor.splitter.known = split_file.known_splits(run, processor.splitter)
    processor.encoding = run.encoding or processor.encoding
    return processor


def trained_head(run, task=None):
    """What the model knows of the task, that of the output folder, else the one that is started from: (SavedHead or
    None, list of labels or None).

    task: its name among several; None: --init_task or --task_name, where the model has several.
    """
    own, task = run_folder.seed_folder(run), task or run_folder.task_of(run)
    head = read_saved_head(own, task) or read_saved_head(run.init_checkpoint, task)
    labels = run_folder.saved_labels(own) or run_folder.saved_labels(run.init_checkpoint or own)
    return head, labels or (list(head.labels) if head and head.labels else None)


def splits(run):
    """The splits that the settings need; evaluation during training needs the dev split too."""
    needed = {"train": run.do_train, "dev": run.do_eval or (run.do_train and run.eval_steps), "test": run.do_predict}
    return [split for split, wanted in needed.items() if wanted]


def digest(examples):
    """Hash of the examples of splits: 16 hexadecimal digits.

    examples: split -> list of examples.
    """
    found = hashlib.sha256()
    for split, rows in sorted(examples.items()):
        found.update(f"{split} {len(rows)} ".encode())
        for one in rows:
            found.update(repr((one.guid, one.content())).encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:16]


# Split -> what options name its file beside <split>_file.
_OTHER_NAMES = {"test": ("predict_file",)}


def read_examples(run, processor):
    """Split -> examples, for the splits that are needed and not given as records."""
    readers = {
        "train": (processor.get_train_examples, run.train_records),
        "dev": (processor.get_dev_examples, run.eval_records),
        "test": (processor.get_test_examples, run.predict_records),
    }
    examples = {}
    for split in splits(run):
        read, records = readers[split]
        if not records:
            if not run.data_dir and processor.needs_folder(split):
                named = [name for name in (f"{split}_file", *_OTHER_NAMES.get(split, ())) if name in processor.options]
                others = "".join(f", or --{name}" for name in named)
                raise InputError(f"--data_dir is needed for the {split} split{others}")
            examples[split] = read(run.data_dir)
    return examples
