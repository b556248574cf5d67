"""What every objective is: a Keras model that owns an encoder and knows its loss and its predictions."""

import typing
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import OBJECTIVE
from bertline.modeling.encoder import Encoder


class Objective(keras.Model):
    """Base of all objectives, for pre-training and for fine-tuning alike.

    `call(features, dropout_key=None)` returns a dict of outputs. A loss is a sum of named terms, each the weighted mean
    of some values; values and weights are kept apart, so that a batch that is cut into micro-batches or spread over
    replicas has the loss and the gradients of the whole batch.

    Variables of the head are named as in the original's checkpoints; `encoder` comes built. Arguments of a constructor
    that have the name of a setting get that setting's value.

    Attributes:
      terms: names of the loss's terms.
      measures: what else is counted while training and evaluating (an accuracy) -> the term whose weights it shares.
      layout: the layout of `bertline.processors.layouts` that its features have; None: the encoder's own.
      problem_types: of the tasks that it can be fine-tuned on.
      corpus: the kind of corpus data that it learns from in pre-training; it takes others of the same form too.
      reads_pooled_output: whether the encoder's `pooled_output` plays a part; else a checkpoint may lack its weights.
      reads_pooled_output_alone: whether nothing else of the encoder plays a part, so that it may read documents by
        windows.
      relates_rows: whether a row's loss depends on the other rows of its batch, which then must not be cut.
      drops_rows: whether its encoder gets fewer rows than the same number for each row of a batch, as where texts are
        not there.
      carries_state: whether each batch goes on where the one before ended: `call` takes a `state` and gives one.
      output_axes: predictions (and `label_ids`) that have an entry for each place of a named axis -> the axis.
      sentence_pooling: how the encoder's states become a sentence's vector, where such vectors are learned; else None.
      normalizes_vectors: whether these have length 1.
      pipeline_tag: what Hugging Face calls the task that it does; None: nothing there.

    What follows is read from the source, so that whose head lies in a folder is known without importing any: literals.

      huggingface_heads: weight of the head -> (name in a checkpoint of Hugging Face, whether it is transposed there);
        a head that is not known there keeps its name, with dots.
      architectures: end of the name of a class in `transformers` -> weights of the head that it has, "pooled_output"
        for the encoder's own of that; the first counts whose weights are there. {}: it has none, and config.json says
        `objective`.
      labelled: the weight that has a row for each label; None.
      rows_of_tokens: weights that have an entry for each token of the vocabulary.
      copies: weights that Hugging Face keeps a second time: name there -> end of the name here.
      options_of_weights: options that say which weights the head has: pre-training goes on with those of a checkpoint.
    """

    terms: tuple[str, ...] = ("loss",)
    measures: dict[str, str] = {}
    layout: str | None = None
    problem_types: tuple[str, ...] = ()
    corpus: str | None = None
    reads_pooled_output = True
    reads_pooled_output_alone = False
    relates_rows = False
    drops_rows = False
    carries_state = False
    output_axes: dict[str, str] = {}
    sentence_pooling: str | None = None
    normalizes_vectors = True
    pipeline_tag: str | None = None
    huggingface_heads: dict[str, tuple[str, bool]] = {}
    architectures: dict[str, tuple[str, ...]] = {}
    labelled: str | None = None
    rows_of_tokens: tuple[str, ...] = ()
    copies: dict[str, str] = {}
    options_of_weights: tuple[str, ...] = ()

    def __init__(self, encoder: Encoder, **kwargs):
        super().__init__(**kwargs)
        if not encoder.built:
            encoder.build()
        self.encoder = encoder
        if encoder.rows_layout is not None:
            if not self.reads_pooled_output_alone:
                raise ValueError(f"{type(self).__name__} reads more than the vector of a document")
            self.layout = encoder.rows_layout

    @property
    def owner(self) -> str | None:
        """The registered name of the objective: whose head this is."""
        return registry.name_of("objective", type(self))

    def table_of_words(self) -> keras.Variable:
        """The encoder's table [V, H] that a softmax is tied to. Raises InputError where it has none."""
        table = self.encoder.output_table()
        if table is None:
            raise InputError(
                f"--objective={self.name}: the encoder {self.encoder.config.model_type} has no table of words as wide "
                "as its states, which a softmax over the vocabulary could share; one that has is needed, as bert"
            )
        return table

    @classmethod
    def from_saved(cls, encoder: Encoder, config: dict, shapes: dict[str, tuple[int, ...]]) -> typing.Self:
        """The objective that a folder tells of, over an encoder; the weights of its head wait to be read.

        Args:
          encoder: an Encoder.
          config: dict of the folder's config.json, checked by `bertline.modeling.configuration.head_fields`.
          shapes: canonical name -> shape of all weights in the folder.

        Raises:
          InputError: the folder says what cannot be.
        """
        return cls(encoder, **config.get(OBJECTIVE, {}).get("options", {}))

    def saved_options(self) -> dict:
        """Option -> value that `from_saved` makes the same objective of; what JSON knows."""
        return {}

    def saved_entries(self) -> dict:
        """Entries of config.json about the head, beside its class in `transformers`."""
        if self.architectures:
            return {}
        return {OBJECTIVE: {"name": self.owner, "options": self.saved_options()}}

    @property
    def unread_weights(self) -> str | None:
        """Pattern of weights that play no part: a checkpoint may lack them; None: there are none."""
        return None if self.reads_pooled_output else self.encoder.optional_weights

    @property
    def unread_by_text_predictions(self) -> str | None:
        """The same, where `text_predictions` alone are wanted."""
        return self.unread_weights

    def of_stream(self, name: str) -> "Objective":
        """The Objective that learns from one of several streams, over the same weights; itself where it is for all."""
        return self

    def zero_state(self, lanes: int) -> typing.Any:
        """The state before the first batch of so many rows: a nest of tensors; None where none is carried."""
        return None

    def loss_weights(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Term -> float32 weights; a function of the features alone."""
        raise NotImplementedError

    def losses(self, features: dict[str, tf.Tensor], outputs: dict[str, typing.Any]) -> dict[str, tf.Tensor]:
        """Term or measure -> float32 values, shaped as the term's weights."""
        raise NotImplementedError

    @property
    def compares_outputs(self) -> bool:
        """Whether `divergence` gives anything."""
        return False

    def divergence(self, features: dict, outputs: dict, wanted: dict, temperature: float = 1.0) -> dict[str, tf.Tensor]:
        """How far outputs are from others of the same batch: term -> float32 values >= 0, shaped as its weights.

        Of distributions it is the Kullback-Leibler divergence KL(wanted || outputs), of scores the squared difference.

        Args:
          outputs, wanted: of `call`.
          temperature: logits are divided by it, and the divergence is multiplied by its square.
        """
        raise NotImplementedError

    @property
    def has_distributions(self) -> bool:
        """Whether `even_outputs` gives anything."""
        return False

    def even_outputs(self, features: dict, outputs: dict) -> dict[str, tf.Tensor]:
        """Outputs that hold each answer that a row could have for as likely, which `divergence` takes as `wanted`.

        Args:
          outputs: of `call` for the same rows.
        """
        raise NotImplementedError

    def outputs_of(self, probabilities: tf.Tensor) -> dict[str, tf.Tensor]:
        """Outputs that `divergence` takes as `wanted`, of what files of predictions say of rows.

        Args:
          probabilities: float32 [B, num_labels], `probabilities` of `predictions`.
        """
        raise NotImplementedError

    @property
    def has_class_vectors(self) -> bool:
        """Whether `class_vectors` gives anything."""
        return False

    def class_vectors(self, features: dict, outputs: dict) -> tuple[tf.Tensor, tf.Tensor]:
        """(float32 [B, H], int32 [B]): the vector that each row is classified by, and its class."""
        raise NotImplementedError

    def scale_logits(self, scale: np.ndarray, offset: np.ndarray) -> None:
        """Changes the head: the `logits` of `predictions` are scale * logits + offset from now on.

        float [num_labels] each. Objectives without such a head do not override it.
        """
        raise NotImplementedError

    def summary(self, means: dict[str, float]) -> dict[str, float]:
        """Means of terms and measures over a data set (those that had any weight) -> what eval_results.txt says."""
        return {**means, "loss": sum(means.get(term, 0.0) for term in self.terms)}

    def predictions(self, outputs: dict[str, typing.Any]) -> dict[str, tf.Tensor]:
        """Outputs -> dict of tensors [B, ...] to be gathered over a data set."""
        raise NotImplementedError

    def text_predictions(self, texts: list, layout, top_k: int) -> Iterator[dict]:
        """Yields a dict (a line of JSON) per text, of what a pre-trained objective says of it without fine-tuning.

        Args:
          layout: of bertline.processors.layouts, what the encoder reads. top_k: how many candidates to name.
        """
        raise ValueError(f"{type(self).__name__} says nothing of single texts")

    def named_weights(self) -> dict[str, keras.Variable]:
        """Canonical name (the original's TF1 name) -> variable, the encoder's included."""
        encoder_weights = self.encoder.named_weights()
        own = {id(variable) for variable in encoder_weights.values()}
        head = {v.path.split("/", 1)[1]: v for v in self.variables if id(v) not in own}
        return {**encoder_weights, **head}

    def huggingface_names(self) -> dict[str, tuple[str, bool]]:
        """Canonical name -> (name in a Hugging Face checkpoint, whether it is transposed there)."""
        encoder_names = self.encoder.huggingface_names()
        known = self.huggingface_heads
        heads = [name for name in self.named_weights() if name not in encoder_names]
        return {**encoder_names, **{name: known.get(name, (name.replace("/", "."), False)) for name in heads}}
