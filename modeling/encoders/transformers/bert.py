"""BERT: a bidirectional Transformer encoder.

Source: Devlin et al. 2018, https://arxiv.org/abs/1810.04805, section 3; google-research/bert `modeling.py`.
"""

import dataclasses
import math
import re
import typing

import keras
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration import config_fields
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers.dense import ACTIVATIONS, Dense, LayerNorm, activation_name, initializer
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.token_scales import TOKEN_SCALES
from bertline.modeling.speed.unpadding import Unpadding, with_row_of_pooler
from bertline.modeling.transformer.blocks import BlockSizes, Transformer

COUNTS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)
PROBABILITIES = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")


@dataclasses.dataclass
class BertConfig(EncoderConfig):
    """The fields of `bert_config.json`, with the original's defaults; also of a Hugging Face BERT `config.json`.

    `hidden_act` "gelu" is the exact one, x * Phi(x). In a file of the original (no "model_type") it means what the
    original computes under that name, the tanh approximation, which is "gelu_new" here as at Hugging Face. Case does
    not matter; none or an empty one is "linear", as in the original (`modeling.py:get_activation`).

    `classifier_dropout`: of a classifier's head; None: the original's.

    Raises:
      InputError: a count is not above 0, a probability is not in [0, 1), sizes do not fit together.
    """

    model_type: typing.ClassVar[str] = "bert"

    vocab_size: int
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 16
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    classifier_dropout: float | None = None

    def __post_init__(self):
        self.hidden_act = activation_name(self.hidden_act)
        if self.hidden_act not in ACTIVATIONS:
            raise InputError(f"hidden_act {self.hidden_act!r} is unknown; known: {', '.join(ACTIVATIONS)}")
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; a number above 0 is needed")
        for name in PROBABILITIES:
            # Written so that nan is refused.
            if getattr(self, name) is not None and not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; a probability from 0 on, below 1, is needed")
        if not 0 <= self.initializer_range < math.inf:
            raise InputError(f"initializer_range is {self.initializer_range}; a standard deviation is needed, as 0.02")
        if not 0 < self.layer_norm_eps < math.inf:
            raise InputError(f"layer_norm_eps is {self.layer_norm_eps}; a number above 0 is needed, as 1e-12")
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads {self.num_attention_heads}"
            )

    def num_parameters(self):
        width, inner = self.hidden_size, self.intermediate_size
        rows = self.vocab_size + self.max_position_embeddings + self.type_vocab_size
        layer = 4 * (width + 1) * width + (width + 1) * inner + (inner + 1) * width + 4 * width
        return rows * width + 2 * width + self.num_hidden_layers * layer + (width + 1) * width

    def block_sizes(self):
        return BlockSizes(
            self.hidden_size,
            self.num_attention_heads,
            self.intermediate_size,
            self.hidden_act,
            self.hidden_dropout_prob,
            self.attention_probs_dropout_prob,
            self.initializer_range,
            self.layer_norm_eps,
        )

    @property
    def width(self):
        return self.hidden_size

    @property
    def num_layers(self):
        return self.num_hidden_layers

    @property
    def max_length(self):
        return self.max_position_embeddings

    @property
    def activation(self):
        return self.hidden_act

    @property
    def stddev(self):
        return self.initializer_range

    @property
    def epsilon(self):
        return self.layer_norm_eps

    def id_limits(self):
        return {
            "input_ids": ("vocab_size", self.vocab_size),
            "segment_ids": ("type_vocab_size", self.type_vocab_size),
        }

    @classmethod
    def read(cls, values):
        """What the entries that are no fields mean is in `config_fields`."""
        config_fields.check(values)
        activation = values.get("hidden_act", "gelu")
        if activation is None:
            activation = ""  # the original's None, the identity
        if "model_type" not in values and isinstance(activation, str) and activation.lower() == "gelu":
            # google-research/bert computes its "gelu" by the tanh approximation, Hugging Face ("model_type") exactly.
            activation = "gelu_new"
        return {**values, "hidden_act": activation}


