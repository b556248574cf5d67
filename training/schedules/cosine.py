"""Half a cosine from the full rate to 0. Source: Loshchilov & Hutter 2016, https://arxiv.org/abs/1608.03983"""

import dataclasses
import math

import tensorflow as tf

from bertline import registry
from bertline.training.schedules.schedule import Schedule


@registry.register("learning_rate_schedule", "cosine")
@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """See the module; the decay begins at the end of the warm-up."""

    def after_warmup(self, done):
        return 0.5 * (1.0 + tf.cos(math.pi * self.progress(done)))
