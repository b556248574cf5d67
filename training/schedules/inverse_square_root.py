"""The rate falls with the root of the step. Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, 5.3"""

import dataclasses

import tensorflow as tf

from bertline import registry
from bertline.training.schedules.schedule import Schedule


@registry.register("learning_rate_schedule", "inverse_square_root")
@dataclasses.dataclass(frozen=True)
class InverseSquareRoot(Schedule):
    """sqrt(warm-up / step): the full rate at the end of the warm-up (of one step, where there is none)."""

    def after_warmup(self, done):
        return tf.minimum(1.0, tf.sqrt(float(max(1, self.num_warmup_steps)) / done))
