"""Adagrad: each number's rate falls with the squares of its gradients so far; what bilm-tf trains ELMo by.

Source: Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.optimizers.optimizer import Optimizer
from bertline.training.optimizers.sgd import rows_with_decay, with_decay


@registry.register("optimizer", "adagrad")
class Adagrad(Optimizer):
    """squares += gradient ** 2; weight -= rate * gradient / (sqrt(squares) + epsilon).

    Weight decay is added to the gradient.
    """

    options = {
        "initial_accumulator": Option(0.1, "What Adagrad's sums of squares begin with; bilm-tf has 1."),
        "adagrad_epsilon": Option(0.0, "What is added to the root of Adagrad's sums."),
    }
    slot_names = ("adagrad",)
    keeps_rows = True  # a row without a gradient does not move

    def __init__(self, named_weights, schedule, groups=None, initial_accumulator=0.1, adagrad_epsilon=0.0):
        self.initial_accumulator, self.epsilon = initial_accumulator, adagrad_epsilon
        super().__init__(named_weights, schedule, groups)

    def initial_slot(self, kind, name, variable):
        return tf.fill(variable.shape, self.initial_accumulator)

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        tf.raw_ops.ResourceApplyAdagradV2(
            var=variable.handle,
            accum=slots["adagrad"].handle,
            lr=rate,
            epsilon=self.epsilon,
            grad=with_decay(gradient, variable, weight_decay),
        )

    def move_rows(self, variable, gradient, slots, rate, weight_decay, shared):
        gradient = rows_with_decay(gradient, variable, weight_decay)
        tf.raw_ops.ResourceSparseApplyAdagradV2(
            var=variable.handle,
            accum=slots["adagrad"].handle,
            lr=rate,
            epsilon=self.epsilon,
            grad=gradient.values,
            indices=gradient.indices,
        )
