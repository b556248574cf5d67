"""Supervised contrastive term: vectors of one class come close to each other, those of others move apart.

Source: Gunel et al. 2021, https://arxiv.org/abs/2011.01403, equation 3; Khosla et al. 2020, equation 2.
"""

import tensorflow as tf

from bertline import registry
from bertline.options import Option
from bertline.training.terms.term import Term


@registry.register("term", "supervised_contrastive")
class SupervisedContrastive(Term):
    """A row whose class has no other row in the batch adds nothing."""

    options = {
        "contrastive_weight": Option(1.0, "How much the contrast between classes counts beside the loss.", above=0.0),
        "contrastive_temperature": Option(0.3, "What cosines are divided by; lower looks at near rows.", above=0.0),
    }
    relates_rows = True

    def __init__(self, objective, contrastive_weight=1.0, contrastive_temperature=0.3):
        super().__init__(objective)
        if not objective.has_class_vectors:
            raise self.refuse("has no vector of each row whose label is one class")
        self.weight, self.temperature = contrastive_weight, contrastive_temperature

    def losses(self, forward):
        vectors, labels = self.objective.class_vectors(forward.features, forward.outputs)
        return {self.objective.terms[0]: self.weight * contrast(vectors, labels, self.temperature)}


def contrast(vectors, labels, temperature):
    """float32 [B, H] and int32 [B] -> float32 [B]."""
    vectors = tf.math.l2_normalize(vectors, axis=1)
    others = 1.0 - tf.eye(tf.shape(labels)[0])  # [B, B]
    scores = tf.matmul(vectors, vectors, transpose_b=True) / temperature - (1.0 - others) * 1e9
    same = tf.cast(labels[:, None] == labels[None], tf.float32) * others
    found = tf.reduce_sum(same * tf.nn.log_softmax(scores), axis=1)
    return -tf.math.divide_no_nan(found, tf.reduce_sum(same, axis=1))
