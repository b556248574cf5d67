"""An objective of somebody else's, with two options: tags by a cross entropy that is smoothed and weighted."""

import tensorflow as tf

from bertline import registry
from bertline.modeling.layers.dense import LinearClassifier
from bertline.modeling.objective import Objective
from bertline.options import Option


@registry.register("objective", "smoothed_tags")
class SmoothedTags(Objective):
    """Features as those of token_classification."""

    options = {
        "smoothing": Option(0.1, "Share of the probability that goes to all tags alike."),
        "outside_weight": Option(1.0, "Weight of words whose tag is the first one."),
    }
    layout = "words"
    problem_types = ("tags",)
    labelled = "output_weights"
    reads_pooled_output = False
    output_axes = {"tags": "words", "label_ids": "words"}

    def __init__(self, encoder, num_labels, smoothing=0.1, outside_weight=1.0, **kwargs):
        super().__init__(encoder, name="smoothed_tags", **kwargs)
        self.num_labels, self.smoothing, self.outside_weight = num_labels, smoothing, outside_weight
        self.classifier = LinearClassifier(num_labels, name=self.name)
        self.classifier.build(encoder.width)

    def call(self, features, dropout_key=None, training=False):
        states = self.encoder(features, dropout_key=dropout_key, positions=features["word_positions"])
        rows = states["sequence_output"]
        logits = self.classifier(tf.reshape(rows, [-1, self.encoder.width]))
        return {"logits": tf.reshape(logits, [*tf.unstack(tf.shape(rows)[:2]), self.num_labels])}

    def loss_weights(self, features):
        labels = features["label_ids"]
        weights = tf.where(labels == 0, self.outside_weight, 1.0) * tf.cast(labels >= 0, tf.float32)
        return {"loss": weights}

    def losses(self, features, outputs):
        right = tf.one_hot(features["label_ids"], self.num_labels) * (1.0 - self.smoothing)
        wanted = right + self.smoothing / self.num_labels
        return {"loss": tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=outputs["logits"])}

    def predictions(self, outputs):
        return {"tags": tf.argmax(outputs["logits"], axis=2, output_type=tf.int32)}
