"""The same rate at every step after the warm-up."""

import dataclasses

import tensorflow as tf

from bertline import registry
from bertline.training.schedules.schedule import Schedule


@registry.register("learning_rate_schedule", "constant")
@dataclasses.dataclass(frozen=True)
class Constant(Schedule):
    """See the module."""

    def after_warmup(self, done):
        return tf.ones_like(done)
