"""What every way to draw tasks is: a share of the steps for each, and the draw as a pure function of (seed, step)."""

import tensorflow as tf


class TaskSampling:
    """Base. A subclass gives `shares`; its options are arguments of its constructor.

    Attributes:
      options: see `options`.

    Args:
      sizes: batches that an epoch of each task has, floats above 0.
      num_train_steps: int, of the run.
    """

    options = {}

    def __init__(self, sizes, num_train_steps):
        self.sizes, self.num_train_steps = tf.constant(sizes, tf.float32), num_train_steps

    def shares(self, progress):
        """float32 [tasks], of any sum above 0. progress: float32 scalar, the part of the run that is done."""
        raise NotImplementedError

    def draw(self, step, seed):
        """int32 scalar, the number of the task that a step learns from.

        Args:
          step: int64 scalar, steps done before it. seed: int.
        """
        progress = tf.cast(step, tf.float32) / float(self.num_train_steps)
        ends = tf.cumsum(self.shares(progress))
        drawn = tf.random.stateless_uniform([], tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)]))
        return tf.reduce_sum(tf.cast(drawn * ends[-1] >= ends[:-1], tf.int32))
