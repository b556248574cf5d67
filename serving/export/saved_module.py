"""A model as a SavedModel that takes raw text: nothing but TensorFlow and tensorflow-text is needed to run it.

Source: the interface of reusable SavedModels, https://www.tensorflow.org/hub/reusable_saved_models
"""

import contextlib
import os
import tempfile

import tensorflow as tf

from bertline.serving.encoder import vector_graph

LABELS_NAME = "labels.txt"
_TEXTS = tf.TensorSpec([None], tf.string)


class Head:
    """What is computed from a batch of features.

    Args:
      model: an encoder or an objective; `variables` are its weights.
      encoder: the encoder in it.
    """

    names = ()
    prompt = ""  # what stands before each text, or the first of a pair

    def __init__(self, model, encoder):
        self.model, self.encoder = model, encoder


class ClassifierModule(Head):
    """label string [n] ("a,b" of several, "" of none) and probabilities float32 [n, labels], or score float32 [n]."""

    def __init__(self, objective, labels):
        super().__init__(objective, objective.encoder)
        self.names, self._problem_type = tuple(labels.names), labels.problem_type

    def __call__(self, features):
        probabilities = self.model.predictions(self.model(features))["probabilities"]
        if self._problem_type == "regression":
            return {"score": probabilities[:, 0]}
        names = tf.constant(self.names)
        if self._problem_type == "multi_label_classification":
            label = _join_names(names, probabilities >= 0.5)
        else:
            label = tf.gather(names, tf.argmax(probabilities, axis=1))
        return {"label": label, "probabilities": probabilities}


class VectorsModule(Head):
    """vectors float32 [n, W]."""

    def __init__(self, encoder, options):
        super().__init__(encoder, encoder)
        self._options, self.prompt = options, options.prompt

    def __call__(self, features):
        return {"vectors": vector_graph.vectors(self.encoder, features, self._options, per_token=False)[:, 0]}


def save(head, layout, folder, packed=None):
    """Writes the SavedModel of a Head.

    Its signatures are `serving_default` (text) and `pairs` (text_a, text_b), string [n] each; it is itself a function
    of one or two such tensors. `labels()` gives the names, `variables` and `trainable_variables` are the weights. The n
    texts are one batch: their number is the caller's to bound.

    Args:
      layout: of bertline.processors.layouts, what the encoder reads.
      packed: an Int8Weights of the model's variables, None: they are saved as they are.

    Raises:
      InputError: a tokenizer or a layout that no graph knows.
    """
    tokenize, features = layout.tokenizer.graph_form(), layout.graph_form()

    @tf.function(autograph=False)
    def call(text, text_b=None):
        text = tf.strings.join([head.prompt, text]) if head.prompt else text
        second = None if text_b is None else tokenize(text_b)
        with packed.scope() if packed else contextlib.nullcontext():
            return head(features(tokenize(text), second))

    def single(text):
        return call(text)

    def pairs(text_a, text_b):
        return call(text_a, text_b)

    call.get_concrete_function(_TEXTS)
    call.get_concrete_function(_TEXTS, _TEXTS)
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.resources = list(tokenize.resources)
    module.labels = tf.function(
        lambda: tf.constant(head.names, tf.string, [len(head.names)]), input_signature=[], autograph=False
    )
    # The variables alone, not Keras' objects around them, which only this project could load.
    if packed:
        module.variables, module.trainable_variables = packed.variables, packed.trainable_variables
    else:
        module.variables = [variable.value for variable in head.model.variables]
        module.trainable_variables = [variable.value for variable in head.model.trainable_variables]
    module.regularization_losses = []
    signatures = {
        "serving_default": _signature(single, "text"),
        "pairs": _signature(pairs, "text_a", "text_b"),
    }
    with tempfile.TemporaryDirectory() as place:
        layout.tokenizer.save(place, layout.max_seq_length)
        with open(os.path.join(place, LABELS_NAME), "w", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in head.names)
        module.assets = [tf.saved_model.Asset(os.path.join(place, name)) for name in sorted(os.listdir(place))]
        tf.saved_model.save(module, folder, signatures)


def _signature(function, *names):
    return tf.function(function, autograph=False, input_signature=[tf.TensorSpec([None], tf.string, n) for n in names])


def _join_names(names, chosen):
    """bool [n, labels] -> string [n], the chosen names with commas between."""
    texts = tf.where(chosen, names[None] + ",", "")
    joined = tf.strings.reduce_join(texts, axis=1)
    lengths = tf.maximum(tf.strings.length(joined) - 1, 0)
    return tf.strings.substr(joined, tf.zeros_like(lengths), lengths)
