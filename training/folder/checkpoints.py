"""The state of a run on disk: weights, slots, step, position in the data, best score so far.

A checkpoint is `model.ckpt-<step>` in the output folder. It is written beside its place, put there whole, and named in
the file `checkpoint` last, so that a run killed while saving goes on from the checkpoint before. Other programs give
their checkpoints the same names; whose one is, its content says.
"""

import contextlib
import glob
import logging
import os
import re
import shutil
import zlib

import tensorflow as tf

from bertline.common.files import StandingFolder
from bertline.errors import InputError
from bertline.training.folder import checkpoint_files
from bertline.training.folder.checkpoint_files import PlainName, files_of, first_line
from bertline.training.folder.run_folder import RUN_CONFIG

CHECKPOINT_NAME = "model.ckpt"
KEPT = 2
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
_STEP = "step" + _VALUE
_BATCHES = "form_of_batches"  # what an iterator's batches are like
_DAMAGED = (tf.errors.OpError, IndexError, RuntimeError)
_OF_OTHER_VARIABLES = (ValueError, AssertionError)


class RunCheckpoints:
    """Saves and restores everything that the next steps depend on.

    Args:
      output_dir: the run's folder.
      step: int64 variable.
      named_weights: name -> variable; names, not positions, find them in the file.
      slots: kind -> name -> variable.
      others: name -> variable; "iterator" may be that of the data, a fresh one.
    """

    def __init__(self, output_dir, step, named_weights, slots, others):
        weights = {name: getattr(v, "value", v) for name, v in named_weights.items()}
        self._step, self._folder = step, output_dir
        os.makedirs(output_dir, exist_ok=True)
        self._standing = StandingFolder(output_dir)
        # What runs of earlier versions left that were killed while saving; nothing points at it.
        for name in (f"{CHECKPOINT_NAME}-*_temp", os.path.join("best", "weights-*_temp")):
            for unfinished in glob.glob(os.path.join(glob.escape(output_dir), name)):
                shutil.rmtree(unfinished)
        kept = {"step": step, "weights": weights, "slots": slots, **others}
        self._iterator = kept.get("iterator")
        if self._iterator is not None:
            kept[_BATCHES] = tf.Variable(_form_of(self._iterator), trainable=False)
        self._checkpoint = tf.train.Checkpoint(**kept)
        self._checkpoint.save_counter  # noqa: B018  made by being asked for; checkpoints of earlier versions have it
        self._beside_data = tf.train.Checkpoint(
            **{name: value for name, value in kept.items() if name not in ("iterator", _BATCHES)}
        )

    @property
    def latest(self):
        """Prefix of the newest whole checkpoint, or None."""
        return find_latest(self._folder)

    def save(self):
        """Raises InputError where the disk is full, or the folder cannot be written or was removed."""
        self._standing.check()
        step = int(self._step.numpy())
        prefix = self._free_prefix(step)
        try:
            checkpoint_files.place(self._checkpoint.write, prefix)
        except (tf.errors.OpError, OSError) as error:
            before = self.latest
            kept = f"{before} is whole, the same command continues from it" if before else "there is none before it"
            raise InputError(
                f"{self._folder}: the checkpoint of step {step} cannot be written: {first_line(error)}; {kept}"
            ) from error
        older = sorted((one for one in own_checkpoints(self._folder) if _step_of(one) < step), key=_step_of)
        kept, dropped = older[-(KEPT - 1) :], older[: -(KEPT - 1)]
        checkpoint_files.write_state(self._folder, [*kept, prefix])
        for one in dropped:
            checkpoint_files.remove(one)

    def _read(self, name, content):
        """Restores all from the checkpoint `name`, whose reader is `content`.

        An iterator keeps batches that were made ahead. Where a batch has other features than those, as in checkpoints
        of earlier versions, a fresh iterator is led to the same place: its order is a function of the seed.
        """
        key = _BATCHES + _VALUE
        if self._iterator is None or content.has_tensor(key) and content.get_tensor(key) == _form_of(self._iterator):
            self._checkpoint.read(name).assert_consumed()
            return
        self._beside_data.read(name).assert_existing_objects_matched()
        for _ in range(int(self._step.numpy())):
            next(self._iterator)

    def _free_prefix(self, step):
        """Where the checkpoint of a step goes: another program's is never overwritten."""
        prefix = os.path.join(self._folder, f"{CHECKPOINT_NAME}-{step}")
        return os.path.join(self._folder, f"{CHECKPOINT_NAME}-bertline-{step}") if is_foreign(prefix) else prefix

    def values_of(self, name):
        """The values of a number, int, in all checkpoints that are there."""
        key = name + _VALUE
        return {int(checkpoint_files.open_reader(prefix).get_tensor(key)) for prefix in own_checkpoints(self._folder)}

    def restore(self):
        """Goes back to the newest checkpoint, or to the one before where its data is damaged.

        Returns:
          Its step, or None where there is none.

        Raises:
          InputError: all are damaged, or the newest one belongs to a model of another shape.
        """
        newest, wrong = checkpoint_files.newest(self._folder, is_own)
        damage = None
        for prefix in dict.fromkeys([newest, *reversed(own_checkpoints(self._folder))] if newest else ()):
            try:
                with contextlib.closing(PlainName(prefix, files_of(prefix))) as name:
                    self._read(str(name), checkpoint_files.open_reader(prefix))
            except _DAMAGED as error:
                damage = damage or f"{prefix}: damaged ({first_line(error)}), copy it again"
                continue
            except _OF_OTHER_VARIABLES as error:
                raise InputError(
                    f"{prefix}: of another configuration ({first_line(error)}); use that of before, or another "
                    "--output_dir"
                ) from error
            for warning in filter(None, (wrong, damage)):
                logging.warning("%s; %s is used", warning, os.path.basename(prefix))
            logging.info("continuing from %s", prefix)
            return int(self._step.numpy())
        damage = damage or next(_find_damage(self._folder), None)
        if damage is None:
            return None
        raise InputError(f"{damage}; there is no whole checkpoint before it; give another --output_dir to train anew")


