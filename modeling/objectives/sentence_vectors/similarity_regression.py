"""Two sentences -> how similar they are: the cosine of their vectors, learned from scores.

Source: Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084, section 3, "regression objective function".
"""

import tensorflow as tf

from bertline import registry
from bertline.modeling.layers import pooling as poolings
from bertline.modeling.objective import Objective
from bertline.modeling.objectives.sentence_vectors.sentence_vectors import sentence_vectors, stack_texts
from bertline.options import Option


@registry.register("objective", "similarity_regression")
class SimilarityRegression(Objective):
    """The squared difference between the cosine of two vectors and the score, brought to 0 to 1.

    Features: `a_*` and `b_*`, each those of the encoder, and `label_ids` float32 [B]. Outputs: `similarities` float32
    [B], -1 to 1. There is no head: the encoder is all that is learned.

    Args:
      encoder: an Encoder.
      pooling: from token states to a sentence's vector, see `bertline.modeling.layers.pooling.pool`.
      score_range: (the score of what has nothing in common, the score of what says the same).
    """

    options = {
        "pooling": Option("mean", "From tokens to a vector: mean, cls, max, or others joined by +."),
        "score_range": Option(
            None,
            "Two scores, as 0,5: that of texts with nothing in common (cosine 0) and that of texts that say the "
            "same (cosine 1); by default the task's.",
        ),
    }
    layout = "separate"
    pipeline_tag = "sentence-similarity"
    problem_types = ("regression",)
    reads_pooled_output = False

    def __init__(self, encoder, pooling="mean", score_range=(0.0, 1.0), **kwargs):
        super().__init__(encoder, name="similarity_regression", **kwargs)
        poolings.check(pooling)
        self.sentence_pooling, self.score_range = pooling, tuple(score_range)

    def saved_options(self):
        return {"pooling": self.sentence_pooling, "score_range": list(self.score_range)}

    def call(self, features, dropout_key=None, training=False):
        both = sentence_vectors(self.encoder, stack_texts(features, ("a", "b")), self.sentence_pooling, dropout_key)
        first, second = tf.split(poolings.normalize(both), 2)  # [B, W]
        return {"similarities": tf.reduce_sum(first * second, axis=1)}

    def loss_weights(self, features):
        weights = tf.ones([tf.shape(features["label_ids"])[0]])
        if "is_real_example" in features:
            weights *= tf.cast(features["is_real_example"], tf.float32)
        return {"loss": weights}

    def losses(self, features, outputs):
        low, high = self.score_range
        return {"loss": tf.square(outputs["similarities"] - (features["label_ids"] - low) / (high - low))}

    @property
    def compares_outputs(self):
        return True

    def divergence(self, features, outputs, wanted, temperature=1.0):
        return {"loss": tf.square(outputs["similarities"] - wanted["similarities"])}

    def outputs_of(self, probabilities):
        low, high = self.score_range
        return {"similarities": (probabilities[:, 0] - low) / (high - low)}

    def predictions(self, outputs):
        """probabilities float32 [B, 1]: the similarity, in the range of the scores."""
        low, high = self.score_range
        return {"probabilities": low + outputs["similarities"][:, None] * (high - low)}