@registry.register("encoder", "bert")
class Bert(Encoder):
    """features -> hidden states; see `Encoder` for the outputs.

    Features: input_ids, input_mask (1 real, 0 padding), segment_ids, each int32 [B, T].

    Args:
      config: a BertConfig.
      name: the root of the weights' names; "bert" is the original's.
    """

    config_class = BertConfig
    optional_weights = r".*/pooler/.*"
    scales_tokens = True
    architecture = "Bert"

    def __init__(self, config, name="bert", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.embeddings = Embeddings(config, name="embeddings", dtype=self.dtype_policy)
        self.transformer = Transformer(
            config.block_sizes(),
            config.num_hidden_layers,
            rematerialize=self.rematerialize,
            name="encoder",
            dtype=self.dtype_policy,
        )
        self.pooler = Dense(config.width, "tanh", config.stddev, name="dense", dtype=self.dtype_policy)

    def build(self, input_shape=None):
        self.embeddings.build()
        self.transformer.build(self.width)
        with keras.name_scope("pooler"):
            self.pooler.build(self.width)
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        dropout_key = self.key_of(dropout_key, training)
        scales = features.get(TOKEN_SCALES)
        features = {name: tf.cast(features[name], tf.int32) for name in ("input_ids", "input_mask", "segment_ids")}
        mask = features["input_mask"]  # [B, T]
        batch_size, length = tf.shape(mask)[0], tf.shape(mask)[1]
        unpadding = Unpadding(with_row_of_pooler(mask), self.remove_padding)
        key = dropout_key.child(0) if dropout_key is not None else None
        rows = self.embeddings(features, unpadding=unpadding, dropout_key=key, scales=scales)  # [N, H]

        def pad(states):
            return tf.reshape(unpadding.pad(states), [batch_size, length, self.width])

        # The first token is always wanted, for the pooled output.
        first = tf.zeros([batch_size, 1], tf.int32)
        wanted = None if positions is None else tf.concat([first, positions], axis=1)  # [B, 1 + P]
        states = self.transformer(
            rows, unpadding=unpadding, input_mask=mask, dropout_key=dropout_key, positions=wanted, all_layers=all_layers
        )
        if positions is None or all_layers:
            sequence_output = pad(states[-1])
            first_rows = tf.gather(states[-1], unpadding.rows_of(first)[:, 0])  # [B, H]
            if positions is not None:
                sequence_output = tf.gather(sequence_output, positions, batch_dims=1)
        else:
            outputs = tf.reshape(states[-1], [batch_size, tf.shape(wanted)[1], self.width])  # [B, 1 + P, H]
            first_rows, sequence_output = outputs[:, 0], outputs[:, 1:]
        result = {"sequence_output": sequence_output, "pooled_output": self.pooler(first_rows)}
        return {**result, "all_layers": [pad(s) for s in states]} if all_layers else result

    def blocks(self):
        return [f"^{self.path}/embeddings/", *(f"^{self.path}/encoder/layer_{i}/" for i in range(self.num_layers))]

    def output_table(self):
        return self.embeddings.word_embeddings

    def input_table(self):
        return self.embeddings.word_embeddings

    def attention_layers(self):
        return self.transformer.blocks

    def huggingface_names(self):
        return {name: huggingface_name(name) for name in self.named_weights()}

    @classmethod
    def small(cls, dropout=0.0):
        return BertConfig(
            vocab_size=60,
            hidden_size=16,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=24,
            max_position_embeddings=24,
            type_vocab_size=2,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )


class Embeddings(keras.layers.Layer):
    """Word + position + segment embeddings, layer norm, dropout: [N, H] for the N real tokens."""

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.norm = LayerNorm(config.layer_norm_eps, dtype=self.dtype_policy)

    def build(self, input_shape=None):
        config = self.config

        def table(name, rows):
            # autocast=False: rows are gathered first and cast then, never the whole table.
            shape, init = (rows, config.hidden_size), initializer(config.initializer_range)
            return self.add_weight(name=name, shape=shape, initializer=init, autocast=False)

        self.word_embeddings = table("word_embeddings", config.vocab_size)
        self.token_type_embeddings = table("token_type_embeddings", config.type_vocab_size)
        self.position_embeddings = table("position_embeddings", config.max_position_embeddings)
        self.norm.build(config.hidden_size)
        self.built = True

    def call(self, features, unpadding, dropout_key, scales=None):
        rows = tf.gather(self.word_embeddings, unpadding.unpad(tf.reshape(features["input_ids"], [-1])))  # [N, H]
        if scales is not None:
            rows *= tf.cast(unpadding.unpad(tf.reshape(scales, [-1, 1])), rows.dtype)
        rows += tf.gather(self.position_embeddings, unpadding.positions())
        # A product with one-hot rows: the gradient of a gather from so few rows would be a serial sum.
        types = unpadding.unpad(tf.reshape(features["segment_ids"], [-1]))
        rows += tf.matmul(tf.one_hot(types, self.config.type_vocab_size, dtype=rows.dtype), self.token_type_embeddings)
        return dropout(self.norm(rows, training=dropout_key is not None), self.config.hidden_dropout_prob, dropout_key)


def huggingface_name(name):
    """Canonical name -> (Hugging Face tensor name, transposed?)."""
    transposed = name.endswith("/kernel")
    name = re.sub(r"layer_(\d+)", r"layer.\1", name)
    name = re.sub(r"/(kernel|gamma|(\w+_embeddings))$", lambda m: f"/{m[2]}/weight" if m[2] else "/weight", name)
    return re.sub(r"/beta$", "/bias", name).replace("/", "."), transposed
