"""A short rise and a long fall. Source: Howard & Ruder 2018, https://arxiv.org/abs/1801.06146, equation 3"""

import dataclasses
import math

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.schedules.schedule import Schedule


@registry.register("learning_rate_schedule", "slanted_triangular")
@dataclasses.dataclass(frozen=True)
class SlantedTriangular(Schedule):
    """The rise is the schedule's own: it takes the share `cut_fraction` of the steps, and the warm-up plays no part."""

    options = {
        "cut_fraction": Option(0.1, "Share of the steps over which a slanted triangular rate rises."),
        "rate_ratio": Option(32.0, "How much smaller the lowest slanted triangular rate is than the highest one."),
    }

    cut_fraction: float = 0.1
    rate_ratio: float = 32.0

    def __call__(self, step):
        done = tf.cast(step, tf.float32) + 1.0
        cut = float(max(1, math.floor(self.num_train_steps * self.cut_fraction)))
        falling = 1.0 - (done - cut) / (cut * (1.0 / self.cut_fraction - 1.0))
        share = tf.where(done < cut, done / cut, tf.maximum(0.0, falling))
        return self.learning_rate * (1.0 + share * (self.rate_ratio - 1.0)) / self.rate_ratio
