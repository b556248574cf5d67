"""Masked language model and next-sentence prediction.

Source: Devlin et al. 2018, section 3.1; google-research/bert `run_pretraining.py`.
"""

import math

import keras
import tensorflow as tf

from bertline import registry
from bertline.modeling.layers import vocabulary_softmax
from bertline.modeling.layers.dense import Dense, LayerNorm, LinearClassifier
from bertline.modeling.objective import Objective
from bertline.modeling.objectives.language_models.mask_filling import text_predictions


@registry.register("objective", "masked_lm")
class MaskedLM(Objective):
    """Predicts masked tokens, with the word embeddings as output embeddings, and whether b follows a.

    Features: those of the encoder; masked_lm_positions, masked_lm_ids int32 [B, P], masked_lm_weights float32 [B, P]
    (0 where a sequence has fewer than P predictions), next_sentence_labels int32 [B] (0: b follows a, 1: it does not,
    -1: not asked). Without masked_lm_weights every position counts.
    Outputs: masked_lm_slots int32 [N], which of the B * P positions count; masked_lm_rows [N, H], before the product
    with the vocabulary; next_sentence_logits float32 [B, 2].

    Args:
      encoder: an Encoder with an `output_table`.
    """

    terms = ("masked_lm_loss", "next_sentence_loss")
    measures = {"masked_lm_accuracy": "masked_lm_loss", "next_sentence_accuracy": "next_sentence_loss"}
    pipeline_tag = "fill-mask"
    huggingface_heads = {
        "cls/predictions/transform/dense/kernel": ("cls.predictions.transform.dense.weight", True),
        "cls/predictions/transform/dense/bias": ("cls.predictions.transform.dense.bias", False),
        "cls/predictions/transform/LayerNorm/gamma": ("cls.predictions.transform.LayerNorm.weight", False),
        "cls/predictions/transform/LayerNorm/beta": ("cls.predictions.transform.LayerNorm.bias", False),
        "cls/predictions/output_bias": ("cls.predictions.bias", False),
        "cls/seq_relationship/output_weights": ("cls.seq_relationship.weight", False),
        "cls/seq_relationship/output_bias": ("cls.seq_relationship.bias", False),
    }
    architectures = {
        "ForPreTraining": ("cls/predictions/output_bias", "cls/seq_relationship/output_weights"),
        "ForMaskedLM": ("cls/predictions/output_bias",),
        "ForNextSentencePrediction": ("cls/seq_relationship/output_weights",),
    }
    rows_of_tokens = ("cls/predictions/output_bias",)
    copies = {
        "cls.predictions.decoder.weight": "/word_embeddings",
        "cls.predictions.decoder.bias": "cls/predictions/output_bias",
    }
    corpus = "next_sentence"

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, name="masked_lm", **kwargs)
        # Built under the model's own name, so that the rest of each path is the original's name.
        vocab_size = self.table_of_words().shape[0]
        self.predictions_head = MaskedLMHead(encoder.config, vocab_size, name="predictions", dtype=encoder.dtype_policy)
        self.next_sentence_head = LinearClassifier(2, encoder.config.stddev, name="seq_relationship")
        with keras.name_scope(self.name), keras.name_scope("cls"):
            self.predictions_head.build(encoder.width)
            self.next_sentence_head.build(encoder.width)

    def call(self, features, dropout_key=None, training=False):
        positions = tf.cast(features["masked_lm_positions"], tf.int32)
        states = self.encoder(features, dropout_key=dropout_key, positions=positions)
        rows = tf.reshape(states["sequence_output"], [-1, self.encoder.width])  # [B * P, H]
        slots = tf.range(tf.size(positions))
        if self.encoder.remove_padding and "masked_lm_weights" in features:
            # The product with the vocabulary is the largest of all: only for positions that count.
            slots = tf.cast(tf.where(tf.reshape(features["masked_lm_weights"], [-1]) > 0.0)[:, 0], tf.int32)
            rows = tf.gather(rows, slots)
        return {
            "masked_lm_slots": slots,
            "masked_lm_rows": self.predictions_head(rows, training=dropout_key is not None),
            "next_sentence_logits": self.next_sentence_head(states["pooled_output"]),
        }

    def masked_lm_logits(self, outputs):
        """Outputs of `call` -> float32 [N, V]."""
        return tf.cast(vocabulary_softmax.logits(outputs["masked_lm_rows"], *self._vocabulary()), tf.float32)

    def _vocabulary(self):
        return self.encoder.output_table(), self.predictions_head.output_bias

    def loss_weights(self, features):
        return {
            "masked_lm_loss": tf.cast(features["masked_lm_weights"], tf.float32),
            "next_sentence_loss": tf.cast(features["next_sentence_labels"] >= 0, tf.float32),
        }

    def losses(self, features, outputs):
        """Beside the terms: whether the right token, and the right order, got the highest logit."""
        slots, order = outputs["masked_lm_slots"], tf.maximum(features["next_sentence_labels"], 0)
        labels = tf.gather(tf.reshape(features["masked_lm_ids"], [-1]), slots)  # [N]
        words = vocabulary_softmax.cross_entropy(outputs["masked_lm_rows"], *self._vocabulary(), labels)
        shape = tf.shape(features["masked_lm_ids"])
        # Back to [B, P], 0 where nothing counts.
        loss, correct = (tf.scatter_nd(slots[:, None], values, [tf.reduce_prod(shape)]) for values in words)
        logits = outputs["next_sentence_logits"]
        return {
            "masked_lm_loss": tf.reshape(loss, shape),
            "masked_lm_accuracy": tf.reshape(correct, shape),
            "next_sentence_loss": tf.nn.sparse_softmax_cross_entropy_with_logits(order, logits),
            "next_sentence_accuracy": tf.cast(tf.argmax(logits, axis=1, output_type=order.dtype) == order, tf.float32),
        }

    def summary(self, means):
        """Adds the perplexity of the masked tokens."""
        found = super().summary(means)
        return {**found, "perplexity": math.exp(min(found["masked_lm_loss"], 700.0))}

    def predictions(self, outputs):
        return {"next_sentence_probabilities": tf.nn.softmax(outputs["next_sentence_logits"])}

    @property
    def unread_by_text_predictions(self):
        """Neither the order of sentences nor the pooled output fills a mask."""
        return "|".join(filter(None, [self.encoder.optional_weights, r".*seq_relationship.*"]))

    def text_predictions(self, texts, layout, top_k):
        """See bertline.modeling.objectives.language_models.mask_filling."""
        return text_predictions(self, texts, layout, top_k)


class MaskedLMHead(keras.layers.Layer):
    """Dense and layer norm: [N, H] -> [N, H]; has the bias of the product with the word embeddings that follows."""

    def __init__(self, config, vocab_size, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.dense = Dense(config.width, config.activation, config.stddev, name="dense", dtype=self.dtype_policy)
        self.norm = LayerNorm(config.epsilon, dtype=self.dtype_policy)

    def build(self, width):
        with keras.name_scope("transform"):
            self.dense.build(width)
            self.norm.build(width)
        self.output_bias = self.add_weight(
            name="output_bias", shape=(self.vocab_size,), initializer="zeros", dtype="float32", autocast=False
        )
        self.built = True

    def call(self, rows, training=False):
        return self.norm(self.dense(rows, training=training))
