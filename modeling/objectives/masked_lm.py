"""Masked language model and next-sentence prediction.

Source: Devlin et al. 2018, section 3.1; google-research/bert `run_pretraining.py`.
"""

import keras
import tensorflow as tf

import registry
from modeling.layers import Classifier, Dense, LayerNorm
from modeling.objective import Objective


@registry.register("objective", "masked_lm")
class MaskedLM(Objective):
    """Predicts masked tokens, with the word embeddings as output embeddings, and whether b follows a.

    Features: those of the encoder; masked_lm_positions, masked_lm_ids int32 [B, P], masked_lm_weights float32 [B, P]
    (0 where a record has fewer than P predictions), next_sentence_labels int32 [B] (0: b follows a).
    Outputs: masked_lm_logits float32 [B, P, V], next_sentence_logits float32 [B, 2].

    Args:
      encoder: an Encoder with `embeddings.word_embeddings`.
    """

    terms = ("masked_lm_loss", "next_sentence_loss")

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
        logits = self.predictions_head(rows, table=self.encoder.embeddings.word_embeddings)
        return {
            "masked_lm_logits": tf.reshape(logits, [*tf.unstack(tf.shape(positions)), self.encoder.config.vocab_size]),
            "next_sentence_logits": self.next_sentence_head(states["pooled_output"]),
        }

    def loss_weights(self, features):
        return {
            "masked_lm_loss": tf.cast(features["masked_lm_weights"], tf.float32),
            "next_sentence_loss": tf.ones_like(features["next_sentence_labels"], tf.float32),
        }

    def losses(self, features, outputs):
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits
        return {
            "masked_lm_loss": cross_entropy(features["masked_lm_ids"], outputs["masked_lm_logits"]),
            "next_sentence_loss": cross_entropy(features["next_sentence_labels"], outputs["next_sentence_logits"]),
        }

    def predictions(self, outputs):
        return {
            "masked_lm_probabilities": tf.nn.softmax(outputs["masked_lm_logits"]),
            "next_sentence_probabilities": tf.nn.softmax(outputs["next_sentence_logits"]),
        }


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
