"""AdamW as in BERT: Adam with decoupled weight decay, without bias correction unless it is asked for.

Source: google-research/bert `optimization.py`; Loshchilov & Hutter 2017, https://arxiv.org/abs/1711.05101
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.optimizers.optimizer import Optimizer

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-6


class Adam(Optimizer):
    """Adam's moments, which AdamW, LAMB and lazy Adam share.

    Args:
      bias_correction: divide the moments by 1 - beta ** step, as Adam does (Kingma & Ba 2014, algorithm 1).
    """

    weight_decay = 0.01
    slot_names = ("adam_m", "adam_v")

    def __init__(self, named_weights, schedule, groups=None, bias_correction=False):
        super().__init__(named_weights, schedule, groups)
        self.bias_correction = bias_correction

    def begin(self, step):
        """(beta_1 ** step, beta_2 ** step, epsilon): powers of 0 make Adam's kernel one without bias correction."""
        next_step = tf.cast(step, tf.float32) + 1.0
        power_1 = tf.pow(BETA_1, next_step) if self.bias_correction else tf.constant(0.0)
        power_2 = tf.pow(BETA_2, next_step) if self.bias_correction else tf.constant(0.0)
        # The fused kernel adds epsilon to the uncorrected root; scaled, it is Adam's own epsilon.
        return power_1, power_2, EPSILON * tf.sqrt(1.0 - power_2)

    def adam_step(self, variable, gradient, slots, rate, shared):
        """Updates the moments and takes rate * m / (sqrt(v) + epsilon) off the weight: one pass over four arrays."""
        power_1, power_2, epsilon = shared
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=slots["adam_m"].handle,
            v=slots["adam_v"].handle,
            beta1_power=power_1,
            beta2_power=power_2,
            lr=rate,
            beta1=BETA_1,
            beta2=BETA_2,
            epsilon=epsilon,
            grad=gradient,
        )


@registry.register("optimizer", "adamw")
class AdamW(Adam):
    """See the module; arguments as Optimizer's and Adam's."""

    options = {"bias_correction": Option(False, "Correct the bias of Adam's moments, as Adam does and BERT did not.")}

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        if weight_decay:
            variable.assign(variable * (1.0 - rate * weight_decay))
        self.adam_step(variable, gradient, slots, rate, shared)
