"""The data of pre-training: records of corpora, and lines of text for prediction."""

import dataclasses
import functools
import json
import logging
import math
import os

from bertline import registry
from bertline.common.progress import Progress
from bertline.errors import InputError
from bertline.modeling.objective import Objective
from bertline.processors.corpora.making import instance_records
from bertline.processors.files import text_files
from bertline.processors.layouts import base as layouts
from bertline.processors.records.feature_spec import ids_of, token_axes
from bertline.training.evaluation import result_files
from bertline.training.jobs.building import arguments_of
from bertline.training.jobs.job_data import JobData, Stream
from bertline.training.reporting import model_card


@dataclasses.dataclass(frozen=True)
class CorpusDataSettings:
    """The settings that say what pre-training reads; see settings/ for each."""

    objective: str
    input_file: str | None
    eval_file: str | None
    predict_file: str | None
    encoding: str
    predict_top_k: int
    init_checkpoint: str | None
    do_train: bool
    do_eval: bool
    do_predict: bool
    max_seq_length: int
    train_batch_size: int
    eval_batch_size: int
    num_train_steps: int
    num_warmup_steps: int
    max_eval_steps: int
    eval_steps: int
    keep_best: bool
    patience: int
    learning_rate: float


class CorpusData(JobData):
    """Args:
    settings: CorpusDataSettings.
    given: name -> value, the options of the objective and of its kind of data among others.
    length_buckets: list of int for static shapes; None where any length will do.
    """

    lower_is_better = True

    def __init__(self, settings, given, length_buckets=None):
        self._settings, self._given, self._buckets = settings, given, length_buckets
        self.vocab_required = settings.do_predict
        self.num_train_steps, self.num_warmup_steps = settings.num_train_steps, settings.num_warmup_steps
        self.best_metric = "loss" if settings.keep_best or settings.patience else None

    def check(self):
        settings = self._settings
        self._objective_class = registry.get("objective", settings.objective)
        if settings.do_predict and self._objective_class.text_predictions is Objective.text_predictions:
            raise InputError(
                f"--do_predict: --objective={settings.objective} says nothing of single texts; extract_features.py and "
                "evaluate_vectors.py take its folder as --init_checkpoint"
            )
        self._texts = read_texts(settings.predict_file, settings.encoding) if settings.do_predict else []
        self._train, self._held_out = self._find()
        found = [data.vocab_file for data in self._all() if data.vocab_file]
        self.vocab_file = next(iter(found), None)

    def _find(self):
        """Data to train on and to evaluate on, None where it is not needed."""
        settings, name = self._settings, self._objective_class.corpus
        if name is None:
            raise InputError(f"--objective={settings.objective}: not an objective of pre-training")
        make = functools.partial(
            instance_records.find_records,
            corpus=name,
            max_seq_length=settings.max_seq_length,
            given=self._given,
        )
        train = make(settings.input_file) if settings.do_train else None
        if not (settings.do_eval or (settings.do_train and settings.eval_steps)):
            return train, None
        if settings.eval_file:
            return train, make(settings.eval_file)
        logging.warning("no --eval_file: the evaluation is on --input_file, as in the original, and not held out")
        return train, train or make(settings.input_file)

    def _all(self):
        return list({id(data): data for data in (self._train, self._held_out) if data}.values())

    def open(self, source):
        settings, self._tokenizer = self._settings, source.tokenizer
        for data in self._all():
            data.open(source.config, source.tokenizer)
        if settings.do_train and settings.eval_steps and self.best_metric:
            found = self._held_out.record_set
            count = min(found.num_examples, settings.eval_batch_size * settings.max_eval_steps)
            self.dev_key = f"{found.key}-{count}"

    def streams(self):
        settings, found = self._settings, self._train.record_set
        epochs = self._train.epochs(settings.num_train_steps * settings.train_batch_size)
        epochs = "" if epochs is None else f", epochs = {epochs:.2f}"

        def train_batches(seed):
            return self._train.train_batches(settings.train_batch_size, seed, self._buckets)

        size = f"instances = {found.num_examples}{epochs}"
        return [Stream("train", train_batches, found.key, size)]

    def record_sets(self):
        return [data.record_set for data in self._all()]

    def make_objective(self, encoder):
        make = functools.partial(self._objective_class, **arguments_of(self._objective_class, self._given))
        return make(encoder)

    def unread_initially(self, objective):
        return objective.encoder.optional_weights

    def unread_when_trained(self, objective):
        return objective.unread_weights if self._settings.do_eval else objective.unread_by_text_predictions

    def evaluation(self, evaluator, is_new):
        """() -> scores, for the loop; where it goes on from a checkpoint, the first is compared with before."""
        settings = self._settings
        if not (is_new and settings.eval_steps and settings.init_checkpoint):
            return super().evaluation(evaluator, is_new)
        before = self.scores(evaluator)[0]["loss"]
        logging.info("before training: loss %.4f", before)
        found = []

        def scores():
            found.append(self.scores(evaluator)[0])
            if len(found) == 1 and found[0]["loss"] > before:
                logging.warning(
                    "the loss of the first evaluation, %.4f, is worse than before training, %.4f: lower "
                    "--learning_rate (it is %g) or raise --num_warmup_steps (%d)",
                    found[0]["loss"],
                    before,
                    settings.learning_rate,
                    settings.num_warmup_steps,
                )
            return found[-1]

        return scores

    def scores(self, evaluator):
        """(what eval_results.txt says, by the original's names: means over the instances, None)."""
        size, most = self._settings.eval_batch_size, self._settings.eval_batch_size * self._settings.max_eval_steps
        data = self._held_out.evaluation_batches(size, most, self._buckets, self._buckets is not None)
        count = min(most, self._held_out.record_set.num_examples)
        with Progress("evaluation", count, "instance", leave=False) as progress:
            return evaluator.summary(data, progress.show), None

    def predict(self, objective, evaluator, output_dir, step, before_writing):
        """predictions.jsonl: a line for each line of text."""
        path = os.path.join(output_dir, "predictions.jsonl")
        logging.info("***** Running prediction ***** (%d lines)", len(self._texts))
        layout = layouts.own_layout(objective.encoder.config, self._tokenizer, self._settings.max_seq_length)
        found = objective.text_predictions(self._texts, layout, self._settings.predict_top_k)
        before_writing()
        with Progress("prediction", len(self._texts), "line", leave=False) as progress:
            result_files.write_lines(path, _report_lines(progress, found))
        logging.info("wrote %s", path)

    def splits(self, scores):
        settings = self._settings
        found = {"train": (self._train, settings.input_file)}
        if scores:
            found["dev"] = self._held_out, settings.eval_file or settings.input_file
        return [
            model_card.Split(name, data.record_set.num_examples, None, source) for name, (data, source) in found.items()
        ]

    def show(self):
        for data in self._all():
            batch = next(iter(data.train_batches(1, 0)))
            for name, value in sorted(batch.items()):
                print(f"{name}: {value.numpy()[0].tolist()}")
            for name in map(ids_of, token_axes(data.record_set.spec)) if self._tokenizer else ():
                print(f"tokens: {' '.join(self._tokenizer.convert_ids_to_tokens(batch[name].numpy()[0].tolist()))}")
        print("checks passed; nothing was trained (--dry_run)")


def read_texts(path, encoding):
    """The lines of --predict_file. Raises InputError."""
    if not path:
        raise InputError("--predict_file is needed: lines of text, with [MASK] where a token is asked for")
    return text_files.read_lines(path, encoding, "--encoding")


def _report_lines(progress, found):
    """Yields lines of JSON, and reports each one."""
    for done, line in enumerate(found, 1):
        progress.show(done)
        yield json.dumps(_round_floats(line), ensure_ascii=False)


def _round_floats(value):
    """Floats of a JSON value with 6 significant digits."""
    if isinstance(value, dict):
        return {key: _round_floats(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_round_floats(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else value
