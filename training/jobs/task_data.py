"""The data of a task: examples of a processor as records, their labels, scores and files of predictions."""

import dataclasses
import logging
import os

import numpy as np

from bertline.common import table_lines
from bertline.common.progress import Progress
from bertline.errors import InputError
from bertline.modeling.speed import inference
from bertline.processors.labels import prediction_tables
from bertline.processors.labels.base import parts_of
from bertline.processors.layouts import base as layouts
from bertline.processors.records import batches, record_files
from bertline.processors.tables import split_checks
from bertline.training.evaluation import calibration, evaluation_files, result_files
from bertline.training.evaluation.evaluated import evaluate
from bertline.training.folder import run_folder
from bertline.training.jobs import first_rows
from bertline.training.jobs.job_data import JobData, Stream
from bertline.training.jobs.kept_states import KeptStates
from bertline.training.reporting import model_card
from bertline.training.reporting.page import report
from bertline.training.reporting.page.coloured_text import Colours
from bertline.training.scores import score
from bertline.weights.open_model import check_length


@dataclasses.dataclass(frozen=True)
class Task:
    """What a script makes of its processor.

    Attributes:
      labels: a bertline.processors.labels.base.Labels.
      metrics: names of scores, the first of which picks the best weights.
      examples: split -> list of examples; "train", "dev", "test" as far as they are needed.
      record_files: split -> patterns of TFRecords to be read instead.
      make_objective: encoder -> Objective.
      layout: the layout that the objective reads; None: the encoder's own.
      layout_options: name -> value, what that layout takes beside.
      truncation: a bertline.processors.layouts.truncation.Truncation; None: that of BERT.
      predictions_format: of files of predictions that people read, where the labels leave a choice.
      calibration: of bertline.training.evaluation.calibration.KINDS, what is fitted on the dev rows; None: nothing.
      class_rates: how often each training row of a class comes in an epoch; None: every row once.
    """

    labels: object
    metrics: tuple
    examples: dict
    record_files: dict
    make_objective: object
    layout: str | None = None
    layout_options: dict = dataclasses.field(default_factory=dict)
    class_rates: list | None = None
    calibration: str | None = None
    truncation: object = None
    predictions_format: str = table_lines.TSV


@dataclasses.dataclass(frozen=True)
class TaskDataSettings:
    """The settings that say how a task's data is read; see settings/ for each."""

    output_dir: str
    records_dir: str | None
    pad_records: bool
    num_processes: int | None
    max_seq_length: int
    do_train: bool
    train_batch_size: int
    eval_batch_size: int
    predict_batch_size: int
    num_train_epochs: float
    warmup_proportion: float
    length_pool_batches: int
    eval_steps: int
    keep_best: bool
    patience: int


