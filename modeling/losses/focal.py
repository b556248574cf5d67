"""Focal loss: a row counts less, the better it is predicted.

Source: Lin et al. 2017, https://arxiv.org/abs/1708.02002, equation 4; --class_weights are its alpha.
"""

import tensorflow as tf

from bertline import registry
from bertline.modeling.losses.cross_entropy import CrossEntropy
from bertline.options import Option

# What is left of 1 - p where p rounds to 1: a power below 1 has an infinite gradient at 0.
LEAST = 1e-12


@registry.register("loss", "focal")
class Focal(CrossEntropy):
    """(1 - p) ** gamma times the cross entropy; p is the probability of the right answer."""

    options = {
        "focal_gamma": Option(
            2.0, "How much less a row counts that is predicted well; 0 is the cross entropy.", least=0.0, most=100.0
        )
    }

    def __init__(self, class_shares=None, focal_gamma=2.0):
        super().__init__(class_shares)
        self.gamma = focal_gamma

    def of_classes(self, labels, logits):
        return self._scale(super().of_classes(labels, logits))

    def of_several(self, labels, logits):
        return self._scale(super().of_several(labels, logits))

    def _scale(self, losses):
        """Cross entropies, which are -log p, of any shape -> focal losses."""
        return tf.pow(tf.maximum(-tf.math.expm1(-losses), LEAST), self.gamma) * losses
