"""Masked language model and next-sentence prediction.

Source: Devlin et al. 2018, section 3.1; google-research/bert `run_pretraining.py`.
"""

import keras
import tensorflow as tf

import registry
from modeling.layers import Dense, LayerNorm, initializer
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
        config = encoder.config
        stddev = config.initializer_range
        self.transform = Dense(config.hidden_size, config.hidden_act, stddev, name="dense", dtype=encoder.dtype_policy)
        self.norm = LayerNorm(config.layer_norm_eps, dtype=encoder.dtype_policy)
        vector = {"initializer": "zeros", "dtype": "float32", "autocast": False}
        # Under the model's own name, as if built in its `build`, so that the rest of the path is the original's name.
        with keras.name_scope(self.name), keras.name_scope("cls"):
            with keras.name_scope("predictions"):
                with keras.name_scope("transform"):
                    self.transform.build(config.hidden_size)
                    self.norm.build(config.hidden_size)
                self.output_bias = self.add_weight(name="output_bias", shape=(config.vocab_size,), **vector)
            with keras.name_scope("seq_relationship"):
                self.next_sentence_weights = self.add_weight(
                    name="output_weights", shape=(2, config.hidden_size), dtype="float32", autocast=False,
                    initializer=initializer(stddev),
                )  # fmt: skip
                self.next_sentence_bias = self.add_weight(name="output_bias", shape=(2,), **vector)

    def call(self, features, dropout_key=None, training=False):
        positions = tf.cast(features["masked_lm_positions"], tf.int32)
        states = self.encoder(features, dropout_key=dropout_key, positions=positions)
        rows = self.norm(self.transform(tf.reshape(states["sequence_output"], [-1, self.encoder.config.hidden_size])))
        table = tf.cast(self.encoder.embeddings.word_embeddings, rows.dtype)
        logits = tf.cast(tf.matmul(rows, table, transpose_b=True), tf.float32) + self.output_bias  # [B * P, V]
        pooled = tf.cast(states["pooled_output"], tf.float32)
        return {
            "masked_lm_logits": tf.reshape(logits, [tf.shape(positions)[0], -1, self.encoder.config.vocab_size]),
            "next_sentence_logits": tf.matmul(pooled, self.next_sentence_weights, transpose_b=True) + self.next_sentence_bias,
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

    def huggingface_names(self):
        """As BertForPreTraining. The decoder's weight is the word embeddings and is not written twice."""
        return {
            **super().huggingface_names(),
            "cls/predictions/output_bias": ("cls.predictions.bias", False),
            "cls/predictions/transform/dense/kernel": ("cls.predictions.transform.dense.weight", True),
            "cls/predictions/transform/dense/bias": ("cls.predictions.transform.dense.bias", False),
            "cls/predictions/transform/LayerNorm/gamma": ("cls.predictions.transform.LayerNorm.weight", False),
            "cls/predictions/transform/LayerNorm/beta": ("cls.predictions.transform.LayerNorm.bias", False),
            "cls/seq_relationship/output_weights": ("cls.seq_relationship.weight", False),
            "cls/seq_relationship/output_bias": ("cls.seq_relationship.bias", False),
        }
