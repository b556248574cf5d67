"""Linear decay to 0, BERT's own. Source: google-research/bert `optimization.py:create_optimizer`."""

import dataclasses

import tensorflow as tf

from bertline import registry
from bertline.training.schedules.schedule import Schedule


@registry.register("learning_rate_schedule", "linear")
@dataclasses.dataclass(frozen=True)
class Linear(Schedule):
    """As in the original the decay counts from the first step, not from the end of the warm-up; the last step has 0."""

    def after_warmup(self, done):
        return tf.maximum(0.0, 1.0 - done / float(max(1, self.num_train_steps)))
