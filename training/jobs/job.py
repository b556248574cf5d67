"""One command that trains, evaluates and predicts: the same for every objective and every kind of data."""

import contextlib
import dataclasses
import functools
import itertools
import logging
import os

import tensorflow as tf

from bertline.errors import InputError, naming
from bertline.processors.records import record_checks
from bertline.settings.parts import part
from bertline.training.evaluation import result_files, summary
from bertline.training.evaluation.evaluator import Evaluator
from bertline.training.folder import checkpoints, run_folder
from bertline.training.folder.trained import load_trained, model_source
from bertline.training.jobs.building import seed_everything, uses_static_shapes
from bertline.training.pictures import curves, layer_weights
from bertline.training.reporting import history, model_card
from bertline.training.reporting.page import report
from bertline.training.reporting.page.run_facts import RunFacts
from bertline.training.steps import train
from bertline.training.steps.distribution import make_strategy
from bertline.training.steps.loop import LoopSettings
from bertline.training.terms.term import TrainingRows, make_terms, names_of
from bertline.weights.open_model import ModelSettings


class Job:
    """Checks everything, then trains, evaluates and predicts as the settings say.

    Args:
      settings: RunSettings of a training script.
      data: a JobData.
      stop_rule: says of a run by its evaluations that it is hopeless, as bertline.training.choosing.median_stop does;
        None: each goes to its end.

    Raises:
      InputError: anything that does not fit, before the first step.
    """

    def __init__(self, settings, data, stop_rule=None):
        run_folder.check_writable(settings.output_dir)
        self._settings, self._data, self._stop_rule = settings, data, stop_rule
        with contextlib.ExitStack() as locks:
            folders = dict.fromkeys([settings.output_dir, *(folder for folder, _ in self._seeds())])
            self._folder_locks = [locks.enter_context(run_folder.lock(folder)) for folder in folders]
            self._check()
            self._locks = locks.pop_all()

    def _check(self):
        settings, data = self._settings, self._data
        for folder, _ in self._seeds() if settings.do_train else ():
            checkpoints.check_start(folder, settings)
        data.check()
        self._strategy = make_strategy(settings.use_tpu, settings.tpu_name, settings.num_gpus, settings.require_gpu)
        self._source = model_source(settings, self._seeds()[0][0], data.vocab_file, data.vocab_required)
        data.open(self._source)
        self._runs = self._check_training() if settings.do_train else self._seeds()

    def _seeds(self):
        """(output folder, settings) of each seed."""
        settings, count = self._settings, getattr(self._settings, "num_runs", 1)
        if count == 1:
            return [(settings.output_dir, settings)]
        seeded = [dataclasses.replace(settings, seed=settings.seed + i) for i in range(count)]
        return [(os.path.join(settings.output_dir, f"run-{one.seed}"), one) for one in seeded]

    def _check_training(self):
        """What `_seeds` gives, with the settings that `check_same_run` returns."""
        data, config = self._data, self._source.config.to_dict()
        train.check_names(part(train.OptimizerSettings, self._settings))
        names_of(getattr(self._settings, "terms", ""))
        self._check_replicas()
        found = [
            (folder, run_folder.check_same_run(folder, seeded, self._key(), config, data.dev_key, data.task_settings))
            for folder, seeded in self._seeds()
        ]
        if self._source.tokenizer is None:
            logging.warning("no vocabulary is known, so none is saved with the model; --vocab_file gives one")
        return found

    def _check_replicas(self):
        size, count = self._settings.train_batch_size, self._strategy.num_replicas_in_sync
        if size % count and uses_static_shapes(self._settings):
            raise InputError(f"--train_batch_size={size} is not a multiple of the {count} replicas")

    def _key(self):
        return "-".join(stream.key for stream in self._data.streams())

    def _check_standing(self):
        """Raises InputError where an output folder was removed meanwhile, before it would be made anew."""
        for lock in self._folder_locks:
            lock.folder.check()

    def run(self):
        """All that the settings ask for, for each seed, once; its end frees the folder. Returns the exit status."""
        with self._locks:
            return self._run()

    def _run(self):
        settings, evaluated = self._settings, []
        for output_dir, seeded in self._runs:
            if len(self._runs) > 1:
                logging.info("***** Run %d of %d, seed %d *****", len(evaluated) + 1, len(self._runs), seeded.seed)
            try:
                status, found = self._run_once(output_dir, seeded)
            except (tf.errors.DataLossError, tf.errors.NotFoundError):
                self._check_standing()
                for record_set in self._data.record_sets():
                    record_checks.find_corruption(record_set)
                raise
            if status or settings.dry_run:
                return status
            evaluated.append(found)
            if self._stop_rule and self._stop_rule.stopped_at is not None:
                break  # other seeds of what is hopeless need not be tried
        if len(self._runs) > 1:
            for name in evaluated[0]:
                scores = summary.mean_and_deviation([one[name] for one in evaluated])
                result_files.write_eval_results(os.path.join(settings.output_dir, name), scores)
        for output_dir, _ in self._runs if settings.do_train else ():
            run_folder.end_overwriting(output_dir)
        return 0

    def _run_once(self, output_dir, settings):
        """(exit status, file of results -> scores) of one seed."""
        data, source = self._data, self._source
        with self._strategy.scope():
            seed_everything(settings.seed)
            static = uses_static_shapes(settings)
            how = ModelSettings(settings.dtype, static, settings.rematerialize)
            objective = source.build(data.make_objective, how, for_training=settings.do_train)
            replicas = self._strategy.num_replicas_in_sync
            terms = self._terms(objective, settings) if settings.do_train else {}
            train.check_whole_batches(
                objective, settings.gradient_accumulation_steps, replicas, itertools.chain(*terms.values())
            )
            evaluator = Evaluator(objective, static_shapes=static, jit_compile=settings.xla)
            groups = train.groups_of(part(train.OptimizerSettings, settings), objective.encoder)
            is_new = settings.overwrite_output_dir or not checkpoints.find_latest(output_dir)
            if not settings.do_train:
                unread = data.unread_when_trained(objective)
                step = load_trained(objective, vars(settings), output_dir, source.weights, data.label_names, unread)
            elif is_new:
                unread = settings.allow_missing_weights or data.unread_initially(objective)
                train.load_initial(objective, source, output_dir, unread)
            if settings.dry_run:
                data.show()
                return 0, None
            self._check_standing()
            data.prepare()
            if settings.do_train:
                try:
                    evaluate = data.evaluation(evaluator, is_new)
                    step = self._train(objective, groups, terms, evaluate, output_dir, settings)
                except train.STOPPED as error:
                    return train.exit_status(error, data.rows_of(error, settings.seed)), None
            return 0, self._results(objective, evaluator, output_dir, settings, step)

    def _terms(self, objective, settings):
        """Name of a stream -> what is added to the loss there. An error names the stream, where there are several."""
        found, streams = {}, self._data.streams()
        for stream in streams:
            with naming(f"task {stream.name}") if len(streams) > 1 else contextlib.nullcontext():
                found[stream.name] = self._terms_of(stream, objective, settings)
        return found

    def _terms_of(self, stream, objective, settings):
        given = stream.given or vars(settings)
        terms = make_terms(objective.of_stream(stream.name), given)
        rows = TrainingRows(self._source.tokenizer, stream.label_names, given["max_seq_length"], stream.num_examples)
        for term in terms:
            term.check(rows)
        return terms

    def _train(self, objective, groups, terms, evaluate, output_dir, settings):
        data = self._data
        plan = train.Plan(
            num_train_steps=data.num_train_steps,
            num_warmup_steps=data.num_warmup_steps,
            data_key=self._key(),
            data_size="; ".join(stream.size for stream in data.streams()),
            dev_key=data.dev_key,
            best_metric=data.best_metric,
            lower_is_better=data.lower_is_better,
        )
        if settings.overwrite_output_dir:
            checkpoints.remove_run(output_dir)
        loop = self._make_loop(objective, groups, terms, plan, output_dir, settings)
        self._write_run_config(objective, plan, output_dir, settings)
        how = part(train.StepSettings, settings)
        step = train.train(loop, plan, how, evaluate if settings.eval_steps else None, self._is_hopeless(output_dir))
        self._check_standing()
        self._save_model(objective, output_dir, settings, step)
        data.write_beside_model(output_dir)
        return step

    def _is_hopeless(self, output_dir):
        """What the loop asks by its step; None where nothing is stopped."""
        if self._stop_rule is None:
            return None
        score, lower = self._data.first_score, self._data.first_is_lower_better
        return functools.partial(self._stop_rule.is_hopeless, output_dir, score, lower)

    def _save_model(self, objective, output_dir, settings, step):
        tokenizer, length = self._source.tokenizer, settings.max_seq_length
        train.save_model(objective, output_dir, tokenizer, length, step, self._data.model_entries)

    def _make_loop(self, objective, groups, terms, plan, output_dir, settings):
        choice = part(train.OptimizerSettings, settings)
        weights = {**objective.named_weights(), **train.weights_of_terms(terms)}
        optimizer = train.make_optimizer(weights, groups, plan, choice, vars(settings))
        pace = LoopSettings(
            num_train_steps=plan.num_train_steps,
            batch_size=settings.train_batch_size,
            iterations_per_loop=settings.iterations_per_loop,
            save_checkpoints_steps=settings.save_checkpoints_steps,
            eval_steps=settings.eval_steps,
            best_metric=plan.best_metric,
            lower_is_better=plan.lower_is_better,
            patience=settings.patience,
            static_shapes=uses_static_shapes(settings),
            jit_compile=settings.xla,
        )
        streams, draw = self._data.streams(), functools.partial(self._data.draw, seed=settings.seed)
        return train.make_loop(
            objective,
            optimizer,
            streams,
            draw,
            output_dir,
            part(train.StepSettings, settings),
            pace,
            terms,
        )

    def _write_run_config(self, objective, plan, output_dir, settings):
        # Until the command ends: the same one then goes on, although it says --overwrite_output_dir.
        overwriting = settings.overwrite_output_dir or run_folder.is_overwriting(output_dir)
        run_folder.write_run_config(
            output_dir,
            settings,
            training_data=plan.data_key,
            dev_data=plan.dev_key,
            num_train_steps=plan.num_train_steps,
            encoder_config=objective.encoder.config.to_dict(),
            **({run_folder.TASKS: self._data.task_settings} if self._data.task_settings else {}),
            **{run_folder.OVERWRITING: overwriting},
        )

    def _results(self, objective, evaluator, output_dir, settings, step):
        """File of results -> scores, of the evaluation and of the prediction that are asked for."""
        found = {}
        if settings.do_eval:
            if self._data.calibrate(objective, evaluator, output_dir):
                self._save_model(objective, output_dir, settings, step)
            found["eval_results.txt"] = self._evaluate(evaluator, output_dir, settings, step)
        if settings.do_train:
            curves.write(output_dir)
            layer_weights.write(output_dir, objective.encoder.layer_mixes())
            self._write_card(objective, output_dir, settings, found)
        if settings.do_predict:
            scores = self._data.predict(objective, evaluator, output_dir, step, self._check_standing)
            if scores:
                found["test_results.txt"] = scores
            if scores and settings.do_train:
                self._write_card(objective, output_dir, settings, found)
        if getattr(settings, "report", False):
            with report.never_in_the_way():
                self._data.write_report(output_dir, objective, RunFacts.of(settings, objective, step))
        return found

    def _evaluate(self, evaluator, output_dir, settings, step):
        logging.info("***** Running evaluation *****")
        scores, answered = self._data.scores(evaluator)
        self._check_standing()
        result_files.write_eval_results(os.path.join(output_dir, "eval_results.txt"), {**scores, "global_step": step})
        if settings.do_train:
            history.add_evaluation(output_dir, step, scores)
        self._data.report(output_dir, step, scores, answered)
        return scores

    def _write_card(self, objective, output_dir, settings, found):
        scores, test_scores = found.get("eval_results.txt", {}), found.get("test_results.txt", {})
        model_card.write(
            output_dir,
            settings,
            objective,
            self._source.tokenizer,
            self._data.splits(scores),
            self._data.card_scores(scores, test_scores),
            self._data.label_names,
        )
