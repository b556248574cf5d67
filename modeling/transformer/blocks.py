"""The Transformer: blocks of self-attention and feed-forward over rows of real tokens, whatever a token may look at.

Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.1; norms after each residual sum, as there.
Variables are named as in google-research/bert.
"""

import dataclasses
import math

import keras
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.layers.dense import ACTIVATIONS, Dense, LayerNorm, add_bias_in_training
from bertline.modeling.layers.dropout import dropout, residual
from bertline.modeling.transformer.attention_masks import bidirectional


@dataclasses.dataclass(frozen=True)
class BlockSizes:
    """What a block looks like. Raises InputError for sizes that no block can have.

    Attributes:
      width: numbers of a token's state, a multiple of num_heads. intermediate_size: of the feed-forward layer.
      activation: of bertline.modeling.layers.dense.ACTIVATIONS.
      hidden_dropout, attention_dropout: rates, of what is added to the residual and of the probabilities of attention.
      stddev: of the initial kernels. epsilon: of the layer norms.
    """

    width: int
    num_heads: int
    intermediate_size: int
    activation: str = "gelu"
    hidden_dropout: float = 0.1
    attention_dropout: float = 0.1
    stddev: float = 0.02
    epsilon: float = 1e-12

    def __post_init__(self):
        if self.width % self.num_heads:
            raise InputError(f"a width of {self.width} is not a multiple of {self.num_heads} attention heads")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation {self.activation!r} is unknown; known: {', '.join(ACTIVATIONS)}")


class Transformer(keras.layers.Layer):
    """A stack of blocks.

    Args:
      sizes: BlockSizes of every block. num_layers: int.
      attention_mask: of bertline.modeling.transformer.attention_masks.
      rematerialize: recompute each block in the backward pass instead of keeping its activations.
    """

    def __init__(self, sizes, num_layers, attention_mask=bidirectional, rematerialize=False, **kwargs):
        super().__init__(**kwargs)
        self.sizes, self.attention_mask, self.rematerialize = sizes, attention_mask, rematerialize
        self.blocks = [TransformerBlock(sizes, name=f"layer_{i}", dtype=self.dtype_policy) for i in range(num_layers)]

    def build(self, width):
        for block in self.blocks:
            block.build(width)
        self.built = True

    def call(self, rows, unpadding, input_mask, dropout_key=None, positions=None, all_layers=False):
        """States of the rows after each block.

        Args:
          rows: [N, H], the embedded tokens; N is as `unpadding` has it.
          unpadding: Unpadding of the batch. input_mask: int32 [B, T], 1 for a real token.
          dropout_key: DropoutKey or None; block i draws from its child i + 1.
          positions: int32 [B, P]: the last block runs for these tokens only, unless all layers are wanted.

        Returns:
          list of [N, H], `rows` first; only the last two where `all_layers` is False. With `positions` and without
          `all_layers` the last one is [B * P, H].
        """
        bias, states = self.attention_mask(input_mask), [rows]
        for i, block in enumerate(self.blocks):
            query_rows = query_bias = None
            if positions is not None and not all_layers and i == len(self.blocks) - 1:
                # Keys and values still need every token; queries, attention output and feed-forward do not.
                query_rows, query_bias = unpadding.rows_of(positions), self.attention_mask(input_mask, positions)
            state = self._apply(block, i, states[-1], unpadding, bias, dropout_key, query_rows, query_bias)
            states = [*states, state] if all_layers else [states[-1], state]
        return states

    def _apply(self, block, index, rows, unpadding, bias, dropout_key, query_rows, query_bias):
        def run(rows):
            # The key is made inside, so that a second tracing draws the same masks.
            key = dropout_key.child(index + 1) if dropout_key is not None else None
            asking_bias = bias if query_bias is None else query_bias
            return block(rows, unpadding=unpadding, bias=asking_bias, dropout_key=key, query_rows=query_rows)

        return tf.recompute_grad(run)(rows) if self.rematerialize else run(rows)


