"""A folder that was trained before: evaluation and prediction take weights, vocabulary and labels from it."""

import dataclasses
import inspect
import logging
import re

from bertline import options, registry
from bertline.errors import InputError
from bertline.modeling.configuration import head_fields, task_heads
from bertline.modeling.dtypes import check_dtype
from bertline.processors.tokenization import load_tokenizer
from bertline.training.folder import checkpoints, run_folder
from bertline.weights import heads, task_view
from bertline.weights.load_save import load_weights, open_weights
from bertline.weights.open_model import open_model
from bertline.weights.saved_head import warn_of_cross_encoder


def model_source(settings, output_dir, vocab_file=None, vocab_required=True):
    """The OpenedModel of a run: without training, a trained folder is its own, as is one that another program trained.

    Args:
      settings: RunSettings.
      vocab_file: the vocabulary where neither the settings nor the weights nor the configuration have one.
      vocab_required: whether it is an error that there is none.

    Raises:
      InputError: what does not fit together, a --vocab_file of another vocabulary than the folder's among it.
    """
    check_dtype(settings.dtype)

    def open_source(path):
        return open_model(
            path,
            bert_config_file=settings.bert_config_file,
            vocab_file=settings.vocab_file,
            do_lower_case=settings.do_lower_case,
            max_seq_length=settings.max_seq_length,
            last_vocab_file=vocab_file,
            vocab_required=vocab_required,
        )

    source = _open_trained(settings, output_dir, open_source)
    if not settings.do_train and run_folder.is_trained(output_dir) and not source.tasks:
        return source  # --init_task says from which head the folder's own began
    return _of_task(source, settings)


def _of_task(source, settings):
    """What the folder of the one task would be that a command means; of no task, or of several, the source as it is.

    Raises:
      InputError: the one that is named is not there.
    """
    task, named = run_folder.task_of(settings), getattr(settings, "init_task", None)
    if task_heads.find(source.tasks, task) or not named and not (source.tasks and run_folder.one_task_of(settings)):
        return source.of_task_if_there(task)
    path = source.weights.path if source.weights else "no --init_checkpoint"
    has = f"{path} has the heads of {', '.join(source.tasks)}"
    if named:
        has = f"{has}; name one of them" if source.tasks else f"{path} is not of several tasks; leave it out"
        raise InputError(f"--init_task={named}: {has}")
    if not settings.do_train:
        raise task_heads.none_of(path, source.tasks, task)
    logging.warning("%s, none of %s: a new one begins at random; --init_task goes on with one of them", has, task)
    return source


def _open_trained(settings, output_dir, open_source):
    if settings.do_train:
        return open_source(settings.init_checkpoint)
    if not run_folder.is_trained(output_dir):
        foreign = checkpoints.foreign_run(output_dir)
        return _of_another_program(foreign, open_source, settings) if foreign else open_source(settings.init_checkpoint)
    folder = run_folder.model_folder(output_dir)
    source = open_source(folder)
    if settings.vocab_file and source.weights.vocab_folder:
        trained = load_tokenizer(folder)
        if trained.fingerprint() != source.tokenizer.fingerprint():
            raise InputError(
                f"{settings.vocab_file}: not the vocabulary and casing that {folder} was trained with (do_lower_case "
                f"{trained.do_lower_case}); leave --vocab_file and --do_lower_case out"
            )
    return source


def _of_another_program(prefix, open_source, settings):
    """The OpenedModel of a folder that another program trained in, as the original reads it: its newest checkpoint.

    Configuration and vocabulary, where no flag names them, are those of --init_checkpoint or lie beside the checkpoint.
    """
    logging.info("another program's run: the weights of %s are used", prefix)
    source = open_source(settings.init_checkpoint or prefix)
    source.weights = dataclasses.replace(
        open_weights(prefix), config=source.weights.config, config_path=source.weights.config_path
    )
    return source


