"""Fine-tune, evaluate, predict: the verbs that every fine-tuning script shares."""

import contextlib
import dataclasses
import logging
import os

import numpy as np
import tensorflow as tf

from errors import InputError
from modeling import inference, prediction_tables
from processors import batches, layouts, record_checks, records, split_checks
from progress import Progress
from training import (
    checkpoints,
    curves,
    evaluation_files,
    first_rows,
    history,
    metrics,
    model_card,
    results,
    run,
    run_folder,
)  # fmt: skip
from training.building import length_buckets, seed_everything, uses_static_shapes
from training.distribution import make_strategy
from training.trained import load_trained, model_source


@dataclasses.dataclass(frozen=True)
class Task:
    """What a script makes of its processor.

    Attributes:
      labels: a processors.labels.Labels.
      metrics: names, the first of which picks the best weights.
      examples: split -> list of InputExample; "train", "dev", "test" as far as they are needed.
      record_files: split -> patterns of TFRecords to be read instead.
      make_objective: encoder -> Objective.
      layout: the layout that the objective reads; None: the encoder's own.
    """

    labels: object
    metrics: tuple
    examples: dict
    record_files: dict
    make_objective: object
    layout: str | None = None


class FineTuning:
    """One command: checks everything, then trains, evaluates and predicts as the settings say.

    Args:
      settings: FineTuningSettings.
      task: a Task.

    Raises:
      InputError: anything that does not fit, before the first step.
    """

    def __init__(self, settings, task):
        run_folder.check_writable(settings.output_dir)
        prediction_tables.check_format(settings.predictions_format)
        split_checks.report(task.examples, task.labels)
        self._settings, self._task, self._data = settings, task, {}
        with contextlib.ExitStack() as locks:
            folders = dict.fromkeys([settings.output_dir, *(folder for folder, _ in self._folders())])
            self._folder_locks = [locks.enter_context(run_folder.lock(folder)) for folder in folders]
            self._check()
            self._locks = locks.pop_all()

    def _check(self):
        settings, task = self._settings, self._task
        for folder, _ in self._folders() if settings.do_train else ():
            checkpoints.check_start(folder, settings)
        self._strategy = make_strategy(settings.use_tpu, settings.tpu_name, settings.num_gpus, settings.require_gpu)
        self._source = model_source(settings, self._folders()[0][0])
        self._encoder = records.ExampleEncoder(
            layouts.make(task.layout, self._source.config.layout, self._source.tokenizer, settings.max_seq_length),
            task.labels,
            settings.pad_records,
        )
        for examples in task.examples.values():
            self._encoder.layout.check(examples)
        self._records = {split: self._existing_records(split) for split in task.record_files}
        self._num_train_steps, self._dev_key = 0, None
        self._runs = self._check_training() if settings.do_train else self._folders()

    def _folders(self):
        """(output folder, settings) of each seed."""
        settings = self._settings
        if settings.num_runs == 1:
            return [(settings.output_dir, settings)]
        seeded = [dataclasses.replace(settings, seed=settings.seed + run) for run in range(settings.num_runs)]
        return [(os.path.join(settings.output_dir, f"run-{one.seed}"), one) for one in seeded]

    def _existing_records(self, split):
        settings, labels = self._settings, self._task.labels
        classes = labels.num_labels if labels.problem_type == "single_label_classification" else None
        found = records.existing_records(
            self._task.record_files[split], self._encoder.spec, self._source.config, split != "test", classes
        )
        if found.max_length > settings.max_seq_length:
            raise InputError(
                f"{found.files[0]}: records of {found.max_length} tokens, "
                f"--max_seq_length={settings.max_seq_length}; raise it"
            )
        return found

    def _check_training(self):
        """What `_folders` gives, with the settings that `check_same_run` returns."""
        settings = self._settings
        given = self._records.get("train")
        count, size = given.num_examples if given else len(self._task.examples["train"]), settings.train_batch_size
        self._num_train_steps = int(count / size * settings.num_train_epochs)
        if self._num_train_steps == 0:
            raise InputError(
                f"no step to train: {count} examples, --train_batch_size={size}, "
                f"--num_train_epochs={settings.num_train_epochs}; lower the batch size or raise the epochs"
            )
        run.check_settings(settings, self._strategy.num_replicas_in_sync)
        key, config = self._key("train"), self._source.config.to_dict()
        self._dev_key = self._key("dev") if settings.eval_steps and (settings.keep_best or settings.patience) else None
        return [
            (folder, run_folder.check_same_run(folder, seeded, key, config, self._dev_key))
            for folder, seeded in self._folders()
        ]

    def _key(self, split):
        given = self._records.get(split)
        return given.key if given else records.content_key(self._task.examples[split], self._encoder)

    def _write_records(self):
        """Records of all splits that have none yet: the first thing that a run writes."""
        self._check_standing()
        settings = self._settings
        folder = settings.records_dir or os.path.join(settings.output_dir, "records")
        for split, examples in self._task.examples.items():
            if split not in self._records:
                self._records[split] = records.write_records(
                    examples, self._encoder, folder, split, settings.num_processes
                )

    # The verbs.

    def run(self):
        """All that the settings ask for, for each seed, once; its end frees the folder. Returns the exit status."""
        with self._locks:
            return self._run()

    def _run(self):
        settings, scores = self._settings, []
        for output_dir, seeded in self._runs:
            if settings.num_runs > 1:
                logging.info("***** Run %d of %d, seed %d *****", len(scores) + 1, settings.num_runs, seeded.seed)
            try:
                status, evaluated = self._run_once(output_dir, seeded)
            except (tf.errors.DataLossError, tf.errors.NotFoundError):
                self._check_standing()
                for found in self._records.values():
                    record_checks.find_corruption(found)
                raise
            if status or settings.dry_run:
                return status
            scores.append(evaluated)
        if settings.num_runs > 1:
            for name in scores[0]:
                results.write_eval_results(
                    os.path.join(settings.output_dir, name), _mean_and_deviation([one[name] for one in scores])
                )
        for output_dir, _ in self._runs if settings.do_train else ():
            run_folder.end_overwriting(output_dir)
        return 0

    def _run_once(self, output_dir, settings):
        """(exit status, file of results -> scores) of one seed."""
        with self._strategy.scope():
            seed_everything(settings.seed)
            objective = self._source.build(settings, self._task.make_objective, for_training=settings.do_train)
            run.check_whole_batches(objective, settings, self._strategy.num_replicas_in_sync)
            evaluator = run.make_evaluator(objective, settings)
            groups = run.groups_of(settings, objective.encoder)
            if not settings.do_train:
                step = load_trained(
                    objective, settings, output_dir, self._source.weights, self._task.labels.names,
                    objective.unread_weights,
                )  # fmt: skip
            elif settings.overwrite_output_dir or not checkpoints.find_latest(output_dir):
                run.load_initial(objective, self._source, settings, output_dir, objective.unread_weights)
            if settings.dry_run:
                self._show_first_rows()
                return 0, None
            self._write_records()
            if settings.do_train:
                try:
                    step = self._train(objective, groups, evaluator, output_dir, settings)
                except run.STOPPED as error:
                    return run.exit_status(error, self._rows_of(error)), None
            evaluated = {}
            if settings.do_eval:
                evaluated["eval_results.txt"] = self._evaluate(evaluator, output_dir, step)
            if settings.do_predict and (scores := self._predict(objective, evaluator, output_dir, step)):
                evaluated["test_results.txt"] = scores
            if settings.do_train:
                curves.write(output_dir)
                self._write_card(objective, output_dir, settings, evaluated)
        return 0, evaluated

    def _train(self, objective, groups, evaluator, output_dir, settings):
        data = batches.train_batches(
            self._records["train"], settings.train_batch_size, settings.seed, length_buckets(settings),
            settings.length_pool_batches,
        )  # fmt: skip
        plan = run.Plan(
            num_train_steps=self._num_train_steps,
            num_warmup_steps=int(self._num_train_steps * settings.warmup_proportion),
            data_key=self._records["train"].key,
            data_size=f"examples = {self._records['train'].num_examples}",
            dev_key=self._dev_key,
            best_metric=f"eval_{self._task.metrics[0]}" if settings.keep_best or settings.patience else None,
            lower_is_better=self._task.metrics[0] in metrics.LOWER_IS_BETTER,
        )
        step = run.train(objective, groups, data, plan, settings, output_dir, lambda: self._scores(evaluator)[0])
        self._save_model(objective, output_dir, step)
        return step

    def _check_standing(self):
        """Raises InputError where an output folder was removed meanwhile, before it would be made anew."""
        for lock in self._folder_locks:
            lock.folder.check()

    def _save_model(self, objective, output_dir, step):
        self._check_standing()
        labels = self._task.labels
        names = {str(i): name for i, name in enumerate(labels.names)} or {"0": "score"}
        extra = {
            "id2label": names,
            "label2id": {name: int(i) for i, name in names.items()},
            "problem_type": labels.problem_type,
        }
        run.save_model(objective, output_dir, self._source.tokenizer, self._settings.max_seq_length, step, extra)
        results.write_json(os.path.join(output_dir, run_folder.LABEL_MAP), extra["label2id"])

    def _write_card(self, objective, output_dir, settings, evaluated):
        splits = []
        for split, found in self._records.items():
            examples = self._task.examples.get(split)
            source = (examples[0].source or "").rpartition(":")[0] if examples else self._task.record_files.get(split)
            splits.append(model_card.Split(split, found.num_examples, found.num_cut, source or "unknown"))
        scores = {"dev": evaluated.get("eval_results.txt", {}), "test": evaluated.get("test_results.txt", {})}
        # A metric, without the prefix that says where.
        scores = {
            split: {name.split("_", 1)[1]: value for name, value in named.items() if "_" in name}
            for split, named in scores.items()
        }
        tokenizer, names = self._source.tokenizer, self._task.labels.names
        model_card.write(output_dir, settings, objective, tokenizer, splits, scores, names)

    # Results.

    def _batches(self, split, batch_size):
        """The batches of a split; built once, since tracing their graph takes longer than a small evaluation."""
        if split not in self._data:
            settings = self._settings
            static = uses_static_shapes(settings)
            given = batch_size * settings.max_seq_length
            self._data[split] = batches.evaluation_batches(
                self._records[split],
                given if static else inference.batch_tokens(given),
                length_buckets(settings),
                batch_size if static else None,
            )
        return self._data[split]

    def _metric_names(self):
        of_scores = metrics.OF_SCORES if self._task.labels.problem_type == "regression" else ()
        return tuple(dict.fromkeys([*self._task.metrics, *of_scores]))

    def _scores(self, evaluator):
        """(metrics named as in eval_results.txt, predictions) on the dev split."""
        data = self._batches("dev", self._settings.eval_batch_size)
        predictions, loss = self._run_evaluator(evaluator, data, "dev", "evaluation")
        named = metrics.compute(self._metric_names(), predictions["label_ids"], predictions["probabilities"])
        return {
            **{f"eval_{name}": value for name, value in named.items()},
            "eval_loss": loss,
            "loss": loss,
        }, predictions

    def _run_evaluator(self, evaluator, data, split, what):
        with Progress(what, self._records[split].num_examples, "example", leave=False) as progress:
            return evaluator.run(data, with_loss=split != "test", report=progress.show)

    def _evaluate(self, evaluator, output_dir, step):
        logging.info("***** Running evaluation ***** (%d examples)", self._records["dev"].num_examples)
        scores, predictions = self._scores(evaluator)
        self._check_standing()
        results.write_eval_results(os.path.join(output_dir, "eval_results.txt"), {**scores, "global_step": step})
        if self._settings.do_train:
            history.add_evaluation(output_dir, step, scores)
        name = self._task.metrics[0]
        title = f"{name} {scores[f'eval_{name}']:.3f}, {len(predictions['label_ids'])} examples"
        evaluation_files.write(output_dir, self._task.labels, predictions, title)
        return scores

    def _predict(self, objective, evaluator, output_dir, step):
        """Writes the predictions; returns the scores of the labelled test rows, None where there are none."""
        logging.info("***** Running prediction ***** (%d examples)", self._records["test"].num_examples)
        data = self._batches("test", self._settings.predict_batch_size)
        predictions, _ = self._run_evaluator(evaluator, data, "test", "prediction")
        if self._records["test"].num_cut is None:  # of these records it is not known which texts were cut
            predictions.pop("uncut_length", None)
        self._check_standing()
        examples, labels = self._task.examples.get("test"), self._task.labels
        form = self._settings.predictions_format
        for name, lines in objective.prediction_files(predictions, labels, examples, form).items():
            results.write_lines(os.path.join(output_dir, name), lines)
            logging.info("wrote %s", os.path.join(output_dir, name))
        return evaluation_files.write_test_results(
            output_dir, self._metric_names(), labels, examples, predictions["probabilities"], step
        )

    def _rows_of(self, error):
        """Where the rows of a batch whose loss is not finite stand in the data."""
        examples, indices = self._task.examples.get("train"), getattr(error, "example_indices", [-1])
        if not examples or min(indices) < 0:
            return ""
        return f"; its rows: {', '.join(examples[i].source or examples[i].guid for i in indices)}"

    def _show_first_rows(self):
        split = "train" if self._settings.do_train else next(iter({**self._records, **self._task.examples}))
        examples, found = self._task.examples.get(split), self._records.get(split)
        first_rows.show(split, examples, found, self._encoder, self._source.tokenizer)
        counts = {name: found.num_examples for name, found in self._records.items()}
        counts |= {name: len(examples) for name, examples in self._task.examples.items()}
        print(
            f"checks passed: {counts} examples, {self._num_train_steps} steps to train; nothing was trained (--dry_run)"
        )


def _mean_and_deviation(scores):
    """key, key_std over the runs, and the single values."""
    summary = {}
    for key in scores[0]:
        values = np.array([one[key] for one in scores])
        summary[key] = float(values.mean())
        summary[f"{key}_std"] = float(values.std(ddof=1))
        summary[f"{key}_runs"] = " ".join(f"{value:.6g}" for value in values)
    return summary
