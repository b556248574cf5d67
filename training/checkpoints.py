"""The state of a run on disk: weights, slots, step, position in the data, best score so far.

A checkpoint is `model.ckpt-<step>` in the output folder. TensorFlow writes its index after its data and names it in
the file `checkpoint` last, so that a run killed while saving goes on from the checkpoint before.
"""

import glob
import logging
import os

import tensorflow as tf

from errors import InputError

CHECKPOINT_NAME = "model.ckpt"
KEPT = 2


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
        self._checkpoint = tf.train.Checkpoint(step=step, weights=weights, slots=slots, **others)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, output_dir, max_to_keep=KEPT, checkpoint_name=CHECKPOINT_NAME, step_counter=step
        )

    @property
    def latest(self):
        """Prefix of the newest checkpoint, or None."""
        return self._manager.latest_checkpoint

    def save(self):
        """Raises InputError where the disk is full or the folder cannot be written."""
        try:
            return self._manager.save(checkpoint_number=int(self._step))
        except (tf.errors.OpError, OSError) as error:
            raise InputError(
                f"{self._manager.directory}: the checkpoint of step {int(self._step)} cannot be written: "
                f"{str(error).splitlines()[0]}; the one before, {self.latest}, is whole"
            ) from error

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
        except (tf.errors.OpError, ValueError, AssertionError) as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise InputError(
                f"{prefix}: damaged, or of another configuration ({reason}); remove its files to go on from an older "
                "one, or use --overwrite_output_dir"
            ) from error
        logging.info("continuing from %s", prefix)
        return int(self._step)


def remove_run(output_dir):
    """Removes the checkpoints of a run, for --overwrite_output_dir; other files are left and overwritten later."""
    for pattern in ("checkpoint", f"{CHECKPOINT_NAME}-*", os.path.join("best", "*")):
        for path in glob.glob(os.path.join(glob.escape(output_dir), pattern)):
            os.remove(path)


def save_weights(named_weights, prefix):
    """Writes the weights alone, for the best model so far."""
    os.makedirs(os.path.dirname(prefix), exist_ok=True)
    tf.train.Checkpoint(weights={name: v.value for name, v in named_weights.items()}).write(prefix)


def restore_weights(named_weights, prefix):
    tf.train.Checkpoint(weights={name: v.value for name, v in named_weights.items()}).read(prefix).assert_consumed()
