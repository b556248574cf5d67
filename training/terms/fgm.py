"""Adversarial training (FGM): the words' vectors are moved to where the loss is worse, and that loss is learned too.

Source: Miyato et al. 2017, https://arxiv.org/abs/1605.07725, section 3, equations 5 and 7.
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.terms.term import Term


@registry.register("term", "fgm")
class FastGradientMethod(Term):
    """The objective's loss of a second pass, whose words are moved by epsilon along the gradient of the first one.

    epsilon is the length of what is added to all words of a row together. Each row has a direction of its own, so
    that a batch may be cut. Both passes have the same dropout masks.
    """

    options = {"fgm_epsilon": Option(1.0, "How far the vectors of a row's words are moved, all together.", above=0.0)}
    reads_word_gradients = True

    def __init__(self, objective, fgm_epsilon=1.0):
        super().__init__(objective)
        if objective.encoder.input_table() is None:
            raise self.refuse(
                f"has an encoder, {objective.encoder.config.model_type}, without a table of words to move"
            )
        self.epsilon = fgm_epsilon

    def losses(self, forward):
        squares = [tf.reduce_sum(tf.square(g), axis=[1, 2], keepdims=True) for g in forward.gradients]  # [B, 1, 1]
        # Rows without a loss have no gradient: nothing is moved there.
        inverse = tf.math.divide_no_nan(self.epsilon, tf.sqrt(tf.add_n(squares)))
        # Where a scaled loss overflows the step is skipped: the loss has to stay a number until then.
        shifts = [gradient * inverse for gradient in forward.gradients]
        shifts = [tf.stop_gradient(tf.where(tf.math.is_finite(shift), shift, 0.0)) for shift in shifts]
        return self.objective.losses(forward.features, forward.again(masks=0, shifts=shifts))
