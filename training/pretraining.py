"""Pre-train, evaluate, predict: the verbs of run_pretraining.py, for whatever objective is registered."""

import contextlib
import functools
import json
import logging
import math
import os

import tensorflow as tf

import registry
from errors import InputError
from modeling.objective import Objective
from processors import layouts, record_checks, text_files
from processors.feature_spec import ids_of, token_axes
from progress import Progress
from training import checkpoints, curves, history, model_card, results, run, run_folder
from training.building import arguments_of, length_buckets, seed_everything, uses_static_shapes
from training.distribution import make_strategy
from training.trained import load_trained, model_source


class Pretraining:
    """One command: checks everything, then trains, evaluates and predicts as the settings say.

    Args:
      settings: PretrainingSettings.

    Raises:
      InputError: anything that does not fit, before the first step.
    """

    def __init__(self, settings):
        run_folder.check_writable(settings.output_dir)
        self._settings, self._dev_key = settings, None
        with contextlib.ExitStack() as locks:
            self._lock = locks.enter_context(run_folder.lock(settings.output_dir))
            self._check()
            self._locks = locks.pop_all()

    def _check(self):
        settings = self._settings
        if settings.do_train:
            checkpoints.check_start(settings.output_dir, settings)
        self._objective_class = registry.get("objective", settings.objective)
        if settings.do_predict and self._objective_class.text_predictions is Objective.text_predictions:
            raise InputError(
                f"--do_predict: --objective={settings.objective} says nothing of single texts; extract_features.py and "
                "evaluate_vectors.py take its folder as --init_checkpoint"
            )
        self._texts = _read_texts(settings.predict_file, settings.encoding) if settings.do_predict else []
        self._train_data, self._eval_data = self._find_data()
        self._strategy = make_strategy(settings.use_tpu, settings.tpu_name, settings.num_gpus, settings.require_gpu)
        found = [data.vocab_file for data in (self._train_data, self._eval_data) if data and data.vocab_file]
        self._source = model_source(
            settings, settings.output_dir, next(iter(found), None), vocab_required=settings.do_predict
        )
        for data in {id(data): data for data in (self._train_data, self._eval_data) if data}.values():
            data.open(self._source.config, self._source.tokenizer)
        if settings.do_train:
            run.check_settings(settings, self._strategy.num_replicas_in_sync)
            key, config = self._train_data.record_set.key, self._source.config.to_dict()
            if settings.eval_steps and (settings.keep_best or settings.patience):
                found = self._eval_data.record_set
                count = min(found.num_examples, settings.eval_batch_size * settings.max_eval_steps)
                self._dev_key = f"{found.key}-{count}"
            self._settings = run_folder.check_same_run(settings.output_dir, settings, key, config, self._dev_key)
            if self._source.tokenizer is None:
                logging.warning("no vocabulary is known, so none is saved with the model; --vocab_file gives one")

    def _find_data(self):
        """Data to train on and to evaluate on, None where it is not needed."""
        settings, name = self._settings, self._objective_class.training_data
        if name is None:
            raise InputError(f"--objective={settings.objective}: not an objective of pre-training")
        make = registry.get("training_data", name)
        train = make(settings.input_file, settings) if settings.do_train else None
        if not (settings.do_eval or (settings.do_train and settings.eval_steps)):
            return train, None
        if settings.eval_file:
            return train, make(settings.eval_file, settings)
        logging.warning("no --eval_file: the evaluation is on --input_file, as in the original, and not held out")
        return train, train or make(settings.input_file, settings)

    def run(self):
        """All that the settings ask for, once; its end frees the folder. Returns the exit status."""
        with self._locks:
            try:
                return self._run()
            except (tf.errors.DataLossError, tf.errors.NotFoundError):
                self._lock.folder.check()
                for data in (self._train_data, self._eval_data):
                    if data:
                        record_checks.find_corruption(data.record_set)
                raise

    def _run(self):
        settings, output_dir = self._settings, self._settings.output_dir
        with self._strategy.scope():
            seed_everything(settings.seed)
            make = functools.partial(self._objective_class, **arguments_of(self._objective_class, settings))
            objective = self._source.build(settings, make, for_training=settings.do_train)
            run.check_whole_batches(objective, settings, self._strategy.num_replicas_in_sync)
            evaluator = run.make_evaluator(objective, settings)
            groups = run.groups_of(settings, objective.encoder)
            step, is_new = 0, settings.overwrite_output_dir or not checkpoints.find_latest(output_dir)
            if not settings.do_train:
                unread = objective.unread_weights if settings.do_eval else objective.unread_by_text_predictions
                step = load_trained(objective, settings, output_dir, self._source.weights, allow_missing=unread)
            elif is_new:
                run.load_initial(objective, self._source, settings, output_dir, objective.encoder.optional_weights)
            if settings.dry_run:
                self._show_first_batch()
                return 0
            if settings.do_train:
                try:
                    step = self._train(objective, groups, self._evaluation(evaluator, is_new))
                except run.STOPPED as error:
                    return run.exit_status(error)
            scores = {}
            if settings.do_eval:
                logging.info("***** Running evaluation *****")
                scores = self._scores(evaluator)
                self._lock.folder.check()
                results.write_eval_results(
                    os.path.join(output_dir, "eval_results.txt"), {**scores, "global_step": step}
                )
            if settings.do_train:
                self._finish_training(objective, step, scores)
            if settings.do_predict:
                self._predict(objective)
        if settings.do_train:
            run_folder.end_overwriting(output_dir)
        return 0

    def _evaluation(self, evaluator, is_new):
        """() -> scores, for the loop; where it goes on from a checkpoint, the first is compared with before."""
        settings = self._settings
        if not (is_new and settings.eval_steps and settings.init_checkpoint):
            return lambda: self._scores(evaluator)
        before = self._scores(evaluator)["loss"]
        logging.info("before training: loss %.4f", before)
        found = []

        def scores():
            found.append(self._scores(evaluator))
            if len(found) == 1 and found[0]["loss"] > before:
                logging.warning(
                    "the loss of the first evaluation, %.4f, is worse than before training, %.4f: lower "
                    "--learning_rate (it is %g) or raise --num_warmup_steps (%d)",
                    found[0]["loss"], before, settings.learning_rate, settings.num_warmup_steps,
                )  # fmt: skip
            return found[-1]

        return scores

    def _train(self, objective, groups, evaluate):
        settings, instances = self._settings, self._train_data.record_set
        plan = run.Plan(
            num_train_steps=settings.num_train_steps,
            num_warmup_steps=settings.num_warmup_steps,
            data_key=instances.key,
            data_size=f"instances = {instances.num_examples}, "
            f"epochs = {settings.num_train_steps * settings.train_batch_size / instances.num_examples:.2f}",
            best_metric="loss" if settings.keep_best or settings.patience else None,
            dev_key=self._dev_key,
            lower_is_better=True,
        )
        data = self._train_data.train_batches(settings.train_batch_size, settings.seed, length_buckets(settings))
        step = run.train(objective, groups, data, plan, settings, settings.output_dir, evaluate)
        self._lock.folder.check()
        run.save_model(objective, settings.output_dir, self._source.tokenizer, settings.max_seq_length, step)
        return step

    def _finish_training(self, objective, step, scores):
        """Writes what is told of a training that has ended."""
        settings, output_dir = self._settings, self._settings.output_dir
        if scores:
            history.add_evaluation(output_dir, step, scores)
        curves.write(output_dir)
        found = {"train": (self._train_data, settings.input_file)}
        if scores:
            found["dev"] = self._eval_data, settings.eval_file or settings.input_file
        splits = [
            model_card.Split(name, data.record_set.num_examples, None, source) for name, (data, source) in found.items()
        ]
        model_card.write(output_dir, settings, objective, self._source.tokenizer, splits, {"dev": scores})

    def _scores(self, evaluator):
        """What eval_results.txt says, by the original's names; means over the instances that are evaluated."""
        settings, size = self._settings, self._settings.eval_batch_size
        most = size * settings.max_eval_steps
        data = self._eval_data.evaluation_batches(size, most, length_buckets(settings), uses_static_shapes(settings))
        count = min(most, self._eval_data.record_set.num_examples)
        with Progress("evaluation", count, "instance", leave=False) as progress:
            return evaluator.summary(data, progress.show)

    def _predict(self, objective):
        """predictions.jsonl: a line for each line of text."""
        path = os.path.join(self._settings.output_dir, "predictions.jsonl")
        logging.info("***** Running prediction ***** (%d lines)", len(self._texts))
        layout = layouts.get(objective.encoder.config.layout)(self._source.tokenizer, self._settings.max_seq_length)
        found = objective.text_predictions(self._texts, layout, self._settings.predict_top_k)
        self._lock.folder.check()
        with Progress("prediction", len(self._texts), "line", leave=False) as progress:
            results.write_lines(path, _shown(progress, found))
        logging.info("wrote %s", path)

    def _show_first_batch(self):
        settings, tokenizer = self._settings, self._source.tokenizer
        for data in (self._train_data, self._eval_data):
            if data is None:
                continue
            batch = next(iter(data.train_batches(1, settings.seed)))
            for name, value in sorted(batch.items()):
                print(f"{name}: {value.numpy()[0].tolist()}")
            for name in map(ids_of, token_axes(data.record_set.spec)) if tokenizer else ():
                print(f"tokens: {' '.join(tokenizer.convert_ids_to_tokens(batch[name].numpy()[0].tolist()))}")
        print("checks passed; nothing was trained (--dry_run)")


def _shown(progress, found):
    """Yields lines of JSON, and reports each one."""
    for done, line in enumerate(found, 1):
        progress.show(done)
        yield json.dumps(_rounded(line), ensure_ascii=False)


def _read_texts(path, encoding):
    if not path:
        raise InputError("--predict_file is needed: lines of text, with [MASK] where a token is asked for")
    return text_files.read_lines(path, encoding, "--encoding")


def _rounded(value):
    """Floats of a JSON value with 6 significant digits."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else value
