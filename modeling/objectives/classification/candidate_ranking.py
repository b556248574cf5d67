"""Which of a query's candidates is right? A score for each pair, and a softmax over the query's own candidates.

Source: Liu et al. 2019 (MT-DNN), https://arxiv.org/abs/1901.11504, section 3, "relevance ranking output", equation 8.
"""

import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers import divergence
from bertline.modeling.layers.dense import initializer
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.objective import Objective
from bertline.modeling.objectives.sentence_vectors.sentence_vectors import stack_texts

HEAD_DROPOUT = 0.1  # as of sequence_classification
EXCLUDED = -1e9  # the score of a candidate that is not there


@registry.register("objective", "candidate_ranking")
class CandidateRanking(Objective):
    """Dropout and one dense layer over the pooled output of each pair.

    A row without a right candidate has no loss; of several right ones each is as likely to be wanted. A candidate
    that is not there is not computed.

    Features: `c0_*`, `c1_*`, ..., each those of the encoder for the query and a candidate, all padding where there is
    none, and `label_ids` float32 [B, N], 1 of right ones. Outputs: `scores` float32 [B, N]; `is_there` float32 [B, N].

    Args:
      encoder: an Encoder.
    """

    layout = "candidates"
    pipeline_tag = "text-ranking"
    problem_types = ("ranking",)
    problem_type = "ranking"
    huggingface_heads = {
        "ranking_weights": ("ranking_weights", False),
        "ranking_bias": ("ranking_bias", False),
    }
    labelled = "ranking_weights"
    drops_rows = True

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, name="candidate_ranking", **kwargs)
        start = initializer(encoder.config.stddev)
        self.ranking_weights = self.add_weight(name="ranking_weights", shape=(1, encoder.width), initializer=start)
        self.ranking_bias = self.add_weight(name="ranking_bias", shape=(1,), initializer="zeros")

    @classmethod
    def from_saved(cls, encoder, config, shapes):
        if not shapes.get("ranking_weights"):
            raise InputError("says a ranking of candidates (objective), which the weights lack; copy the whole folder")
        return cls(encoder)

    def call(self, features, dropout_key=None, training=False):
        texts = _texts(features)
        rows = stack_texts(features, texts)  # [N * B, T], all first candidates first
        is_there = rows["input_mask"][:, 0] > 0
        if self.encoder.remove_padding:
            there = tf.where(is_there)  # [R, 1]
            rows = {name: tf.gather(array, there[:, 0]) for name, array in rows.items()}
            scores = tf.scatter_nd(there, self._scores(rows, dropout_key), tf.shape(is_there, tf.int64))
        else:
            scores = self._scores(rows, dropout_key)
        scores = tf.where(is_there, scores, EXCLUDED)
        shape = [len(texts), -1]
        return {
            "scores": tf.transpose(tf.reshape(scores, shape)),
            "is_there": tf.transpose(tf.reshape(tf.cast(is_there, tf.float32), shape)),
        }

    def _scores(self, rows, dropout_key):
        """float32 [R] of pairs."""
        none = tf.zeros([tf.shape(rows["input_ids"])[0], 0], tf.int32)
        pooled = self.encoder(rows, dropout_key=dropout_key, positions=none)["pooled_output"]  # [R, H]
        rate = getattr(self.encoder.config, "classifier_dropout", None)
        pooled = dropout(tf.cast(pooled, tf.float32), HEAD_DROPOUT if rate is None else rate, dropout_key)
        return (tf.matmul(pooled, self.ranking_weights, transpose_b=True) + self.ranking_bias)[:, 0]

    def loss_weights(self, features):
        weights = tf.cast(tf.reduce_any(features["label_ids"] > 0.0, axis=1), tf.float32)
        if "is_real_example" in features:
            weights *= tf.cast(features["is_real_example"], tf.float32)
        return {"loss": weights}

    def losses(self, features, outputs):
        right = tf.cast(features["label_ids"] > 0.0, tf.float32)
        wanted = tf.math.divide_no_nan(right, tf.reduce_sum(right, axis=1, keepdims=True))
        return {"loss": tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=outputs["scores"])}

    @property
    def compares_outputs(self):
        return True

    def divergence(self, features, outputs, wanted, temperature=1.0):
        return {"loss": divergence.of_softmax(outputs["scores"], wanted["scores"], temperature)}

    @property
    def has_distributions(self):
        return True

    def even_outputs(self, features, outputs):
        return {"scores": tf.where(outputs["is_there"] > 0.0, 0.0, EXCLUDED)}

    def predictions(self, outputs):
        """scores float32 [B, N], and which candidates are there: is_there float32 [B, N]."""
        return {"scores": outputs["scores"], "is_there": outputs["is_there"]}


def _texts(features):
    """The prefixes of the candidates, in their order."""
    count = sum(name.endswith("_input_ids") for name in features)
    return [f"c{number}" for number in range(count)]
