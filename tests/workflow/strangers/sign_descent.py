"""An optimizer of somebody else's: each number moves by the rate, against the sign of a mean of its gradients."""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.optimizers.optimizer import Optimizer


@registry.register("optimizer", "sign_descent")
class SignDescent(Optimizer):
    """Source: Bernstein et al. 2018, https://arxiv.org/abs/1802.04434."""

    options = {"smoothing_of_means": Option(0.9, "Share of the mean that each step keeps.")}
    slot_names = ("mean",)

    def __init__(self, named_weights, schedule, groups=None, smoothing_of_means=0.9):
        super().__init__(named_weights, schedule, groups)
        self.kept = smoothing_of_means

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        mean = slots["mean"]
        mean.assign(self.kept * mean + (1.0 - self.kept) * gradient)
        variable.assign_sub(rate * (tf.sign(mean) + weight_decay * variable))