class TaskData(JobData):
    """Args:
    task: a Task.
    settings: TaskDataSettings.
    length_buckets: list of int for static shapes; None where any length will do.
    """

    def __init__(self, task, settings, length_buckets=None):
        self._task, self._settings, self._buckets = task, settings, length_buckets
        self._batches, self._keys, self._labels = {}, {}, task.labels
        self._kept_states, self._evaluated = KeptStates(), {}
        self.make_objective, self.label_names = task.make_objective, task.labels.names
        self.first_score, self.first_is_lower_better = f"eval_{task.metrics[0]}", score.lower_is_better(task.metrics[0])
        if settings.keep_best or settings.patience:
            self.best_metric, self.lower_is_better = self.first_score, self.first_is_lower_better

    def check(self):
        prediction_tables.check_format(self._task.predictions_format)
        split_checks.report(self._task.examples, self._task.labels)
        for split, flag in (("dev", "eval_records"), ("test", "predict_records")):
            if split in self._task.record_files and self._task.labels.needs_texts:
                raise InputError(
                    f"--{flag}={self._task.record_files[split]}: records have no texts, and the answers "
                    "are parts of texts; give the file that the records were made of"
                )

    def open(self, source):
        settings, task = self._settings, self._task
        check_length(source.config, settings.max_seq_length)
        self._tokenizer = source.tokenizer
        own = layouts.own_layout(source.config, source.tokenizer, settings.max_seq_length, task.truncation)
        layout = layouts.make(task.layout, own, **task.layout_options)
        layouts.check_gives(layout, source.config.id_limits())
        self._encoder = record_files.ExampleEncoder(layout, task.labels, settings.pad_records)
        for examples in task.examples.values():
            layout.check(examples)
        if not settings.do_train and source.weights:
            self._labels = task.labels.with_config(source.weights.config or {})
        self._records = {split: self._existing_records(split, source.config) for split in task.record_files}
        for split in self._records:
            self._tell_cost(split)
        if settings.do_train:
            self._count_steps()
            if self.best_metric and settings.eval_steps:
                self.dev_key = self._key("dev")

    def _existing_records(self, split, config):
        found = record_files.existing_records(
            self._task.record_files[split], self._encoder.spec, config, split != "test", self._task.labels.num_classes
        )
        layout = self._encoder.layout
        if found.max_length > layout.max_row_tokens:
            raise InputError(f"{found.files[0]}: records of {found.max_length} tokens, {layout.limit}; raise it")
        return found

    @property
    def batches_per_epoch(self):
        """float: examples to train on over those of a batch. Known after `open`."""
        return self._num_train_examples() / self._settings.train_batch_size

    def _num_train_examples(self):
        given = self._records.get("train")
        return given.num_examples if given else len(self._task.examples["train"])

    def _count_steps(self):
        count, settings = self._num_train_examples(), self._settings
        size = settings.train_batch_size
        self.num_train_steps = int(self.batches_per_epoch * settings.num_train_epochs)
        self.num_warmup_steps = int(self.num_train_steps * settings.warmup_proportion)
        if self.num_train_steps == 0:
            raise InputError(
                f"no step to train: {count} examples, --train_batch_size={size}, "
                f"--num_train_epochs={settings.num_train_epochs}; lower the batch size or raise the epochs"
            )

    def _key(self, split):
        """The key of a split's records; that of examples is made once, since it reads all of them."""
        given = self._records.get(split)
        if given:
            return given.key
        if split not in self._keys:
            self._keys[split] = record_files.content_key(self._task.examples[split], self._encoder)
        return self._keys[split]

    def streams(self):
        settings = self._settings
        count = self._num_train_examples()

        def train_batches(seed):
            return batches.train_batches(
                self._records["train"],
                settings.train_batch_size,
                seed,
                self._buckets,
                settings.length_pool_batches,
                class_rates=self._task.class_rates,
            )

        def fixed_states(encoder):
            tokens = inference.batch_tokens(settings.train_batch_size * settings.max_seq_length)
            return self._kept_states.for_training(
                encoder, lambda: batches.evaluation_batches(self._records["train"], tokens)
            )

        repeats = self._may_keep_states() and self.num_train_steps * settings.train_batch_size > count
        size = f"examples = {count}"
        states = fixed_states if repeats else None
        names = self.label_names
        return [Stream("train", train_batches, self._key("train"), size, states, label_names=names, num_examples=count)]

    def _may_keep_states(self):
        """Static shapes would have one more input of any length; several texts of a row have no single mask."""
        return self._buckets is None and "input_mask" in self._encoder.layout.spec

    def record_sets(self):
        return list(self._records.values())

    def unread_initially(self, objective):
        return objective.unread_weights

    unread_when_trained = unread_initially

    def prepare(self):
        """Records of all splits that have none yet: the first thing that a run writes."""
        settings = self._settings
        if settings.do_train:
            self._labels = self._task.labels  # another seed's evaluation says nothing of this one's
        self._evaluated = {}
        folder = settings.records_dir or os.path.join(settings.output_dir, "records")
        for split, examples in self._task.examples.items():
            if split not in self._records:
                self._records[split] = record_files.write_records(
                    examples, self._encoder, folder, split, settings.num_processes
                )
                self._tell_cost(split)

    def _tell_cost(self, split):
        """Says what the windows of documents cost, where there are any."""
        found = self._records[split]
        if found.windows is not None:
            size = self._settings.train_batch_size if split == "train" else None
            logging.info(self._encoder.layout.cost(split, found.num_examples, found.windows, size))

    # Evaluation.

    def _batches_of(self, split, batch_size):
        """The batches of a split; built once, since tracing their graph takes longer than a small evaluation."""
        if split not in self._batches:
            given = batch_size * self._settings.max_seq_length
            self._batches[split] = batches.evaluation_batches(
                self._records[split],
                given if self._buckets else inference.batch_tokens(given),
                self._buckets,
                batch_size if self._buckets else None,
            )
        return self._batches[split]

    def _outputs(self, evaluator, split, batch_size, what):
        """(outputs of all rows of a split, loss or None)."""
        data, settings = self._batches_of(split, batch_size), self._settings
        if split == "dev" and settings.do_train and settings.eval_steps and self._may_keep_states():
            data = self._kept_states.for_evaluation(evaluator.encoder, split, data)
        with Progress(what, self._records[split].num_examples, "example", leave=False) as progress:
            return evaluator.run(data, with_loss=split != "test", report=progress.show)

    def _answers(self, outputs, split):
        return self._labels.answers(outputs, self._task.examples.get(split), self._encoder.layout)

    def _score_names(self):
        return tuple(dict.fromkeys([*self._task.metrics, *self._task.labels.scores]))

    def calibrate(self, objective, evaluator, output_dir):
        if self._task.calibration is None:
            return False
        outputs, _ = self._outputs(evaluator, "dev", self._settings.eval_batch_size, "calibration")
        golds = np.array(self._task.labels.golds(outputs, self._task.examples.get("dev")))
        scale, offset = calibration.fit(self._task.calibration, golds, outputs["logits"], self.label_names)
        objective.scale_logits(scale, offset)
        calibration.write(output_dir, golds, outputs["logits"], scale * outputs["logits"] + offset)
        return True

    def scores(self, evaluator):
        """(scores named as in eval_results.txt, Evaluated) of the dev split."""
        outputs, loss = self._outputs(evaluator, "dev", self._settings.eval_batch_size, "evaluation")
        examples = self._task.examples.get("dev")
        golds, answers = self._task.labels.golds(outputs, examples), self._answers(outputs, "dev")
        labels, confidences = self._labels.fit(golds, answers), self._labels.confidences(outputs)
        found = evaluate("dev", labels, self._score_names(), golds, answers, examples, confidences)
        named = {f"eval_{name}": value for name, value in found.results.items()}
        return {**named, "eval_loss": loss, "loss": loss}, found

    def report(self, output_dir, step, scores, answered):
        self._evaluated["dev"], golds, answers = answered, answered.golds, answered.answers
        name = self._task.metrics[0]
        title = f"{name} {scores[f'eval_{name}']:.3f}, {len(golds)} examples"
        labels = self._labels.fit(golds, answers).with_scores(scores)
        evaluation_files.write(output_dir, labels, golds, answers, title)
        if labels is not self._labels:
            self._labels = labels
            run_folder.add_model_entries(output_dir, labels.config_entries())

    def predict(self, objective, evaluator, output_dir, step, before_writing):
        found = self._records["test"]
        logging.info("***** Running prediction ***** (%d examples)", found.num_examples)
        outputs, _ = self._outputs(evaluator, "test", self._settings.predict_batch_size, "prediction")
        examples, labels = self._task.examples.get("test"), self._labels
        answers, truncated = self._answers(outputs, "test"), None
        if found.num_cut is not None and "uncut_length" in outputs:
            # Of other records it is not known which texts were cut.
            truncated = np.logical_or.reduceat(outputs["uncut_length"] > 0, [part.start for part in parts_of(outputs)])
        before_writing()
        files = labels.prediction_files(answers, examples, truncated, self._task.predictions_format)
        for name, lines in files.items():
            result_files.write_lines(os.path.join(output_dir, name), lines)
            logging.info("wrote %s", os.path.join(output_dir, name))
        evaluated = evaluation_files.evaluate_test(
            self._score_names(), labels, examples, answers, labels.confidences(outputs)
        )
        if evaluated:
            self._evaluated["test"] = evaluated
        return evaluation_files.write_test_results(output_dir, evaluated, len(examples or ()), step)

    @property
    def evaluated(self):
        """Split -> Evaluated, of what this command has evaluated."""
        return self._evaluated

    def write_report(self, output_dir, objective, run):
        """See base class."""
        if self._evaluated:
            evaluated, counts = list(self._evaluated.values()), self._label_counts()
            colours = Colours(objective, self._encoder.layout)
            report.save(output_dir, report.page(output_dir, run, self.splits({}), counts, evaluated, colours))

    def _label_counts(self):
        """Split -> (name -> number of its labels)."""
        labels = {
            split: [example.label for example in examples if example.label is not None]
            for split, examples in self._task.examples.items()
        }
        return {split: self._task.labels.counts(found) for split, found in labels.items() if found}

    # What is told of the run.

    @property
    def model_entries(self):
        return {**self._labels.config_entries(), **self._encoder.layout.config_entries()}

    def write_beside_model(self, output_dir):
        if self._task.calibration is None:
            calibration.remove(output_dir)
        if "label2id" in self.model_entries:
            result_files.write_json(os.path.join(output_dir, run_folder.LABEL_MAP), self.model_entries["label2id"])

    def splits(self, scores):
        found = []
        for split, record_set in self._records.items():
            examples = self._task.examples.get(split)
            source = (examples[0].source or "").rpartition(":")[0] if examples else self._task.record_files.get(split)
            counts = record_set.num_examples, record_set.num_cut
            found.append(model_card.Split(split, *counts, source or "unknown", record_set.max_length))
        return found

    def card_scores(self, scores, test_scores):
        # A score, without the prefix that says where.
        return {
            split: {name.split("_", 1)[1]: value for name, value in named.items() if "_" in name}
            for split, named in (("dev", scores), ("test", test_scores))
        }

    def rows_of(self, error, seed):
        examples, indices = self._task.examples.get("train"), getattr(error, "example_indices", [-1])
        if not examples or min(indices) < 0:
            return ""
        return f"; its rows: {', '.join(examples[i].source or examples[i].guid for i in indices)}"

    def show(self):
        split = "train" if self._settings.do_train else next(iter({**self._records, **self._task.examples}))
        first_rows.show(split, self._task.examples.get(split), self._records.get(split), self._encoder, self._tokenizer)
        counts = {name: found.num_examples for name, found in self._records.items()}
        counts |= {name: len(examples) for name, examples in self._task.examples.items()}
        print(
            f"checks passed: {counts} examples, {self.num_train_steps} steps to train; nothing was trained (--dry_run)"
        )