class TransformerBlock(keras.layers.Layer):
    """Self-attention and feed-forward, each with dropout, residual and layer norm after: [N, H] -> [N, H]."""

    def __init__(self, sizes, **kwargs):
        super().__init__(**kwargs)
        self.sizes = sizes

        def dense(units, activation="linear", name="dense"):
            return Dense(units, activation, sizes.stddev, name=name, dtype=self.dtype_policy)

        self.query, self.key, self.value = (dense(sizes.width, name=n) for n in ("query", "key", "value"))
        self.attention_output, self.attention_norm = dense(sizes.width), self._norm()
        self.intermediate = dense(sizes.intermediate_size, sizes.activation)
        self.output_dense, self.output_norm = dense(sizes.width), self._norm()

    def _norm(self):
        return LayerNorm(self.sizes.epsilon, dtype=self.dtype_policy)

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
            self.output_dense.build(self.sizes.intermediate_size)
            self.output_norm.build(width)
        self.built = True

    def call(self, rows, unpadding, bias, dropout_key, query_rows=None):
        """rows [N, H]; bias float32 [B, 1, P or 1, T]; query_rows int32 [B, P] -> [B * P, H] for those rows alone."""
        rate, training = self.sizes.hidden_dropout, dropout_key is not None
        context = self._attend(rows, unpadding, bias, dropout_key, query_rows)
        if query_rows is not None:
            rows = tf.gather(rows, tf.reshape(query_rows, [-1]))
        rows = residual(self.attention_output, context, rows, rate, dropout_key)
        rows = self.attention_norm(rows, training=training)
        transformed = self.intermediate(rows, training=training)
        rows = residual(self.output_dense, transformed, rows, rate, dropout_key)
        return self.output_norm(rows, training=training)

    def _attend(self, rows, unpadding, bias, dropout_key, query_rows):
        heads, width = self.sizes.num_heads, self.sizes.width
        head_width = width // heads

        def project(rows, denses):
            """One product for several projections: [rows, len(denses) * H]."""
            kernel = tf.concat([tf.cast(dense.kernel, self.compute_dtype) for dense in denses], axis=1)
            bias = tf.concat([tf.cast(dense.bias, self.compute_dtype) for dense in denses], axis=0)
            add_bias = tf.nn.bias_add if dropout_key is None else add_bias_in_training
            return add_bias(tf.matmul(rows, kernel), bias)

        def split_heads(slots, length, parts):
            """[B * L, parts * H] -> parts tensors [B, heads, L, head_width]; B may be 0."""
            slots = tf.reshape(slots, [unpadding.batch_size, length, parts, heads, head_width])
            return tf.unstack(tf.transpose(slots, [2, 0, 3, 1, 4]), num=parts)

        if query_rows is None:
            joint = unpadding.pad(project(rows, [self.query, self.key, self.value]))
            query, key, value = split_heads(joint, unpadding.length, 3)
        else:
            asking = tf.gather(rows, tf.reshape(query_rows, [-1]))
            (query,) = split_heads(project(asking, [self.query]), tf.shape(query_rows)[1], 1)
            key, value = split_heads(unpadding.pad(project(rows, [self.key, self.value])), unpadding.length, 2)

        # The scale goes to the queries, the smaller array. oneDNN's softmax and the GPU's sum in float32 inside.
        scores = tf.matmul(query * (1.0 / math.sqrt(head_width)), key, transpose_b=True)  # [B, heads, P, T]
        probabilities = tf.nn.softmax(scores + tf.cast(bias, scores.dtype))
        probabilities = dropout(probabilities, self.sizes.attention_dropout, dropout_key)
        context = tf.transpose(tf.matmul(probabilities, value), [0, 2, 1, 3])  # [B, P, heads, head_width]
        slots = tf.reshape(context, [-1, width])
        return unpadding.unpad(slots) if query_rows is None else slots
