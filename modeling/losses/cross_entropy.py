"""The cross entropy of the right class, as in BERT; of several labels that of each."""

import tensorflow as tf

from bertline import registry
from bertline.modeling.losses.loss import Loss


@registry.register("loss", "cross_entropy")
class CrossEntropy(Loss):
    """Source: google-research/bert `run_classifier.py:create_model`."""

    def of_classes(self, labels, logits):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def of_several(self, labels, logits):
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
