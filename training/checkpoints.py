"""The state of a run on disk: weights, slots, step, position in the data, best score so far.

A checkpoint is `model.ckpt-<step>` in the output folder. TensorFlow writes its index after its data and names it in
the file `checkpoint` last, so that a run killed while saving goes on from the checkpoint before.
"""

import glob
import logging
import os
import shutil

import tensorflow as tf

from errors import InputError
from training.run_folder import RUN_CONFIG

CHECKPOINT_NAME = "model.ckpt"
KEPT = 2
# What TensorFlow raises for a checkpoint that is truncated, corrupted, or of other variables.
DAMAGE = (tf.errors.OpError, ValueError, AssertionError, IndexError, RuntimeError)


class RunCheckpoints:
    """Saves and restores everything that the next steps depend on.

    Args:
      output_dir: the run's folder.
      step: int64 variable.
      named_weights: name -> variable; names, not positions, find them in the file.
      slots: kind -> name -> variable.
      others: name -> variable or iterator.
    """

    def __init__(self, output_dir, step, named_weights, slots, others):
        weights = {name: getattr(v, "value", v) for name, v in named_weights.items()}
        self._step = step
        # What a run that was killed while saving left behind; nothing points at it.
        for unfinished in glob.glob(os.path.join(glob.escape(output_dir), f"{CHECKPOINT_NAME}-*_temp")):
            shutil.rmtree(unfinished)
        self._checkpoint = tf.train.Checkpoint(step=step, weights=weights, slots=slots, **others)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, output_dir, max_to_keep=KEPT, checkpoint_name=CHECKPOINT_NAME, step_counter=step
        )

    @property
    def latest(self):
        """Prefix of the newest checkpoint whose files are there, or None."""
        return find_latest(self._manager.directory)

    def save(self):
        """Raises InputError where the disk is full or the folder cannot be written."""
        before = self.latest
        try:
            self._manager.save(checkpoint_number=int(self._step.numpy()))
        except (tf.errors.OpError, OSError) as error:
            kept = f"{before} is whole, the same command continues from it" if before else "there is none before it"
            raise InputError(
                f"{self._manager.directory}: the checkpoint of step {int(self._step.numpy())} cannot be written: "
                f"{_first_line(error)}; {kept}"
            ) from error

    def kept(self, name):
        """The values of a number, int, in all checkpoints that are there."""
        key = f"{name}/.ATTRIBUTES/VARIABLE_VALUE"
        return {int(tf.train.load_variable(prefix, key)) for prefix in self._manager.checkpoints if _is_there(prefix)}

    def restore(self):
        """Goes back to the newest checkpoint. Returns its step, or None where there is none.

        Raises:
          InputError: the checkpoint is damaged, or belongs to a model of another shape.
        """
        prefix = self.latest
        if prefix is None:
            return None
        try:
            self._checkpoint.restore(prefix).assert_consumed()
        except DAMAGE as error:
            raise InputError(
                f"{prefix}: damaged, or of another configuration ({_first_line(error)}); remove its files to go "
                "on from an older one, or use another --output_dir"
            ) from error
        logging.info("continuing from %s", prefix)
        return int(self._step.numpy())


def find_latest(output_dir):
    """Prefix of the newest checkpoint of a folder whose files are there, or None."""
    state = tf.train.get_checkpoint_state(output_dir)
    return (
        next((path for path in reversed(state.all_model_checkpoint_paths) if _is_there(path)), None) if state else None
    )


def _is_there(prefix):
    return os.path.exists(f"{prefix}.index")


def _first_line(error):
    return getattr(error, "message", str(error)).strip().splitlines()[0][:300]


# What a run leaves in its folder, the file that tells of the run last; records, found by their content, are not of it.
RUN_FILES = (
    "checkpoint", f"{CHECKPOINT_NAME}-*", "best/*", "model/*", "events.out.tfevents.*", "label_map.json",
    "eval_results.txt", "per_class.tsv", "confusion.tsv", "confusion.png", "scatter.png", "metrics.csv", "curves.png",
    "test_results.tsv", "test_results.txt", "predictions.tsv", "predictions.csv", "predictions.jsonl", RUN_CONFIG,
)  # fmt: skip


def remove_run(output_dir):
    """Removes what an earlier run left, for --overwrite_output_dir."""
    if not os.path.exists(os.path.join(output_dir, RUN_CONFIG)):
        return
    for pattern in RUN_FILES:
        for path in glob.glob(os.path.join(glob.escape(output_dir), pattern)):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def save_weights(named_weights, prefix):
    """Writes the weights alone, for the best model so far. Raises InputError where they cannot be written."""
    try:
        os.makedirs(os.path.dirname(prefix), exist_ok=True)
        _weights_alone(named_weights).write(prefix)
    except (tf.errors.OpError, OSError) as error:
        raise InputError(f"{prefix}: the best weights cannot be written: {_first_line(error)}") from error


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
        _weights_alone(named_weights).read(prefix).assert_consumed()
    except DAMAGE as error:
        raise InputError(f"{prefix}: the best weights cannot be read: {_first_line(error)}") from error


def _weights_alone(named_weights):
    return tf.train.Checkpoint(weights={name: getattr(v, "value", v) for name, v in named_weights.items()})
