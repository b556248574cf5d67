"""From the settings of a fine-tuning script to its Job: the task's files, its labels, the objective that fits them."""

import dataclasses
import functools
import inspect
import os

from bertline import options, registry
from bertline.common import console, table_lines
from bertline.errors import InputError, naming
from bertline.processors.labels.base import make_labels
from bertline.settings import flags
from bertline.settings.search import check as check_search
from bertline.training.choosing import folds, search
from bertline.training.choosing.members import Ending
from bertline.training.folder import run_folder, split_file
from bertline.training.folder.as_trained import as_trained
from bertline.training.jobs import long_texts, task_files, task_recipe


def run_task(settings, given, processor=None):
    """Reads the files of --task_name, then trains, evaluates and predicts as the settings say.

    Args:
      settings: TaskSettings, as the command line gives them.
      given: name -> whether the command line names the setting.
      processor: a DataProcessor that has the examples; None: that of --task_name.

    Returns:
      The exit status.

    Raises:
      InputError: what does not fit, before the first step.
    """
    flags.check_output_dir(settings)
    trials = check_search(settings, given)
    if trials is None:
        return _run_setting(settings, given, processor).status
    start = functools.partial(_run_setting, given=given, processor=processor)
    return search.run_search(settings, trials, _data_key(settings, given, processor), start).status


def _data_key(settings, given, processor):
    """Hash of the rows of all settings of a search: they vary how a model is trained, rather than on what."""
    run = task_files.with_task(settings)
    if processor is None and task_recipe.is_of_several(run):
        examples = {
            f"{plan.name} {split}": rows for plan, _, _, own in _read_several(run, given) for split, rows in own.items()
        }
    else:
        examples = task_files.read_examples(run, processor or task_files.make_processor(run, given("problem_type")))
    return task_files.digest(examples)


def _run_setting(settings, given, processor=None, stop_rule=None):
    """The Ending of one setting of all flags; see Job for stop_rule."""
    run = task_files.with_task(as_trained(settings, given))
    task_recipe.check_flags(run)
    num_folds = getattr(run, "num_folds", None)
    if hasattr(run, "num_folds"):
        folds.check(run)
    if processor is None and task_recipe.is_of_several(run):
        return _run_several(run, given, stop_rule)
    processor = processor or task_files.make_processor(run, given("problem_type"))
    run_rows = functools.partial(_run_rows, stop_rule=stop_rule)
    return run_rows(run, processor) if num_folds is None else folds.run_folds(run, processor, run_rows)


def _run_rows(run, processor, stop_rule=None):
    """The Ending of the runs, one for each seed, on the examples of a processor."""
    _check_tunes(run, run_folder.seed_folder(run))
    examples = task_files.read_examples(run, processor)
    # TensorFlow is imported only now that flags and files are known to be good.
    console.import_tensorflow()
    from bertline.training.jobs.job import Job

    data = _data(run, _task(run, processor, examples))
    job = Job(run, data, stop_rule)
    split_file.write(run, processor)
    return _end(job, data, stop_rule)


def _end(job, data, stop_rule):
    """Runs a job; its Ending."""
    status = job.run()
    stopped_at = stop_rule and stop_rule.stopped_at
    return Ending(status, data.first_score, data.first_is_lower_better, stopped_at)


def _run_several(run, given, stop_rule=None):
    """The same for several tasks that share an encoder; the files of each are in a folder of its name."""
    read = _read_several(run, given)
    console.import_tensorflow()
    from bertline.settings.parts import part
    from bertline.training.jobs.job import Job
    from bertline.training.jobs.multi_task_data import MultiTaskData, TaskOfSeveral
    from bertline.training.jobs.task_data import TaskDataSettings

    tasks = {}
    for plan, own, processor, examples in read:
        with naming(f"task {plan.name}"):
            task = _task(own, processor, examples)
        if plan.metric:
            with naming(f"task {plan.name}"):
                _check_metric(plan.metric, task.labels)
            metrics = tuple(dict.fromkeys([plan.metric, *task.metrics]))
            task = dataclasses.replace(task, metrics=metrics)
        data = _data(own, task)
        tasks[plan.name] = TaskOfSeveral(data, plan.weight, plan.key(), vars(own), plan.own_settings(run))
    sampling = registry.get("task_sampling", run.task_sampling)
    make_sampling = functools.partial(sampling, **options.values_for(sampling, vars(run)))
    data = MultiTaskData(tasks, make_sampling, part(TaskDataSettings, run), run.best_task)
    job = Job(run, data, stop_rule)
    for _, own, processor, _ in read:
        split_file.write(own, processor)
    return _end(job, data, stop_rule)


