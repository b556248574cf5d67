"""BERT: a bidirectional Transformer encoder.

Source: Devlin et al. 2018, https://arxiv.org/abs/1810.04805, section 3; google-research/bert `modeling.py`.
"""

import dataclasses
import difflib
import json
import math
import re
import typing

import keras
import tensorflow as tf

import registry
from errors import InputError
from modeling.dropout import DropoutKey, dropout, residual
from modeling.encoder import Encoder
from modeling.layers import ACTIVATIONS, Dense, LayerNorm, add_bias_in_training, initializer
from modeling.packing import TokenPacking

MASKED_SCORE = -10000.0  # google-research/bert: what a score gets where the key is padding


@dataclasses.dataclass
class BertConfig:
    """The fields of `bert_config.json`, with the original's defaults; also of a Hugging Face BERT `config.json`.

    `hidden_act` "gelu" is the exact one, x * Phi(x). In a file of the original (no "model_type") it means what the
    original computes under that name, the tanh approximation, which is "gelu_new" here as at Hugging Face.
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

    def __post_init__(self):
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads {self.num_attention_heads}"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise InputError(f"hidden_act {self.hidden_act!r} is unknown; known: {', '.join(ACTIVATIONS)}")

    @classmethod
    def from_dict(cls, values):
        """Reads the known fields. A key that looks like a misspelt field is an error, any other is passed over.

        Raises:
          InputError: `vocab_size` is missing, a field has the wrong type, or a key is one edit from a field.
        """
        fields = {field.name: field.type for field in dataclasses.fields(cls)}
        if values.get("model_type", cls.model_type) != cls.model_type:
            raise InputError(f"model_type {values['model_type']!r} is not {cls.model_type!r}")
        if values.get("hidden_act") == "gelu" and "model_type" not in values:
            # google-research/bert computes its "gelu" by the tanh approximation, Hugging Face ("model_type") exactly.
            values = {**values, "hidden_act": "gelu_new"}
        if "vocab_size" not in values:
            raise InputError("the configuration has no vocab_size; is it a bert_config.json?")
        for key in set(values) - set(fields):
            near = difflib.get_close_matches(key, set(fields) - set(values), n=1, cutoff=0.85)
            if near:
                raise InputError(f"unknown field {key!r} in the configuration; did you mean {near[0]!r}?")
        known = {}
        for key, kind in fields.items():
            if key in values:
                value = float(values[key]) if kind is float and isinstance(values[key], int) else values[key]
                if not isinstance(value, kind) or isinstance(value, bool):
                    raise InputError(f"configuration field {key!r} is {value!r}, {kind.__name__} is needed")
                known[key] = value
        return cls(**known)

    @classmethod
    def from_json_file(cls, path, **defaults):
        """Reads a file; `defaults` stand for fields that it lacks.

        Raises:
          InputError: names the file, and the line where the JSON is broken.
        """
        try:
            with open(path, encoding="utf-8") as file:
                values = json.load(file)
            if not isinstance(values, dict):
                raise InputError(f"a JSON object is needed, found {type(values).__name__}")
            return cls.from_dict({**defaults, **values})
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def to_dict(self):
        return {"model_type": self.model_type, **dataclasses.asdict(self)}


@registry.register("encoder", "bert")
class Bert(Encoder):
    """features -> hidden states; see `Encoder` for the outputs.

    Features: input_ids, input_mask (1 real, 0 padding), segment_ids, each int32 [B, T].

    Args:
      config: a BertConfig.
      remove_padding: position-wise layers see real tokens only. False keeps every shape static (XLA, TPU).
      rematerialize: recompute each layer in the backward pass instead of keeping its activations.
      name: the root of the weights' names; "bert" is the original's.
    """

    config_class = BertConfig

    def __init__(self, config, remove_padding=True, rematerialize=False, name="bert", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.remove_padding, self.rematerialize = remove_padding, rematerialize
        self.embeddings = Embeddings(config, name="embeddings", dtype=self.dtype_policy)
        self.layers = [
            TransformerLayer(config, name=f"layer_{i}", dtype=self.dtype_policy)
            for i in range(config.num_hidden_layers)
        ]
        self.pooler = Dense(
            config.hidden_size,
            activation="tanh",
            stddev=config.initializer_range,
            name="dense",
            dtype=self.dtype_policy,
        )

    def get_config(self):
        return {**super().get_config(), "remove_padding": self.remove_padding, "rematerialize": self.rematerialize}

    def build(self, input_shape=None):
        self.embeddings.build()
        with keras.name_scope("encoder"):
            for layer in self.layers:
                layer.build(self.config.hidden_size)
        with keras.name_scope("pooler"):
            self.pooler.build(self.config.hidden_size)
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        if training and dropout_key is None:
            dropout_key = DropoutKey.fresh()
        features = {name: tf.cast(features[name], tf.int32) for name in ("input_ids", "input_mask", "segment_ids")}
        mask = features["input_mask"]  # [B, T]
        batch_size, length, width = tf.shape(mask)[0], tf.shape(mask)[1], self.config.hidden_size
        packing = TokenPacking(mask, self.remove_padding)
        key = (lambda i: dropout_key.child(i)) if dropout_key is not None else (lambda i: None)

        rows = self.embeddings(features, packing=packing, dropout_key=key(0))  # [N, H]
        bias = (1.0 - tf.cast(mask[:, None, None, :], tf.float32)) * MASKED_SCORE  # [B, 1, 1, T]
        states = [rows]
        for i, layer in enumerate(self.layers[:-1]):
            states.append(self._apply(layer, states[-1], packing, bias, key, i))
        last = len(self.layers) - 1
        if positions is None or all_layers:
            states.append(self._apply(self.layers[last], states[-1], packing, bias, key, last))
            sequence_output = tf.reshape(packing.unpack(states[-1]), [batch_size, length, width])
            first_rows = tf.gather(states[-1], packing.rows_of(tf.zeros([batch_size, 1], tf.int32))[:, 0])  # [B, H]
            if positions is not None:
                sequence_output = tf.gather(sequence_output, positions, batch_dims=1)
        else:
            # Queries, attention output and feed-forward of the last layer run for the wanted tokens only.
            wanted = tf.concat([tf.zeros([batch_size, 1], tf.int32), positions], axis=1)  # [B, 1 + P]
            rows = self._apply(self.layers[last], states[-1], packing, bias, key, last, packing.rows_of(wanted))
            outputs = tf.reshape(rows, [batch_size, tf.shape(wanted)[1], width])  # [B, 1 + P, H]
            first_rows, sequence_output = outputs[:, 0], outputs[:, 1:]
        result = {"sequence_output": sequence_output, "pooled_output": self.pooler(first_rows)}
        if all_layers:
            result["all_layers"] = [tf.reshape(packing.unpack(s), [batch_size, length, width]) for s in states]
        return result

    def _apply(self, layer, rows, packing, bias, key, index, query_rows=None):
        def run(rows):
            # The key is made inside, so that a second tracing draws the same masks.
            return layer(rows, packing=packing, bias=bias, dropout_key=key(index + 1), query_rows=query_rows)

        return tf.recompute_grad(run)(rows) if self.rematerialize else run(rows)

    def huggingface_names(self):
        return {name: huggingface_name(name) for name in self.named_weights()}


class Embeddings(keras.layers.Layer):
    """Word + position + segment embeddings, layer norm, dropout: [N, H] for the N packed tokens."""

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

    def call(self, features, packing, dropout_key):
        rows = tf.gather(self.word_embeddings, packing.pack(tf.reshape(features["input_ids"], [-1])))  # [N, H]
        rows += tf.gather(self.position_embeddings, packing.positions())
        # A product with one-hot rows: the gradient of a gather from so few rows would be a serial sum.
        types = packing.pack(tf.reshape(features["segment_ids"], [-1]))
        rows += tf.matmul(tf.one_hot(types, self.config.type_vocab_size, dtype=rows.dtype), self.token_type_embeddings)
        return dropout(self.norm(rows, training=dropout_key is not None), self.config.hidden_dropout_prob, dropout_key)


class TransformerLayer(keras.layers.Layer):
    """Self-attention and feed-forward, each with dropout, residual and layer norm after: [N, H] -> [N, H].

    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.1, with gelu.
    """

    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config

        def dense(units, activation="linear", name="dense"):
            return Dense(units, activation, config.initializer_range, name=name, dtype=self.dtype_policy)

        self.query, self.key, self.value = (dense(config.hidden_size, name=n) for n in ("query", "key", "value"))
        self.attention_output, self.attention_norm = dense(config.hidden_size), self._norm()
        self.intermediate = dense(config.intermediate_size, config.hidden_act)
        self.output_dense, self.output_norm = dense(config.hidden_size), self._norm()

    def _norm(self):
        return LayerNorm(self.config.layer_norm_eps, dtype=self.dtype_policy)

    def build(self, width):
        with keras.name_scope("attention"):
            with keras.name_scope("self"):
                for dense in (self.query, self.key, self.value):
                    dense.build(width)
            with keras.name_scope("output"):
                self.attention_output.build(width)
                self.attention_norm.build(width)
        with keras.name_scope("intermediate"):
            self.intermediate.build(width)
        with keras.name_scope("output"):
            self.output_dense.build(self.config.intermediate_size)
            self.output_norm.build(width)
        self.built = True

    def call(self, rows, packing, bias, dropout_key, query_rows=None):
        """rows [N, H]; bias float32 [B, 1, 1, T]; query_rows int32 [B, P] -> [B * P, H] for those rows alone."""
        rate, training = self.config.hidden_dropout_prob, dropout_key is not None
        context = self._attend(rows, packing, bias, dropout_key, query_rows)
        if query_rows is not None:
            rows = tf.gather(rows, tf.reshape(query_rows, [-1]))
        rows = residual(self.attention_output, context, rows, rate, dropout_key)
        rows = self.attention_norm(rows, training=training)
        transformed = self.intermediate(rows, training=training)
        rows = residual(self.output_dense, transformed, rows, rate, dropout_key)
        return self.output_norm(rows, training=training)

    def _attend(self, rows, packing, bias, dropout_key, query_rows):
        heads, width = self.config.num_attention_heads, self.config.hidden_size
        head_width = width // heads

        def project(rows, denses):
            """One product for several projections: [rows, len(denses) * H]."""
            kernel = tf.concat([tf.cast(dense.kernel, self.compute_dtype) for dense in denses], axis=1)
            bias = tf.concat([tf.cast(dense.bias, self.compute_dtype) for dense in denses], axis=0)
            add_bias = tf.nn.bias_add if dropout_key is None else add_bias_in_training
            return add_bias(tf.matmul(rows, kernel), bias)

        def split_heads(slots, length, parts):
            """[B * L, parts * H] -> parts tensors [B, heads, L, head_width]; B may be 0."""
            slots = tf.reshape(slots, [packing.batch_size, length, parts, heads, head_width])
            return tf.unstack(tf.transpose(slots, [2, 0, 3, 1, 4]), num=parts)

        if query_rows is None:
            joint = packing.unpack(project(rows, [self.query, self.key, self.value]))
            query, key, value = split_heads(joint, packing.length, 3)
        else:
            asking = tf.gather(rows, tf.reshape(query_rows, [-1]))
            (query,) = split_heads(project(asking, [self.query]), tf.shape(query_rows)[1], 1)
            key, value = split_heads(packing.unpack(project(rows, [self.key, self.value])), packing.length, 2)

        # The scale goes to the queries, the smaller array. oneDNN's softmax and the GPU's sum in float32 inside.
        scores = tf.matmul(query * (1.0 / math.sqrt(head_width)), key, transpose_b=True)  # [B, heads, P, T]
        probabilities = tf.nn.softmax(scores + tf.cast(bias, scores.dtype))
        probabilities = dropout(probabilities, self.config.attention_probs_dropout_prob, dropout_key)
        context = tf.transpose(tf.matmul(probabilities, value), [0, 2, 1, 3])  # [B, P, heads, head_width]
        slots = tf.reshape(context, [-1, width])
        return packing.pack(slots) if query_rows is None else slots


def huggingface_name(name):
    """Canonical name -> (Hugging Face tensor name, transposed?)."""
    transposed = name.endswith("/kernel")
    name = re.sub(r"layer_(\d+)", r"layer.\1", name)
    name = re.sub(r"/(kernel|gamma|(\w+_embeddings))$", lambda m: f"/{m[2]}/weight" if m[2] else "/weight", name)
    return re.sub(r"/beta$", "/bias", name).replace("/", "."), transposed
