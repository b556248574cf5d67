"""A sentence or a pair of sentences -> a class, several labels or a score.

Source: Devlin et al. 2018, section 4.1; google-research/bert `run_classifier.py:create_model`.
"""

import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import problem_type
from bertline.modeling.layers import divergence
from bertline.modeling.layers.dense import LinearClassifier
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.losses.cross_entropy import CrossEntropy
from bertline.modeling.objective import Objective
from bertline.options import Option

HEAD_DROPOUT = 0.1  # google-research/bert: keep_prob=0.9 on the pooled output
LEAST, LEAST_OF_SEVERAL = 1e-30, 1e-7  # of a probability whose logit is taken; 1 - 1e-7 is a float32 of its own


@registry.register("objective", "sequence_classification")
class SequenceClassification(Objective):
    """Dropout and one dense layer over the pooled output.

    The rate of the dropout is the original's, unless the encoder's configuration says a `classifier_dropout`.

    Features: those of the encoder, and `label_ids`: int32 [B] (classes), float32 [B] (regression) or float32
    [B, num_labels] of 0 and 1 (several labels). Outputs: `logits` float32 [B, num_labels], and what
    they are computed of, `vectors` float32 [B, H].

    Args:
      encoder: an Encoder.
      num_labels: number of classes; 1 for regression.
      problem_type: "single_label_classification", "multi_label_classification" or "regression".
      class_weights: float [num_labels] that multiply each example's loss by its class's, or None.
      loss: of classes, a bertline.modeling.losses.loss.Loss; None: the cross entropy. A score has the squared error.
    """

    options = {
        "loss": Option(
            "cross_entropy",
            "Of classes: cross_entropy, focal, logit_adjustment (for classes of unequal size).",
            as_trained=False,
        ),
        "class_weights": Option(
            None,
            "Weight of each class in the loss: numbers in the order of the labels, label=number pairs, or 'balanced'.",
            as_trained=False,
        ),
    }
    pipeline_tag = "text-classification"
    huggingface_heads = {"output_weights": ("classifier.weight", False), "output_bias": ("classifier.bias", False)}
    architectures = {"ForSequenceClassification": ("output_weights", "pooled_output")}
    labelled = "output_weights"
    reads_pooled_output_alone = True
    problem_types = ("single_label_classification", "multi_label_classification", "regression")

    def __init__(
        self,
        encoder,
        num_labels,
        problem_type="single_label_classification",
        class_weights=None,
        loss=None,
        **kwargs,
    ):
        super().__init__(encoder, name="sequence_classification", **kwargs)
        if problem_type not in _LOSSES:
            raise ValueError(f"problem_type {problem_type!r} is not one of {', '.join(_LOSSES)}")
        self.num_labels, self.problem_type, self.class_weights = num_labels, problem_type, class_weights
        self.loss_of_classes = loss or CrossEntropy()
        # No name scope: in the original's checkpoints these two variables stand at the root.
        self.classifier = LinearClassifier(num_labels, name=self.name)
        self.classifier.build(encoder.width)

    @classmethod
    def from_saved(cls, encoder, config, shapes):
        """A model of one label and no problem type gives a score, as in `transformers`."""
        count = shapes["output_weights"][0] if shapes.get("output_weights") else 0
        if not count:
            raise InputError("says a classifier (architectures), which the weights lack; copy the whole folder")
        return cls(encoder, count, problem_type(config, count))

    def call(self, features, dropout_key=None, training=False):
        # No token's state is needed but the pooled one: `positions` of width 0 lets the encoder skip the others.
        none = tf.zeros([tf.shape(features["input_ids"])[0], 0], tf.int32)
        pooled = self.encoder(features, dropout_key=dropout_key, positions=none)["pooled_output"]  # [B, H]
        rate = getattr(self.encoder.config, "classifier_dropout", None)
        vectors = tf.cast(pooled, tf.float32)
        pooled = dropout(vectors, HEAD_DROPOUT if rate is None else rate, dropout_key)
        return {"logits": self.classifier(pooled), "vectors": vectors}

    def loss_weights(self, features):
        labels = features["label_ids"]
        weights = tf.ones([tf.shape(labels)[0]])
        if self.class_weights is not None and self.problem_type == "single_label_classification":
            weights = tf.gather(tf.constant(self.class_weights, tf.float32), labels)
        if "is_real_example" in features:
            weights *= tf.cast(features["is_real_example"], tf.float32)
        return {"loss": weights}

    def losses(self, features, outputs):
        return {"loss": _LOSSES[self.problem_type](self, features["label_ids"], outputs["logits"])}

    @property
    def compares_outputs(self):
        return True

    def divergence(self, features, outputs, wanted, temperature=1.0):
        """See base class; of several labels the mean over them, as of their losses."""
        return {"loss": _DIVERGENCES[self.problem_type](self, outputs["logits"], wanted["logits"], temperature)}

    @property
    def has_distributions(self):
        return self.problem_type != "regression"

    def even_outputs(self, features, outputs):
        return {"logits": tf.zeros_like(outputs["logits"])}

    def outputs_of(self, probabilities):
        return {"logits": _LOGITS[self.problem_type](probabilities)}

    @property
    def has_class_vectors(self):
        return self.problem_type == "single_label_classification"

    def class_vectors(self, features, outputs):
        return outputs["vectors"], features["label_ids"]

    def scale_logits(self, scale, offset):
        kernel, bias = self.classifier.output_weights, self.classifier.output_bias
        kernel.assign(kernel * np.asarray(scale, np.float32)[:, None])
        bias.assign(bias * np.asarray(scale, np.float32) + np.asarray(offset, np.float32))

    def predictions(self, outputs):
        """probabilities float32 [B, num_labels], for regression the score itself; logits, what they are computed of."""
        logits = outputs["logits"]
        if self.problem_type == "single_label_classification":
            probabilities = tf.nn.softmax(logits)
        elif self.problem_type == "multi_label_classification":
            probabilities = tf.nn.sigmoid(logits)
        else:
            probabilities = logits
        return {"probabilities": probabilities, "logits": logits}


def _of_classes(objective, labels, logits):
    return objective.loss_of_classes.of_classes(labels, logits)


def _squared_error(objective, labels, logits):
    return tf.square(logits[:, 0] - labels)


def _of_several(objective, labels, logits):
    return _mean_of_labels(objective, objective.loss_of_classes.of_several(labels, logits))


def _mean_of_labels(objective, values):
    """float32 [B, num_labels] -> [B]; --class_weights are of labels here, and of rows where these have one class."""
    if objective.class_weights is not None:
        values *= tf.constant(objective.class_weights, tf.float32)
    return tf.reduce_mean(values, axis=1)


_LOSSES = {
    "single_label_classification": _of_classes,
    "regression": _squared_error,
    "multi_label_classification": _of_several,
}

_DIVERGENCES = {
    "single_label_classification": lambda objective, *given: divergence.of_softmax(*given),
    "regression": lambda objective, logits, wanted, temperature: tf.square(logits[:, 0] - wanted[:, 0]),
    "multi_label_classification": lambda objective, *given: _mean_of_labels(objective, divergence.of_sigmoids(*given)),
}


def _logits_of_several(probabilities):
    inside = tf.clip_by_value(probabilities, LEAST_OF_SEVERAL, 1.0 - LEAST_OF_SEVERAL)
    return tf.math.log(inside) - tf.math.log1p(-inside)


_LOGITS = {
    "single_label_classification": lambda probabilities: tf.math.log(tf.maximum(probabilities, LEAST)),
    "regression": lambda scores: scores,
    "multi_label_classification": _logits_of_several,
}
