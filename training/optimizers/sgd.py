"""Stochastic gradient descent, plain or with momentum (Polyak 1964; Nesterov's form as an option), as torch has it."""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.optimizers.optimizer import Optimizer


@registry.register("optimizer", "sgd")
class SGD(Optimizer):
    """velocity = momentum * velocity + gradient; weight -= rate * velocity. Weight decay is added to the gradient.

    Without momentum a gradient of single rows stays one: rows that it does not name would not move anyway.
    """

    options = {
        "momentum": Option(0.0, "Share of the last step that each step keeps."),
        "nesterov": Option(False, "Look ahead by the momentum before the gradient is applied."),
    }

    def __init__(self, named_weights, schedule, groups=None, momentum=0.0, nesterov=False):
        self.momentum, self.nesterov = momentum, nesterov
        self.slot_names, self.keeps_rows = (("momentum",), False) if momentum else ((), True)
        super().__init__(named_weights, schedule, groups)

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        gradient = with_decay(gradient, variable, weight_decay)
        if not self.momentum:
            variable.assign_sub(rate * gradient)
            return
        tf.raw_ops.ResourceApplyMomentum(
            var=variable.handle,
            accum=slots["momentum"].handle,
            lr=rate,
            grad=gradient,
            momentum=self.momentum,
            use_nesterov=self.nesterov,
        )

    def move_rows(self, variable, gradient, slots, rate, weight_decay, shared):
        gradient = rows_with_decay(gradient, variable, weight_decay)
        if not self.momentum:
            variable.scatter_sub(tf.IndexedSlices(rate * gradient.values, gradient.indices))
            return
        tf.raw_ops.ResourceSparseApplyMomentum(
            var=variable.handle,
            accum=slots["momentum"].handle,
            lr=rate,
            grad=gradient.values,
            indices=gradient.indices,
            momentum=self.momentum,
            use_nesterov=self.nesterov,
        )


def with_decay(gradient, variable, weight_decay):
    """The gradient with that of weight_decay / 2 * |weight| ** 2."""
    return gradient + weight_decay * variable if weight_decay else gradient


def rows_with_decay(gradient, variable, weight_decay):
    """The same for the rows of tf.IndexedSlices."""
    if not weight_decay:
        return gradient
    values = gradient.values + weight_decay * tf.gather(variable, gradient.indices)
    return tf.IndexedSlices(values, gradient.indices)