def load_trained(objective, given, output_dir, initial, label_names=(), allow_missing=None):
    """Reads weights for evaluation or prediction without training: the folder's own, else the initial ones.

    Args:
      given: name -> value of every setting.
      initial: WeightSource of --init_checkpoint, or None.
      label_names: the task's classes in the order of their ids.
      allow_missing: pattern of weights that are not needed for what is asked.

    Returns:
      The step that the weights are of; 0 where nothing tells it.

    Raises:
      InputError: nothing trained is there, or it was trained for another task.
    """
    own, latest = run_folder.is_trained(output_dir), checkpoints.find_latest(output_dir)
    if not own and latest:
        raise InputError(f"{output_dir} holds a run that is not finished; the same command with --do_train finishes it")
    source = open_weights(run_folder.model_folder(output_dir)) if own else initial
    source = task_view.view_if_there(source, given.get("init_task") or given.get("task_name"))
    if source is None:
        raise InputError(f"{output_dir} holds no trained model, and no --init_checkpoint is given; add --do_train")
    _check_owner(objective, source)
    _check_problem_type(source, getattr(objective, "problem_type", None))
    _check_settings(objective, given, output_dir if own else run_folder.run_of(source.path), own)
    report = load_weights(objective, source, allow_missing=allow_missing)
    report.log()
    needed = [name for name in report.missing if not re.fullmatch(allow_missing or r"(?!)", name)]
    untrained = needed + report.reshaped
    if untrained:
        raise InputError(f"{source.path} is not trained for this task, it lacks {untrained[0]}; add --do_train")
    _check_label_names(source, label_names)
    warn_of_cross_encoder(source.config or {}, source.config_path)
    return _step_of(source)


def _step_of(source):
    """The step that weights are of: a checkpoint's name says it, or the configuration that lies beside; else 0."""
    named = re.search(r"\.ckpt-(\d+)$", source.path)
    step = int(named[1]) if named else (source.config or {}).get("global_step")
    return step if type(step) is int else 0


def _check_owner(objective, source):
    """Weights of the same name may be of tokens, or of choices."""
    name = registry.name_of("objective", type(objective))
    if objective.labelled and heads.is_of_another(source.config or {}, name):
        raise InputError(
            f"{source.path}: a model {', '.join(source.config.get('architectures') or [])}, whose head is not that of "
            f"--objective={name}; add --do_train to train one"
        )


def _check_problem_type(source, here):
    """The same weights would be read, and their outputs taken for what they are not."""
    there = (source.config or {}).get("problem_type")
    if here and there and there != here:
        raise InputError(
            f"{source.path}: trained for {there}, the task here is {here}; give --problem_type={there} with a generic "
            "--task_name, else the --task_name that it was trained on"
        )


def _check_settings(objective, given, folder, own):
    """A folder that tells of its run must have been trained with the settings that the objective reads.

    own: whether it is the output folder; weights of another one may be tried with another objective.
    """
    saved = run_folder.settings_of(folder, given.get("init_task") or given.get("task_name")) if folder else {}
    if not own and saved.get("objective") != given.get("objective"):
        return
    # Some options are of training alone; the problem type is the task's, which the weights' configuration has.
    of_training = {name for name, option in options.of(type(objective)).items() if not option.as_trained}
    read = set(inspect.signature(type(objective).__init__).parameters) - {*of_training, "problem_type"}
    for name in sorted(given.keys() & saved.keys() & {"objective", *read}):
        # None was the objective's or the task's own value, which only the run knew.
        if saved[name] is not None and saved[name] != given[name]:
            raise InputError(
                f"{folder}: trained with --{name}={saved[name]}, here it is {given[name]}; give --{name}={saved[name]}"
            )


def _check_label_names(source, here):
    """A model that names its classes must mean the same by each of its outputs."""
    there = head_fields.label_names(source.config or {}) or []
    nameless = all(name.startswith("LABEL_") for name in there)
    if here and not nameless and there != here:
        raise InputError(
            f"{source.path}: trained on the labels {', '.join(there)}; here they are {', '.join(here)}; a generic "
            "--task_name without --label_list takes the model's own"
        )
