"""What every learning-rate schedule is: a function of the steps done, with a warm-up before it."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Base of all schedules: a linear warm-up, then what `after_warmup` says.

    As in the original the rate of a step is read after the step was counted: with a warm-up the first one has
    1 / num_warmup_steps of the full rate.

    Attributes:
      options: see `options`; each is a field.
      learning_rate: the highest rate. num_train_steps, num_warmup_steps: int.
    """

    options = {}

    learning_rate: float
    num_train_steps: int
    num_warmup_steps: int = 0

    def __call__(self, step):
        """int64 scalar, steps done so far -> float32 scalar, the rate of the next one."""
        done = tf.cast(step, tf.float32) + 1.0
        rate = self.learning_rate * self.after_warmup(done)
        if not self.num_warmup_steps:
            return rate
        warming = self.learning_rate * done / float(self.num_warmup_steps)
        return tf.where(done < float(self.num_warmup_steps), warming, rate)

    def after_warmup(self, done):
        """float32 scalar, steps counted -> float32 scalar, the share of the full rate."""
        raise NotImplementedError

    def progress(self, done):
        """0 at the end of the warm-up, 1 at the last step and after it."""
        steps = max(1, self.num_train_steps - self.num_warmup_steps)
        return tf.clip_by_value((done - float(self.num_warmup_steps)) / float(steps), 0.0, 1.0)