def _form_of(iterator):
    """int: another one where the features of a batch, their types or shapes are others."""
    spec = iterator.element_spec
    return zlib.crc32(repr(sorted(spec.items()) if isinstance(spec, dict) else spec).encode())


def find_latest(output_dir):
    """Prefix of the newest whole checkpoint that a run of ours has in a folder, or None."""
    return checkpoint_files.newest(output_dir, is_own)[0]


def own_checkpoints(output_dir):
    """Prefixes of the whole checkpoints that runs of ours have in a folder, the newest last."""
    return [prefix for prefix in _of_runs(output_dir) if is_own(prefix)]


def is_own(prefix):
    """Whether a checkpoint is whole and of a run of ours: object-based, with a step and weights by name."""
    keys = _keys(prefix)
    ours = {checkpoint_files.OBJECT_GRAPH, _STEP} <= keys
    return ours and any(key.startswith("weights/") for key in keys)


def is_foreign(prefix):
    """Whether a checkpoint is whole and another program's."""
    return bool(_keys(prefix)) and not is_own(prefix)


def foreign_run(output_dir):
    """Prefix of the newest checkpoint of another program's run; None where the folder holds none, or a run of ours."""
    if os.path.exists(os.path.join(output_dir, RUN_CONFIG)) or own_checkpoints(output_dir):
        return None
    # Weights that merely lie in the folder, as bert_model.ckpt, are no run.
    of_runs = {*checkpoint_files.read_state_file(output_dir)[0], *_of_runs(output_dir)}
    return checkpoint_files.newest(output_dir, lambda prefix: prefix in of_runs and is_foreign(prefix))[0]


def check_start(output_dir, settings):
    """Raises InputError where a folder cannot be trained in for the weights that it holds.

    These are another program's run; and, with --overwrite_output_dir, the weights to start from, which would be
    removed with the run that they are of. Other programs' checkpoints are never removed.
    """
    foreign = foreign_run(output_dir)
    if not settings.overwrite_output_dir:
        if foreign:
            raise InputError(
                f"{output_dir} holds a run of another program ({os.path.basename(foreign)}); give another "
                f"--output_dir; --init_checkpoint={foreign} starts from its weights"
            )
        return
    start = settings.init_checkpoint
    if not start or "://" in start or foreign:
        return
    prefix = checkpoint_files.prefix_of(start)
    own = os.path.realpath(output_dir)
    # Of a checkpoint's prefix there is no file; the one beside it may be a link.
    for path in (start, f"{prefix}.index"):
        real = os.path.realpath(path)
        if (real == own or real.startswith(own + os.sep)) and not is_foreign(prefix):
            raise InputError(f"--overwrite_output_dir would remove --init_checkpoint={start}; use another --output_dir")


