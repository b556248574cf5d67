"""Which response belongs to which text? A softmax over the responses of a batch; what is wanted are the vectors.

Source: Yang et al. 2018, https://arxiv.org/abs/1804.07754, section 2; cosines with a scale, and hard negatives as
further candidates, as in the MultipleNegativesRankingLoss of sentence-transformers.
"""

import keras
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers import pooling as poolings
from bertline.modeling.layers.dense import Dense
from bertline.modeling.objective import Objective
from bertline.modeling.objectives.sentence_vectors.sentence_vectors import sentence_vectors, stack_texts
from bertline.options import Option

SCALES = {"cosine": 20.0, "dot": 1.0}
EXCLUDED = -1e9  # the score of a candidate that does not count


@registry.register("objective", "response_ranking")
class ResponseRanking(Objective):
    """Each text chooses among all responses and hard negatives of its batch.

    A candidate that is the text's own response once more, token for token, is no wrong choice, and one that is the text
    itself (a turn of a dialogue is both) could not be ranked below any other: neither counts. Since rows are compared
    with each other, a batch cannot be cut: neither in micro-batches nor over several devices.

    Features: `a_*` (texts), `b_*` (responses) and perhaps `c_*` (hard negatives, all padding where a row has none),
    each those of the encoder. Outputs: `scores` float32 [B, N] of N candidates, the first B of which are the responses.

    Args:
      encoder: an Encoder.
      pooling: from token states to a sentence's vector, see `bertline.modeling.layers.pooling.pool`.
      similarity: "cosine" or "dot".
      similarity_scale: factor of the similarities; None: 20 for cosine, 1 for dot.
      response_layers: dense layers with tanh that the candidates' vectors go through before they are compared.
    """

    options = {
        "pooling": Option("mean", "From tokens to a vector: mean, cls, max, or others joined by +."),
        "similarity": Option("cosine", "Between two vectors: cosine or dot."),
        "similarity_scale": Option(None, "Factor of the similarities; by default 20 for cosine, 1 for dot.", float),
        "response_layers": Option(0, "Dense layers that only the response's vector goes through."),
    }
    measures = {"ranking_accuracy": "loss", "ranking_candidates": "loss"}
    layout = "separate"
    pipeline_tag = "sentence-similarity"
    corpus = "text_pairs"
    reads_pooled_output = False
    relates_rows = drops_rows = True

    def __init__(
        self, encoder, pooling="mean", similarity="cosine", similarity_scale=None, response_layers=0, **kwargs
    ):
        super().__init__(encoder, name="response_ranking", **kwargs)
        poolings.check(pooling)
        if similarity not in SCALES:
            raise InputError(f"--similarity={similarity}: one of {', '.join(SCALES)} is needed")
        if response_layers < 0:
            raise InputError(f"--response_layers={response_layers}: 0 or more are needed")
        self.sentence_pooling, self.normalizes_vectors = pooling, similarity == "cosine"
        self.scale = SCALES[similarity] if similarity_scale is None else similarity_scale
        width = encoder.width * len(pooling.split("+"))
        self.response_tower = [
            Dense(width, "tanh", encoder.config.stddev, name=f"dense_{i}", dtype="float32")
            for i in range(response_layers)
        ]
        with keras.name_scope(self.name), keras.name_scope("response"):
            for dense in self.response_tower:
                dense.build(width)

    def saved_options(self):
        return {
            "pooling": self.sentence_pooling,
            "similarity": "cosine" if self.normalizes_vectors else "dot",
            "similarity_scale": self.scale,
            "response_layers": len(self.response_tower),
        }

    def call(self, features, dropout_key=None, training=False):
        texts = ("a", "b", "c") if "c_input_ids" in features else ("a", "b")
        rows, count = stack_texts(features, texts), tf.shape(features["a_input_ids"])[0]
        if self.encoder.remove_padding:  # hard negatives that are not there are not computed; each row has a and b
            there = tf.where(rows["input_mask"][:, 0] > 0)[:, 0]
            rows = {name: tf.gather(array, there) for name, array in rows.items()}
        vectors = sentence_vectors(self.encoder, rows, self.sentence_pooling, dropout_key)
        asking, candidates = vectors[:count], vectors[count:]  # [B, W], [N, W]
        for dense in self.response_tower:
            candidates = dense(candidates, training=dropout_key is not None)
        if self.normalizes_vectors:
            asking, candidates = poolings.normalize(asking), poolings.normalize(candidates)
        scores = self.scale * tf.matmul(asking, candidates, transpose_b=True)
        return {"scores": tf.where(_counts(rows, count), scores, EXCLUDED)}

    def loss_weights(self, features):
        count = tf.shape(features["a_input_ids"])[0]
        return {"loss": tf.cast(features.get("is_real_example", tf.ones([count])), tf.float32)}

    def losses(self, features, outputs):
        """Beside the loss: whether the own response has the highest score, and among how many candidates."""
        scores = outputs["scores"]
        own = tf.range(tf.shape(scores)[0])
        return {
            "loss": tf.nn.sparse_softmax_cross_entropy_with_logits(own, scores),
            "ranking_accuracy": tf.cast(tf.argmax(scores, axis=1, output_type=tf.int32) == own, tf.float32),
            "ranking_candidates": tf.reduce_sum(tf.cast(scores > EXCLUDED, tf.float32), axis=1),
        }


def _counts(rows, count):
    """bool [B, N]: whether a candidate counts: it is there, and neither the text itself nor its response once more."""
    prints = _fingerprints(rows)
    asking, candidates = prints[:count, None], prints[None, count:]
    same = (asking == candidates) | (prints[count : 2 * count, None] == candidates)
    there = rows["input_mask"][count:, 0] > 0
    return tf.eye(count, tf.size(candidates), dtype=tf.bool) | (there[None] & ~same)


def _fingerprints(rows):
    """int64 [N], equal for equal sequences of tokens: products with random numbers, summed modulo 2 ** 64."""
    length = tf.shape(rows["input_ids"])[1]
    factors = tf.random.stateless_uniform([length], [1804, 7754], minval=None, maxval=None, dtype=tf.int64)
    real = (tf.cast(rows["input_ids"], tf.int64) + 1) * tf.cast(rows["input_mask"], tf.int64)
    return tf.reduce_sum(real * factors, axis=1)
