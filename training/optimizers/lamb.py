"""LAMB: Adam whose step of each weight is as long as the weight, for large batches.

Source: You et al. 2019, https://arxiv.org/abs/1904.00962, algorithm 2
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.optimizers.adamw import Adam


@registry.register("optimizer", "lamb")
class LAMB(Adam):
    """Adam with bias correction; decay and Adam's step together are scaled by |weight| / |step|, weight by weight.

    The scale, the paper's trust ratio, is 1 where either norm is 0, and for weights without decay: biases and layer
    norms keep Adam's own step, as in the implementations for BERT, whose exclude_from_layer_adaptation is by default
    the list of what is not decayed.

    Args:
      named_weights, schedule, groups: as Optimizer's.
      bias_correction: either value means the same here.
    """

    options = {"bias_correction": Option(False, "Correct the bias of Adam's moments, as Adam does and BERT did not.")}

    def __init__(self, named_weights, schedule, groups=None, bias_correction=False):
        super().__init__(named_weights, schedule, groups, bias_correction=True)

    def move(self, variable, gradient, slots, rate, weight_decay, shared):
        if not weight_decay:
            self.adam_step(variable, gradient, slots, rate, shared)
            return
        before = variable.read_value()
        with tf.control_dependencies([before]):
            # The fused kernel at a rate of 1 leaves weight - step: reading the step off the difference rounds it to the
            # last place of the weight, and is one pass where writing Adam out is a dozen.
            self.adam_step(variable, gradient, slots, 1.0, shared)
        step = before - variable.read_value() + weight_decay * before
        variable.assign(before - rate * _trust_ratio(before, step) * step)


def _trust_ratio(weight, step):
    """float32 scalar."""
    # l2_loss is half the sum of squares, in one pass.
    squares, step_squares = tf.nn.l2_loss(weight), tf.nn.l2_loss(step)
    return tf.where((squares > 0.0) & (step_squares > 0.0), tf.sqrt(tf.math.divide_no_nan(squares, step_squares)), 1.0)