def _keys(prefix):
    with contextlib.suppress(InputError):
        if os.path.exists(f"{prefix}.index"):
            return checkpoint_files.open_reader(prefix).get_variable_to_shape_map().keys()
    return set()


def _step_of(prefix):
    return int(checkpoint_files.open_reader(prefix).get_tensor(_STEP))


def _of_runs(output_dir):
    """Prefixes that have the name of a run's checkpoint, whole or not, the newest last."""
    name = re.compile(re.escape(CHECKPOINT_NAME) + r"-(bertline-)?\d+")
    return [one for one in checkpoint_files.prefixes(output_dir) if name.fullmatch(os.path.basename(one))]


def _find_damage(output_dir):
    """What is wrong with each checkpoint that cannot be opened, the newest first."""
    for prefix in reversed(_of_runs(output_dir)):
        try:
            checkpoint_files.open_reader(prefix)
        except InputError as error:
            yield str(error)


# What a run leaves in its folder beside checkpoints, the file that tells of the run last; records, found by their
# content, are not of it.
RUN_FILES = (
    "best/*",
    "model/*",
    "events.out.tfevents.*.v2",
    "label_map.json",
    "eval_results.txt",
    "per_class.tsv",
    "confusion.tsv",
    "confusion.png",
    "scatter.png",
    "report.html",
    "metrics.csv",
    "curves.png",
    "layer_weights.json",
    "layer_weights.png",
    "test_results.tsv",
    "test_results.txt",
    "predictions.tsv",
    "predictions.csv",
    "predictions.jsonl",
    "predictions.conll",
    "predictions.html",
    "predictions.json",
    "nbest_predictions.json",
    "null_odds.json",
    "per_type.tsv",
    "test_per_type.tsv",
    RUN_CONFIG,
)


def remove_run(output_dir):
    """Removes what an earlier run of ours left, for --overwrite_output_dir."""
    has_run = os.path.exists(os.path.join(output_dir, RUN_CONFIG))
    own = [one for one in _of_runs(output_dir) if is_own(one) or (has_run and not checkpoint_files.is_whole(one))]
    foreign = [one for one in checkpoint_files.read_state_file(output_dir)[0] if is_foreign(one)]
    if (own or has_run) and not foreign:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(output_dir, checkpoint_files.STATE))
    for prefix in own:
        checkpoint_files.remove(prefix)
    for pattern in RUN_FILES if has_run else ():
        for path in glob.glob(os.path.join(glob.escape(output_dir), pattern)):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def save_weights(named_weights, prefix):
    """Writes the weights alone, for the best model so far. Raises InputError where they cannot be written."""
    try:
        checkpoint_files.place(_weights_alone(named_weights).write, prefix)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"{prefix}: the best weights cannot be written: {first_line(error)}") from error


def remove_weights(pattern, kept):
    """Removes the files of all prefixes that match, but for those of `kept`."""
    kept = set(kept)
    folder, name = os.path.split(pattern)
    for path in glob.glob(os.path.join(glob.escape(folder), f"{name}.*")):
        if path.rsplit(".", 1)[0] not in kept:
            os.remove(path)


def restore_weights(named_weights, prefix):
    """Reads what `save_weights` wrote. Raises InputError where it is damaged."""
    try:
        with contextlib.closing(PlainName(prefix, files_of(prefix))) as name:
            _weights_alone(named_weights).read(str(name)).assert_consumed()
    except (*_DAMAGED, *_OF_OTHER_VARIABLES) as error:
        raise InputError(f"{prefix}: the best weights cannot be read: {first_line(error)}") from error


def _weights_alone(named_weights):
    return tf.train.Checkpoint(weights={name: getattr(v, "value", v) for name, v in named_weights.items()})
