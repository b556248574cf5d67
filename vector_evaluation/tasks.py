"""What is scored: rows to learn from, to choose on and to score, by the registered processors. No TensorFlow here."""

import dataclasses
import logging
import os
import re

from bertline import registry
from bertline.errors import InputError
from bertline.processors.base import check_labels
from bertline.processors.files.folders import AbsentError, list_files
from bertline.settings.scripts import evaluate_vectors
from bertline.vector_evaluation import own_files

log = logging.getLogger(__name__)

ALL = "all rows"


@dataclasses.dataclass(frozen=True)
class EvaluationTask:
    """A task with what is needed of its rows, all of it checked.

    Attributes:
      name: as the user calls it.
      labels: list of str; [] where pairs have scores.
      metrics: names of scores, of training/scores/.
      scored_split: "test", "dev" or ALL.
      scored: list of InputExample.
      train: list of InputExample to learn from; [] where it is not needed, or the scored rows are all there is.
      dev: list of InputExample to choose on; [] where there are none.
    """

    name: str
    labels: list
    metrics: tuple
    scored_split: str
    scored: list
    train: list
    dev: list

    @property
    def is_similarity(self):
        return not self.labels

    @property
    def fit_split(self):
        """(name, rows) of what a transform is fitted on unless other texts are given."""
        return ("train", self.train) if self.train else (self.scored_split, self.scored)


def texts_of(examples):
    """All texts of some rows, list of str."""
    return [text for example in examples for text in (example.text_a, example.text_b) if text is not None]


def read_tasks(run):
    """list of EvaluationTask.

    Raises:
      InputError: an unknown name, a missing folder or file, a row that cannot be read, learnt or scored.
    """
    entries = evaluate_vectors.parts(run.tasks)
    if run.data_dir and (len(entries) > 1 or "=" in "".join(entries)):
        raise InputError("--data_dir is the folder of a single task; say TASK=FOLDER in --tasks, or give --data_root")
    tasks = [_read_task(*_name_and_path(entry, run), run) for entry in entries]
    names = [task.name for task in tasks]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"--tasks: two tasks are called {name}; say NAME=FILE")
    return tasks


def _name_and_path(entry, run):
    """(name, path) of a part of --tasks."""
    name, equals, path = entry.partition("=")
    if equals:
        return name, path
    if own_files.is_own_file(entry):
        return own_files.name_of(entry), entry
    if os.path.isdir(entry) and entry not in registry.names("processor"):
        return os.path.basename(os.path.normpath(entry)), entry
    processor_class = registry.get("processor", name.lower())
    if run.data_dir:
        return name, run.data_dir
    if not run.data_root:
        raise InputError(f"--tasks={entry}: say where its files are: {entry}=FOLDER, or --data_root")
    wanted = {
        _simplify(known) for known in registry.names("processor") if registry.get("processor", known) is processor_class
    }
    found = [folder for folder in list_files(run.data_root) if _simplify(folder) in wanted]
    if len(found) != 1:
        why = f"{' and '.join(found)} are both there" if found else "no folder of that name"
        raise InputError(f"--data_root={run.data_root}: {entry}: {why}; say {entry}=FOLDER in --tasks")
    return name, os.path.join(run.data_root, found[0])


