"""A model as a SavedModel that takes raw text: nothing but TensorFlow and tensorflow-text is needed to run it.

Source: the interface of reusable SavedModels, https://www.tensorflow.org/hub/reusable_saved_models
"""

import contextlib
import os
import tempfile

import tensorflow as tf

from bertline.serving.encoder import vector_graph

LABELS_NAME = "labels.txt"


def strings(*names):
    """tf.TensorSpec of arguments string [n], a list."""
    return [tf.TensorSpec([None], tf.string, name) for name in names]


class Head:
    """What a SavedModel computes of its inputs.

    Args:
      model: an encoder or an objective; `variables` are its weights.
      encoder: the encoder in it.

    Attributes:
      names: of labels. example: arguments of the module's own call, str or lists of str.
      signatures: name -> tf.TensorSpec of its arguments.
      stacks_texts: whether it is of a layout whose rows have several texts below each other.
    """

    names, stacks_texts = (), False
    example = (["some text", "another one"],)

    def __init__(self, model, encoder):
        self.model, self.encoder = model, encoder

    def function(self, layout, scope):
        """What the SavedModel computes, for the inputs of each signature.

        Args:
          layout: of bertline.processors.layouts, what the head reads.
          scope: () -> context in which the model computes.

        Returns:
          (function of tensors -> name -> tensor; what the module has to keep hold of).

        Raises:
          InputError: a tokenizer or a layout that no graph knows.
        """
        raise NotImplementedError

    def compare(self, module, live, texts):
        """Yields (name of an output, array that a SavedModel gives, the same of a live model).

        Args:
          module: loaded. live: Predictor. texts: list of str, of one batch.
        """
        raise NotImplementedError


class TextHead(Head):
    """One that is computed from the features of a text, or of a pair. Subclasses are called with these."""

    prompt = ""  # what stands before each text, or the first of a pair
    signatures = {"serving_default": strings("text"), "pairs": strings("text_a", "text_b")}

    def numbers_of(self, live, texts):
        """float32 [n, numbers], of a Predictor."""
        return live.probabilities(texts)

    def compare(self, module, live, texts):
        """See base class: texts, and pairs of them."""
        others = texts[::-1]
        for given, columns in ((texts, [texts]), (list(zip(texts, others)), [texts, others])):
            expected = self.numbers_of(live, given)
            for name, found in module(*map(tf.constant, columns)).items():
                if name != "label":
                    yield name, found.numpy().reshape(expected.shape), expected

    def function(self, layout, scope):
        tokenize, features = layout.tokenizer.graph_form(), layout.graph_form()

        def call(text, text_b=None):
            text = tf.strings.join([self.prompt, text]) if self.prompt else text
            second = None if text_b is None else tokenize(text_b)
            with scope():
                return self(features(tokenize(text), second))

        return call, tokenize.resources


class ClassifierModule(TextHead):
    """label string [n] ("a,b" of several, "" of none) and probabilities float32 [n, labels], or score float32 [n]."""

    def __init__(self, objective, labels):
        super().__init__(objective, objective.encoder)
        self.names, self._problem_type = tuple(labels.names), labels.problem_type
        self._thresholds = labels.thresholds

    def __call__(self, features):
        probabilities = self.model.predictions(self.model(features))["probabilities"]
        if self._problem_type == "regression":
            return {"score": probabilities[:, 0]}
        names = tf.constant(self.names)
        if self._problem_type == "multi_label_classification":
            label = _join_names(names, probabilities >= self._thresholds)
        else:
            label = tf.gather(names, tf.argmax(probabilities, axis=1))
        return {"label": label, "probabilities": probabilities}


class VectorsModule(TextHead):
    """vectors float32 [n, W]."""

    def __init__(self, encoder, options):
        super().__init__(encoder, encoder)
        self._options, self.prompt = options, options.prompt

    def numbers_of(self, live, texts):
        options = self._options
        return live.embed(
            texts,
            pooling=options.pooling,
            layers=options.layers,
            layer_mix=options.layer_mix,
            normalize=options.normalize,
            prompt=options.prompt,
        )

    def __call__(self, features):
        return {"vectors": vector_graph.vectors(self.encoder, features, self._options, per_token=False)[:, 0]}


def save(head, layout, folder, int8=None):
    """Writes the SavedModel of a Head.

    It is a function, and has signatures: those of a text are `serving_default` (text) and `pairs` (text_a, text_b),
    string [n] each, and it is a function of one or two such tensors. `labels()` gives the names, `variables` and
    `trainable_variables` are the weights. What is given at once is one batch: its size is the caller's to bound.

    Args:
      layout: of bertline.processors.layouts, what the head reads.
      int8: an Int8Weights of the model's variables, None: they are saved as they are.

    Raises:
      InputError: a tokenizer or a layout that no graph knows.
    """
    scope = int8.scope if int8 else contextlib.nullcontext
    function, resources = head.function(layout, scope)
    call = tf.function(function, autograph=False)
    for specs in head.signatures.values():
        call.get_concrete_function(*(tf.TensorSpec(spec.shape, spec.dtype) for spec in specs))
    module = tf.train.Checkpoint()
    module.__call__ = call
    module.resources = list(resources)
    module.labels = tf.function(
        lambda: tf.constant(head.names, tf.string, [len(head.names)]), input_signature=[], autograph=False
    )
    # The variables alone, not Keras' objects around them, which only this project could load.
    if int8:
        module.variables, module.trainable_variables = int8.variables, int8.trainable_variables
    else:
        module.variables = [variable.value for variable in head.model.variables]
        module.trainable_variables = [variable.value for variable in head.model.trainable_variables]
    module.regularization_losses = []
    signatures = {
        name: tf.function(lambda *given: call(*given), autograph=False, input_signature=specs)
        for name, specs in head.signatures.items()
    }
    with tempfile.TemporaryDirectory() as place:
        layout.tokenizer.save(place, layout.max_seq_length)
        with open(os.path.join(place, LABELS_NAME), "w", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in head.names)
        module.assets = [tf.saved_model.Asset(os.path.join(place, name)) for name in sorted(os.listdir(place))]
        tf.saved_model.save(module, folder, signatures)


def _join_names(names, chosen):
    """bool [n, labels] -> string [n], the chosen names with commas between."""
    texts = tf.where(chosen, names[None] + ",", "")
    joined = tf.strings.reduce_join(texts, axis=1)
    lengths = tf.maximum(tf.strings.length(joined) - 1, 0)
    return tf.strings.substr(joined, tf.zeros_like(lengths), lengths)