def _check_tunes(run, folder):
    """Raises InputError where thresholds are to be tuned and have no place. folder: of the model that keeps them."""
    if getattr(run, "tune_thresholds", False) and not (run.do_train or run_folder.is_trained(folder)):
        raise InputError(
            f"--tune_thresholds writes into the model of --output_dir, and {folder} has none; give the folder of a "
            "training, or add --do_train"
        )


def _check_metric(name, labels):
    """Raises InputError for a score that says nothing of such labels."""
    score = registry.get("score", name)
    if score.problem_types and labels.problem_type not in score.problem_types:
        wanted = " or ".join(score.problem_types)
        raise InputError(f"metric = {name} is for {wanted}, the task is {labels.problem_type}")
    if score.num_labels not in (None, labels.num_labels):
        raise InputError(f"metric = {name} is for {score.num_labels} labels, the task has {labels.num_labels}")


def _read_several(run, given):
    """(TaskPlan, its settings, its processor, its examples) of each task."""
    read = []
    for plan in task_recipe.plans(run):
        own = dataclasses.replace(plan.run, output_dir=os.path.join(run.output_dir, plan.name))
        with naming(f"task {plan.name}"):
            _check_tunes(own, run_folder.seed_folder(run))
            head = task_files.trained_head(run, plan.name)
            processor = task_files.make_processor(own, given("problem_type"), head)
            read.append((plan, own, processor, task_files.read_examples(own, processor)))
    return read


def _data(run, task):
    from bertline.settings.parts import part
    from bertline.training.jobs.building import length_buckets
    from bertline.training.jobs.task_data import TaskData, TaskDataSettings

    return TaskData(task, part(TaskDataSettings, run), length_buckets(run))


def _task(run, processor, examples):
    """The Task of a processor and its examples."""
    from bertline.training.jobs.objective_arguments import calibration_of, class_rates, objective_arguments
    from bertline.training.jobs.task_data import Task

    labels = make_labels(
        processor.problem_type, processor.get_labels(), **processor.label_options, **_tuning(run, processor)
    )
    for split, rows in examples.items():
        labels.check(rows, split)
    objective_class = registry.get("objective", run.objective)
    arguments = objective_arguments(run, objective_class, processor, labels, examples.get("train"))
    files = {"train": run.train_records, "dev": run.eval_records, "test": run.predict_records}
    make_objective = functools.partial(objective_class, **arguments)
    layout, layout_options, make_objective = long_texts.by_windows(run, objective_class, make_objective)
    return Task(
        labels,
        tuple(processor.metrics),
        examples,
        {split: files[split] for split in task_files.splits(run) if files[split]},
        make_objective,
        layout,
        {**processor.layout_options, **layout_options},
        class_rates(run, labels, examples.get("train")),
        calibration_of(run, objective_class, processor),
        long_texts.truncation_of(run),
        getattr(run, "predictions_format", table_lines.TSV),
    )


def _tuning(run, processor):
    """What --tune_thresholds and --abstain_below tell the labels. Raises InputError where these have no use of it."""
    taken = inspect.signature(registry.get("labels", processor.problem_type)).parameters
    below = getattr(run, "abstain_below", None)
    if below is not None and "abstain_below" not in taken:
        raise InputError(
            f"--abstain_below is for rows of one class each; --task_name={run.task_name} is "
            f"{processor.problem_type}; leave it out"
        )
    if below is not None and not 0 < below <= 1:
        raise InputError(f"--abstain_below={below}: a probability above 0, 1 at most, is needed")
    return {**_tuned(run, processor, taken), **({} if below is None else {"abstain_below": below})}


def _tuned(run, processor, taken):
    if not getattr(run, "tune_thresholds", False):
        return {}
    if not run.do_eval:
        raise InputError("--tune_thresholds looks at the dev rows; --do_eval is needed")
    if "tunes_thresholds" not in taken:
        raise InputError(
            f"--tune_thresholds is for rows of several labels; --task_name={run.task_name} is "
            f"{processor.problem_type}; leave it out"
        )
    return {"tunes_thresholds": True}
