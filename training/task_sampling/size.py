"""In proportion to size: as often as if the batches of all tasks were shuffled together, as MT-DNN does.

Source: Liu et al. 2019, https://arxiv.org/abs/1901.11504, algorithm 1.
"""

from bertline import registry
from bertline.training.task_sampling.sampling import TaskSampling


@registry.register("task_sampling", "size")
class BySize(TaskSampling):
    """See the module."""

    def shares(self, progress):
        return self.sizes