def _simplify(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read_task(name, path, run):
    delimited = registry.get("processor", "delimited")
    known = name.lower() in registry.names("processor")
    processor_class = registry.get("processor", name.lower()) if known else delimited
    data_dir, names = path, {}
    if not os.path.exists(path):
        raise InputError(f"--tasks: {name}: {path}: no such file or folder")
    if os.path.isfile(path):
        if processor_class is not delimited:
            raise InputError(f"--tasks: {name}={path}: a file; the folder of the task's files is needed")
        data_dir, names = os.path.split(path)
        names = {"train_file": names}
    if processor_class is delimited:
        processor = delimited(**names, problem_type=own_files.problem_type(path, run.encoding))
    else:
        processor = processor_class()
    processor.encoding = run.encoding or processor.encoding
    if processor.problem_type == "multi_label_classification":
        raise InputError(f"--tasks: {name}: rows of several labels; one class or one score a row can be evaluated")
    splits = _Splits(processor, data_dir, only_train=bool(names))
    read = _similarity if processor.problem_type == "regression" else _classification
    return read(name, processor, splits, run)


class _Splits:
    """The splits of a task that are its own and have labels, checked."""

    def __init__(self, processor, data_dir, only_train):
        self._processor, self._data_dir, self._only_train = processor, data_dir, only_train

    def read(self, split, needed=False):
        """list of InputExample; [] where the split is absent, a stand-in or without labels, unless it is needed."""
        try:
            examples = self._select_labelled(split, needed)
        except AbsentError:
            if needed:
                raise
            return []
        if needed and not examples:
            raise InputError(f"{self._data_dir}: the {split} split has no labels; nothing can be scored")
        if examples:
            check_labels(examples, self._processor.get_labels(), split)
        return examples

    def _select_labelled(self, split, needed):
        if self._only_train and split != "train":
            raise AbsentError(f"--split={split}: one file has no splits; give a folder with train, dev and test")
        if not needed and not self._processor.has_split(self._data_dir, split):
            return []
        examples = getattr(self._processor, f"get_{split}_examples")(self._data_dir)
        if split != "test":
            return examples
        labelled = [example for example in examples if example.label is not None]
        if len(labelled) < len(examples):
            bare = len(examples) - len(labelled)
            log.info("%s: %d of %d rows of test have no label and are left out", self._data_dir, bare, len(examples))
        return labelled


def _similarity(name, processor, splits, run):
    fits = bool(evaluate_vectors.select_fitted(run.transforms)) and not run.fit_texts
    scored_split, scored = run.split, splits.read(run.split, needed=run.split == "dev")
    if not scored:
        scored_split, scored = "dev", splits.read("dev")
    train = splits.read("train", needed=not scored) if fits or not scored else []
    if not scored:
        scored_split, scored, train = ALL, train, []
    for example in (*scored, *train):
        if example.text_b is None:
            raise InputError(f"{example.source or example.guid}: one text and a score; similarity needs two (text_b)")
    if len({example.label for example in scored}) < 2:
        raise InputError(f"{scored[0].source}: all {len(scored)} scores of {name} are equal; there is no correlation")
    return EvaluationTask(name, [], ("spearman", "pearson"), scored_split, scored, train, [])


def _classification(name, processor, splits, run):
    train = splits.read("train", needed=True)
    dev = splits.read("dev", needed=run.split == "dev")
    test = splits.read("test") if run.split == "test" else []
    for split, rows in (("train", train), ("dev", dev), ("test", test)):
        if rows and len({example.text_b is None for example in (*train, *rows)}) > 1:
            raise InputError(f"--tasks: {name}: {split} mixes single texts and pairs, or train has the other kind")
    if dev and test:
        needed = 0
    elif dev or test:
        needed = run.folds
    else:
        # Folds within folds: of c rows of a class at least c - ceil(c / folds) are in what a fold leaves, and that is
        # `folds` of them from here on.
        needed = run.folds + 2
    _check_classes(name, train, run.folds, needed)
    if len(test) > 1 and len({example.label for example in test}) == 1:
        raise InputError(
            f"{test[0].source or name}: all {len(test)} rows of test are {test[0].label!r}; if the processor makes "
            "that up for rows without a label, --split=dev scores the dev rows"
        )
    if test:
        scored_split, scored = "test", test
    elif dev:
        scored_split, scored, dev = "dev", dev, []
    else:
        scored_split, scored, train = ALL, train, []
    metrics = tuple(dict.fromkeys(("accuracy", *processor.metrics)))
    return EvaluationTask(name, processor.get_labels(), metrics, scored_split, scored, train, dev)


def _check_classes(name, train, folds, needed):
    counts = {}
    for example in train:
        counts[example.label] = counts.get(example.label, 0) + 1
    if len(counts) < 2:
        raise InputError(
            f"{train[0].source}: all {len(train)} rows of {name} to learn from are {next(iter(counts))!r}; two classes "
            "are needed"
        )
    if sorted(counts.values())[-2] < needed:
        raise InputError(
            f"--folds={folds}: {name} has {len(train)} rows to learn from, and no second class of {needed} rows; give "
            "fewer folds, or more rows"
        )
