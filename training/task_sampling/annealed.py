"""By size at first, and towards all tasks alike at the end, so that none is forgotten.

Source: Stickland & Murray 2019, https://arxiv.org/abs/1902.02671, section 4.1: the size to the power of
1 - 0.8 (e - 1) / (E - 1) in epoch e of E; here e moves on with each step.
"""

import tensorflow as tf

from bertline import registry
from bertline.training.task_sampling.sampling import TaskSampling

FALL = 0.8  # of the exponent, from the first step to the last


@registry.register("task_sampling", "annealed")
class Annealed(TaskSampling):
    """See the module."""

    def shares(self, progress):
        return tf.pow(self.sizes / tf.reduce_max(self.sizes), 1.0 - FALL * progress)
