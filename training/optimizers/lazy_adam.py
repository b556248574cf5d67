"""Lazy Adam: Adam whose moments of a row are updated only when the row has a gradient, for large tables of words.

Source: the LazyAdamOptimizer of tf.contrib; Adam is Kingma & Ba 2014, https://arxiv.org/abs/1412.6980, algorithm 1.
"""

import tensorflow as tf

from bertline import registry
from bertline.training.optimizers.adamw import BETA_1, BETA_2, Adam


@registry.register("optimizer", "lazy_adam")
class LazyAdam(Adam):
    """Adam with bias correction and decoupled decay (by default none); rows stay rows, and decay when they move."""

    weight_decay = 0.0
    keeps_rows = True

    def __init__(self, named_weights, schedule, groups=None):
        super().__init__(named_weights, schedule, groups, bias_correction=True)

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        if weight_decay:
            variable.assign(variable * (1.0 - rate * weight_decay))
        self.adam_step(variable, gradient, slots, rate, shared)

    def move_rows(self, variable, gradient, slots, rate, weight_decay, shared):
        power_1, power_2, epsilon = shared
        rows, values = gradient.indices, gradient.values
        first = BETA_1 * tf.gather(slots["adam_m"], rows) + (1.0 - BETA_1) * values
        second = BETA_2 * tf.gather(slots["adam_v"], rows) + (1.0 - BETA_2) * values * values
        step = rate * tf.sqrt(1.0 - power_2) / (1.0 - power_1) * first / (tf.sqrt(second) + epsilon)
        if weight_decay:
            step += rate * weight_decay * tf.gather(variable, rows)
        slots["adam_m"].scatter_update(tf.IndexedSlices(first, rows))
        slots["adam_v"].scatter_update(tf.IndexedSlices(second, rows))
        variable.scatter_sub(tf.IndexedSlices(step, rows))
