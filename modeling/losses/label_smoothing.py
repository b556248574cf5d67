"""Label smoothing: a share of the label is spread over all classes.

Source: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
"""

import tensorflow as tf

from bertline import registry
from bertline.modeling.losses.loss import Loss
from bertline.options import Option


@registry.register("loss", "label_smoothing")
class LabelSmoothing(Loss):
    """The cross entropy with (1 - e) * label + e / num_labels; of several labels with (1 - e) * label + e / 2."""

    options = {
        "label_smoothing": Option(0.1, "Share of each label that is spread over all classes.", least=0.0, most=1.0)
    }

    def __init__(self, class_shares=None, label_smoothing=0.1):
        super().__init__(class_shares)
        self.share = label_smoothing

    def of_classes(self, labels, logits):
        log_probabilities = tf.nn.log_softmax(logits)  # [B, num_labels]
        right = tf.gather(log_probabilities, labels, batch_dims=1)  # [B]
        return -(1.0 - self.share) * right - self.share * tf.reduce_mean(log_probabilities, axis=1)

    def of_several(self, labels, logits):
        smooth = (1.0 - self.share) * labels + self.share / 2.0
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=smooth, logits=logits)
