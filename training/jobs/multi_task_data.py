"""The data of several tasks that share an encoder: a stream, an evaluation and a folder of files for each."""

import dataclasses
import logging
import os

import numpy as np

from bertline import registry
from bertline.errors import naming
from bertline.modeling.configuration.task_heads import COMBINED, TASKS
from bertline.training.evaluation import result_files
from bertline.training.folder import run_folder
from bertline.training.jobs.job_data import JobData
from bertline.training.jobs.task_data import TaskData
from bertline.training.reporting.page import report

MEAN = "mean"  # of the tasks' first scores, counted so that more is better


@dataclasses.dataclass(frozen=True)
class TaskOfSeveral:
    """Attributes:
    data: TaskData, of settings whose output_dir is the task's own folder.
    loss_weight: how much its loss counts.
    key: of its settings that shape the weights.
    given: name -> value of its settings.
    own_settings: name -> value of those that differ from the run's, its weight and metric.
    """

    data: TaskData
    loss_weight: float
    key: str
    given: dict
    own_settings: dict


class MultiTaskData(JobData):
    """Args:
    tasks: name -> TaskOfSeveral; in the order of their numbers.
    make_sampling: (sizes, num_train_steps) -> TaskSampling.
    settings: TaskDataSettings of the run.
    best_task: the one whose first score picks the best weights; None: the mean of all.
    """

    def __init__(self, tasks, make_sampling, settings, best_task=None):
        self._tasks, self._make_sampling, self._settings = tasks, make_sampling, settings
        self._data = {name: task.data for name, task in tasks.items()}
        self._sampling = None
        first = best_task and self._data[best_task]
        self.first_score = _named(best_task, first.first_score) if best_task else f"eval_{MEAN}"
        self.first_is_lower_better = bool(best_task) and first.first_is_lower_better
        if settings.keep_best or settings.patience:
            self.best_metric, self.lower_is_better = self.first_score, self.first_is_lower_better
        self.task_settings = {name: task.own_settings for name, task in tasks.items()}

    def check(self):
        self._each(lambda data, name: data.check())

    def open(self, source):
        self._each(lambda data, name: data.open(source.of_task_if_there(name)))
        if not self._settings.do_train:
            return
        sizes = [data.batches_per_epoch for data in self._data.values()]
        self.num_train_steps = int(sum(sizes) * self._settings.num_train_epochs)
        self.num_warmup_steps = int(self.num_train_steps * self._settings.warmup_proportion)
        self._sampling = self._make_sampling(sizes, self.num_train_steps)
        keys = [data.dev_key for data in self._data.values()]
        self.dev_key = "-".join(keys) if all(keys) else None

    def _each(self, do):
        """Calls do(data, name) for each task; an error names it."""
        for name, data in self._data.items():
            with naming(f"task {name}"):
                do(data, name)

    def streams(self):
        found = []
        for name, task in self._tasks.items():
            [stream] = task.data.streams()
            key, size = f"{stream.key}-{task.key}", f"{name}: {stream.size}"
            found.append(
                dataclasses.replace(
                    stream, name=name, key=key, size=size, loss_weight=task.loss_weight, given=task.given
                )
            )
        return found

    def draw(self, step, seed):
        return self._sampling.draw(step, seed)

    def record_sets(self):
        return [one for data in self._data.values() for one in data.record_sets()]

    def make_objective(self, encoder):
        combine = registry.get("objective", COMBINED)
        return combine(encoder, {name: data.make_objective(encoder) for name, data in self._data.items()})

    def unread_initially(self, objective):
        return objective.unread_weights

    unread_when_trained = unread_initially

    def prepare(self):
        self._each(lambda data, name: data.prepare())

    def calibrate(self, objective, evaluator, output_dir):
        return any(
            [
                data.calibrate(objective.of_stream(name), evaluator.of_stream(name), _folder(output_dir, name))
                for name, data in self._data.items()
            ]
        )

    def scores(self, evaluator):
        found = {name: data.scores(evaluator.of_stream(name)) for name, data in self._data.items()}
        named = {
            _named(name, score): value
            for name, (scores, _) in found.items()
            for score, value in scores.items()
            if score != "loss"
        }
        firsts = [
            scores[data.first_score] * (-1.0 if data.first_is_lower_better else 1.0)
            for data, (scores, _) in zip(self._data.values(), found.values())
        ]
        losses = [scores["loss"] for scores, _ in found.values()]
        return {**named, f"eval_{MEAN}": float(np.mean(firsts)), "loss": float(np.mean(losses))}, found

    def report(self, output_dir, step, scores, answered):
        for name, (own, own_answered) in answered.items():
            folder = _folder(output_dir, name)
            results = {**own, "global_step": step}
            result_files.write_eval_results(
                os.path.join(folder, "eval_results.txt"), results, f"Eval results of {name}"
            )
            self._data[name].report(folder, step, own, own_answered)
        run_folder.add_model_entries(output_dir, self.model_entries)

    def predict(self, objective, evaluator, output_dir, step, before_writing):
        scores = {}
        for name, data in self._data.items():
            logging.info("***** Task %s *****", name)
            folder = _folder(output_dir, name)
            own = data.predict(objective.of_stream(name), evaluator.of_stream(name), folder, step, before_writing)
            scores |= {_named(name, score): value for score, value in (own or {}).items()}
        return scores or None

    def write_report(self, output_dir, objective, run):
        """See base class: a page of each task in its folder, and one of all."""
        pages = {}
        for name, data in self._data.items():
            settings = list(self._tasks[name].given.items())
            own = dataclasses.replace(run, name=f"{run.name}/{name}", settings=settings)
            data.write_report(_folder(output_dir, name), objective.of_stream(name), own)
            if data.evaluated:
                pages[name] = data.evaluated
        if pages:
            report.save(output_dir, report.page_of_tasks(output_dir, run, self.splits({}), pages))

    @property
    def model_entries(self):
        return {TASKS: {name: data.model_entries for name, data in self._data.items()}}

    def write_beside_model(self, output_dir):
        for name, data in self._data.items():
            data.write_beside_model(_folder(output_dir, name))

    def splits(self, scores):
        return [
            dataclasses.replace(split, name=f"{name} {split.name}")
            for name, data in self._data.items()
            for split in data.splits(scores)
        ]

    def card_scores(self, scores, test_scores):
        found = {}
        for name in self._data:
            for split, prefix, given in (("dev", "eval", scores), ("test", "test", test_scores)):
                start = f"{prefix}_{name}_"
                own = {score.removeprefix(start): value for score, value in given.items() if score.startswith(start)}
                found[f"{name} {split}"] = own
        return found

    def rows_of(self, error, seed):
        names = list(self._data)
        step = getattr(error, "step", 1) - 1  # the one that failed, counted from 0
        name = names[int(self.draw(step, seed))] if len(names) > 1 else names[0]
        return f"{self._data[name].rows_of(error, seed)} (task {name})"

    def show(self):
        for name, data in self._data.items():
            print(f"task {name}")
            data.show()
        print(f"{len(self._data)} tasks, {self.num_train_steps} steps to train in all")


def _named(task, score):
    """eval_accuracy of a task as eval_TASK_accuracy, as the Trainer of transformers names scores of several sets."""
    split, _, name = score.partition("_")
    return f"{split}_{task}_{name}"


def _folder(output_dir, task):
    return os.path.join(output_dir, task)
