"""An answer as a part of a text: where it begins and where it ends.

Source: Devlin et al. 2018, section 4.2; google-research/bert `run_squad.py:create_model`.
"""

import keras
import tensorflow as tf

from bertline import registry
from bertline.modeling.layers import divergence
from bertline.modeling.layers.dense import LinearClassifier
from bertline.modeling.objective import Objective


@registry.register("objective", "span_extraction")
class SpanExtraction(Objective):
    """One dense layer over the states of tokens: a logit for the begin and one for the end of the answer.

    Features: those of the encoder; start_positions and end_positions int32 [B], -1 where no answer is known. Outputs:
    start_logits and end_logits float32 [B, T], very low at padding.

    Args:
      encoder: an Encoder.
    """

    layout = "questions"
    problem_types = ("spans",)
    problem_type = "spans"
    pipeline_tag = "question-answering"
    reads_pooled_output = False
    huggingface_heads = {
        "cls/squad/output_weights": ("qa_outputs.weight", False),
        "cls/squad/output_bias": ("qa_outputs.bias", False),
    }
    architectures = {"ForQuestionAnswering": ("cls/squad/output_weights",)}
    output_axes = {"start_logits": "tokens", "end_logits": "tokens"}

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, name="span_extraction", **kwargs)
        self.classifier = LinearClassifier(2, name="squad")
        with keras.name_scope(self.name), keras.name_scope("cls"):
            self.classifier.build(encoder.width)

    def call(self, features, dropout_key=None, training=False):
        mask = tf.cast(features["input_mask"], tf.int32)
        states = self.encoder(features, dropout_key=dropout_key)["sequence_output"]  # [B, T, H]
        logits = self.classifier(tf.reshape(tf.cast(states, tf.float32), [-1, self.encoder.width]))
        starts, ends = tf.unstack(tf.reshape(logits, [tf.shape(mask)[0], tf.shape(mask)[1], 2]), axis=2)
        # The original lets padding take part; so do records that it filled up, but no batch of true lengths.
        low = _low_at_padding(mask)
        return {"start_logits": starts + low, "end_logits": ends + low}

    def loss_weights(self, features):
        weights = tf.cast(features["start_positions"] >= 0, tf.float32)
        if "is_real_example" in features:
            weights *= tf.cast(features["is_real_example"], tf.float32)
        return {"loss": weights}

    def losses(self, features, outputs):
        """The mean of both cross entropies of each row."""
        losses = [
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.maximum(features[f"{end}_positions"], 0), logits=outputs[f"{end}_logits"]
            )
            for end in ("start", "end")
        ]
        return {"loss": tf.add_n(losses) / 2.0}

    @property
    def compares_outputs(self):
        return True

    def divergence(self, features, outputs, wanted, temperature=1.0):
        """See base class; the mean of both ends, as of their losses."""
        ends = [divergence.of_softmax(outputs[name], wanted[name], temperature) for name in self.output_axes]
        return {"loss": tf.add_n(ends) / 2.0}

    @property
    def has_distributions(self):
        return True

    def even_outputs(self, features, outputs):
        return dict.fromkeys(self.output_axes, _low_at_padding(features["input_mask"]))

    def predictions(self, outputs):
        """start_logits and end_logits float32 [B, T]."""
        return {name: outputs[name] for name in self.output_axes}


def _low_at_padding(mask):
    """float32 [B, T] of an input_mask [B, T]."""
    return tf.where(tf.cast(mask, tf.int32) > 0, 0.0, -1e4)
