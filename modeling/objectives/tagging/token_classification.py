"""A tag for each word, from the state of its first piece; the best sequence of tags by a CRF, where one is asked for.

Source: Devlin et al. 2018, section 5.3 (first pieces); Huang et al. 2015, https://arxiv.org/abs/1508.01991 (CRF).
"""

import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers import divergence
from bertline.modeling.layers.crf import CRF
from bertline.modeling.layers.dense import LinearClassifier
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.objective import Objective
from bertline.options import Option

HEAD_DROPOUT = 0.1


@registry.register("objective", "token_classification")
class TokenClassification(Objective):
    """Dropout and one dense layer over the states of words.

    Features: those of the encoder; word_positions and word_mask int32 [B, W], the place of each word's first piece; and
    `label_ids` int32 [B, W], -1 where there is none. Outputs: `logits` float32 [B, W, K] and `lengths` int32 [B].

    Args:
      encoder: an Encoder.
      num_labels: K, number of tags.
      crf: whether tags are scored as sequences.
    """

    options = {"crf": Option(False, "Score sequences of tags by a conditional random field, rather than each tag.")}
    layout = "words"
    problem_types = ("tags",)
    problem_type = "tags"
    pipeline_tag = "token-classification"
    reads_pooled_output = False
    huggingface_heads = {
        "output_weights": ("classifier.weight", False),
        "output_bias": ("classifier.bias", False),
        # Of a CRF, which transformers has not.
        "transitions": ("transitions", False),
        "start_transitions": ("start_transitions", False),
        "end_transitions": ("end_transitions", False),
    }
    architectures = {"ForTokenClassification": ("output_weights",)}
    labelled = "output_weights"
    output_axes = {"tags": "words", "confidences": "words", "label_ids": "words"}

    def __init__(self, encoder, num_labels, crf=False, **kwargs):
        super().__init__(encoder, name="token_classification", **kwargs)
        self.num_labels = num_labels
        # No name scope: as in sequence_classification.
        self.classifier = LinearClassifier(num_labels, name=self.name)
        self.classifier.build(encoder.width)
        self.crf = CRF(num_labels) if crf else None
        if crf:
            self.crf.build()

    @classmethod
    def from_saved(cls, encoder, config, shapes):
        if not shapes.get("output_weights"):
            raise InputError(
                "says a classifier of tokens (architectures), which the weights lack; copy the whole folder"
            )
        return cls(encoder, shapes["output_weights"][0], "transitions" in shapes)

    def call(self, features, dropout_key=None, training=False):
        places = tf.cast(features["word_positions"], tf.int32)
        states = self.encoder(features, dropout_key=dropout_key, positions=places)["sequence_output"]  # [B, W, H]
        rate = getattr(self.encoder.config, "classifier_dropout", None)
        rows = tf.reshape(tf.cast(states, tf.float32), [-1, self.encoder.width])
        rows = dropout(rows, HEAD_DROPOUT if rate is None else rate, dropout_key)
        logits = tf.reshape(self.classifier(rows), [tf.shape(places)[0], tf.shape(places)[1], self.num_labels])
        return {"logits": logits, "lengths": tf.reduce_sum(tf.cast(features["word_mask"], tf.int32), axis=1)}

    def loss_weights(self, features):
        weights = tf.cast(features["word_mask"], tf.float32) * tf.cast(features["label_ids"] >= 0, tf.float32)
        if "is_real_example" in features:
            weights *= tf.cast(features["is_real_example"], tf.float32)[:, None]
        # Of a CRF each sentence counts once.
        return {"loss": weights if self.crf is None else tf.reduce_max(weights, axis=1)}

    def losses(self, features, outputs):
        labels = tf.maximum(features["label_ids"], 0)
        if self.crf is None:
            return {"loss": tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=outputs["logits"])}
        return {"loss": -self.crf.log_likelihood(outputs["logits"], labels, tf.maximum(outputs["lengths"], 1))}

    @property
    def compares_outputs(self):
        return self.crf is None

    def divergence(self, features, outputs, wanted, temperature=1.0):
        return {"loss": divergence.of_softmax(outputs["logits"], wanted["logits"], temperature)}

    @property
    def has_distributions(self):
        return self.crf is None

    def even_outputs(self, features, outputs):
        return {"logits": tf.zeros_like(outputs["logits"])}

    def predictions(self, outputs):
        """tags int32 [B, W], and how likely each of them is: confidences float32 [B, W]."""
        logits = outputs["logits"]
        if self.crf is None:
            likely, tags = tf.nn.softmax(logits), tf.argmax(logits, axis=2, output_type=tf.int32)
        else:
            lengths = tf.maximum(outputs["lengths"], 1)
            likely, (tags, _) = self.crf.marginals(logits, lengths), self.crf.best_tags(logits, lengths)
        return {"tags": tags, "confidences": tf.gather(likely, tags, batch_dims=2)}
