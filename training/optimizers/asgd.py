"""Averaged stochastic gradient descent: the mean of the weights over the steps is what is evaluated and kept.

Source: Polyak & Juditsky 1992; as torch's ASGD with lambd 0 and alpha 0, by which Merity et al. 2017
(https://arxiv.org/abs/1708.02182) train language models.
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.optimizers.sgd import SGD


@registry.register("optimizer", "asgd")
class ASGD(SGD):
    """SGD without momentum, and the mean of the weights after each step from `averaging_start_step` on.

    The mean of a row that no gradient names grows by the same row: that is added when the row is asked for, so that a
    step over rows touches those rows alone.
    """

    options = {
        "averaging_start_step": Option(0, "Steps before the mean of the weights begins."),
        "momentum": None,
        "nesterov": None,
    }

    def __init__(self, named_weights, schedule, groups=None, averaging_start_step=0):
        super().__init__(named_weights, schedule, groups)
        self.start = averaging_start_step
        self.slots = {kind: self._slot(kind) for kind in ("average", "averaged_steps")}

    def initial_slot(self, kind, name, variable):
        if kind == "average":
            return tf.convert_to_tensor(variable)
        # How many steps the mean has; of each row, where rows stay rows.
        return tf.zeros(variable.shape[:1] if self.keeps_single_rows(name) else [])

    def begin(self, step):
        """float32 scalar: how many steps the mean has after this one; 0 before it begins."""
        return tf.maximum(0.0, tf.cast(step + 1 - self.start, tf.float32))

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        self._catch_up(variable, slots, tf.maximum(0.0, shared - 1.0))
        super().move(variable, gradient, slots, rate, weight_decay, shared)
        self._catch_up(variable, slots, shared)

    def move_rows(self, variable, gradient, slots, rate, weight_decay, shared):
        self._catch_up(variable, slots, tf.maximum(0.0, shared - 1.0), gradient.indices)
        super().move_rows(variable, gradient, slots, rate, weight_decay, shared)
        self._catch_up(variable, slots, shared, gradient.indices)

    def averages(self, step):
        """name -> float32 tensor, the means after so many steps; {} before they begin."""
        return {
            name: _mean(variable, self.slots["average"][name], self.slots["averaged_steps"][name], count)
            for name, variable in self.weights.items()
            if (count := tf.cast(step - self.start, tf.float32)) > 0.0
        }

    def _catch_up(self, variable, slots, count, rows=None):
        """Brings the means to `count` steps, the last of which all had the weight as it is now."""
        average, steps = slots["average"], slots["averaged_steps"]
        if rows is None:
            average.assign(_mean(variable, average, steps, count))
            steps.assign(tf.fill(tf.shape(steps), count))
            return
        values = _mean(tf.gather(variable, rows), tf.gather(average, rows), tf.gather(steps, rows), count)
        average.scatter_update(tf.IndexedSlices(values, rows))
        steps.scatter_update(tf.IndexedSlices(tf.fill(tf.shape(rows), count), rows))


def _mean(weight, average, steps, count):
    """The mean over `count` steps: that of the first `steps` is known, in the others the weight was what it is."""
    shape = tf.concat([tf.shape(steps), tf.ones([tf.rank(weight) - tf.rank(steps)], tf.int32)], axis=0)
    share = tf.reshape(tf.where(count > 0.0, steps / tf.maximum(count, 1.0), 0.0), shape)  # 0: the weight itself
    return share * average + (1.0 - share) * weight
