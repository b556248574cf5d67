"""In proportion to the square root of the size: small tasks come more often.

Source: Stickland & Murray 2019, https://arxiv.org/abs/1902.02671, section 4.1.
"""

import tensorflow as tf

from bertline import registry
from bertline.training.task_sampling.sampling import TaskSampling


@registry.register("task_sampling", "square_root")
class BySquareRoot(TaskSampling):
    """See the module."""

    def shares(self, progress):
        return tf.sqrt(self.sizes)
