"""In proportion to the size to the power of 1 / temperature: 1 is the size, a high one makes all tasks equal.

Source: Raffel et al. 2020 (T5), https://arxiv.org/abs/1910.10683, section 3.5.2.
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.task_sampling.sampling import TaskSampling


@registry.register("task_sampling", "temperature")
class ByTemperature(TaskSampling):
    """See the module."""

    options = {
        "sampling_temperature": Option(
            2.0, "Tasks are drawn by their size to the power of 1 / this: 1 is the size, a high one all alike.", above=0
        )
    }

    def __init__(self, sizes, num_train_steps, sampling_temperature=2.0):
        super().__init__(sizes, num_train_steps)
        self.exponent = 1.0 / sampling_temperature

    def shares(self, progress):
        # Of the largest, so that no power overflows.
        return tf.pow(self.sizes / tf.reduce_max(self.sizes), self.exponent)
