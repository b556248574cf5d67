"""Masked language model and next-sentence prediction.

Source: Devlin et al. 2018, section 3.1; google-research/bert `run_pretraining.py`.
"""

import math

import keras
import tensorflow as tf

import registry
from modeling.layers import Classifier, Dense, LayerNorm
from modeling.objective import Objective


@registry.register("objective", "masked_lm")
class MaskedLM(Objective):
    """Predicts masked tokens, with the word embeddings as output embeddings, and whether b follows a.

    Features: those of the encoder; masked_lm_positions, masked_lm_ids int32 [B, P], masked_lm_weights float32 [B, P]
    (0 where a sequence has fewer than P predictions), next_sentence_labels int32 [B] (0: b follows a, 1: it does not,
    -1: not asked). Without masked_lm_weights every position counts.
    Outputs: masked_lm_slots int32 [N], which of the B * P positions count; masked_lm_logits float32 [N, V];
    next_sentence_logits float32 [B, 2].

    Args:
      encoder: an Encoder with `embeddings.word_embeddings`.
    """

    terms = ("masked_lm_loss", "next_sentence_loss")
    measures = {"masked_lm_accuracy": "masked_lm_loss", "next_sentence_accuracy": "next_sentence_loss"}
    instances = "next_sentence"

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, name="masked_lm", **kwargs)
        # Built under the model's own name, so that the rest of each path is the original's name.
        self.predictions_head = MaskedLMHead(encoder.config, name="predictions", dtype=encoder.dtype_policy)
        self.next_sentence_head = Classifier(2, encoder.config.initializer_range, name="seq_relationship")
        with keras.name_scope(self.name), keras.name_scope("cls"):
            self.predictions_head.build(encoder.config.hidden_size)
            self.next_sentence_head.build(encoder.config.hidden_size)

    def call(self, features, dropout_key=None, training=False):
        positions = tf.cast(features["masked_lm_positions"], tf.int32)
        states = self.encoder(features, dropout_key=dropout_key, positions=positions)
        rows = tf.reshape(states["sequence_output"], [-1, self.encoder.config.hidden_size])  # [B * P, H]
        slots = tf.range(tf.size(positions))
        if self.encoder.remove_padding and "masked_lm_weights" in features:
            # The product with the vocabulary is the largest of all: only for positions that count.
            slots = tf.cast(tf.where(tf.reshape(features["masked_lm_weights"], [-1]) > 0.0)[:, 0], tf.int32)
            rows = tf.gather(rows, slots)
        return {
            "masked_lm_slots": slots,
            "masked_lm_logits": self.predictions_head(rows, table=self.encoder.embeddings.word_embeddings),
            "next_sentence_logits": self.next_sentence_head(states["pooled_output"]),
        }

    def loss_weights(self, features):
        return {
            "masked_lm_loss": tf.cast(features["masked_lm_weights"], tf.float32),
            "next_sentence_loss": tf.cast(features["next_sentence_labels"] >= 0, tf.float32),
        }

    def losses(self, features, outputs):
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
        labels, order = self._labels(features, outputs), tf.maximum(features["next_sentence_labels"], 0)
        return {
            "masked_lm_loss": self._spread(cross_entropy(labels, outputs["masked_lm_logits"]), features, outputs),
            "next_sentence_loss": cross_entropy(order, outputs["next_sentence_logits"]),
        }

    def measure_values(self, features, outputs):
        """Whether the right token, and the right order, got the highest logit."""
        correct = _is_highest(outputs["masked_lm_logits"], self._labels(features, outputs))
        return {
            "masked_lm_accuracy": self._spread(correct, features, outputs),
            "next_sentence_accuracy": _is_highest(
                outputs["next_sentence_logits"], tf.maximum(features["next_sentence_labels"], 0)
            ),
        }

    def summary(self, means):
        """Adds the perplexity of the masked tokens."""
        found = super().summary(means)
        return {**found, "perplexity": math.exp(min(found["masked_lm_loss"], 700.0))}

    def predictions(self, outputs):
        return {"next_sentence_probabilities": tf.nn.softmax(outputs["next_sentence_logits"])}

    def _labels(self, features, outputs):
        return tf.gather(tf.reshape(features["masked_lm_ids"], [-1]), outputs["masked_lm_slots"])  # [N]

    def _spread(self, values, features, outputs):
        """[N] -> [B, P], 0 where nothing counts."""
        shape = tf.shape(features["masked_lm_ids"])
        spread = tf.scatter_nd(outputs["masked_lm_slots"][:, None], values, [tf.reduce_prod(shape)])
        return tf.reshape(spread, shape)


def _is_highest(logits, labels):
    """float32 [N]: 1 where no logit is above the label's. A maximum is found sooner than its index."""
    own = tf.gather(logits, labels, batch_dims=1)
    return tf.cast(own >= tf.reduce_max(logits, axis=-1), tf.float32)


class MaskedLMHead(keras.layers.Layer):
    """Dense, layer norm, product with the word embeddings: [N, H] -> float32 [N, V]."""

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.dense = Dense(
            config.hidden_size, config.hidden_act, config.initializer_range, name="dense", dtype=self.dtype_policy
        )
        self.norm = LayerNorm(config.layer_norm_eps, dtype=self.dtype_policy)

    def build(self, width):
        with keras.name_scope("transform"):
            self.dense.build(width)
            self.norm.build(width)
        self.output_bias = self.add_weight(
            name="output_bias", shape=(self.config.vocab_size,), initializer="zeros", dtype="float32", autocast=False
        )
        self.built = True

    def call(self, rows, table):
        rows = self.norm(self.dense(rows))
        logits = tf.matmul(rows, tf.cast(table, rows.dtype), transpose_b=True)
        return tf.cast(logits, tf.float32) + self.output_bias
