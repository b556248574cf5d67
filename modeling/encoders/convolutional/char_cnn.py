"""A vector of each word's characters: embeddings, a convolution, the largest number of each filter.

Source: Ma & Hovy 2016, https://arxiv.org/abs/1603.01354, section 2.1; the sizes and rates are those of its table 1.
"""

import dataclasses
import math
import typing

import keras
import numpy as np
import tensorflow as tf

from bertline import registry
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers import pooling
from bertline.modeling.layers.dense import rows_of
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.token_scales import scale_tokens


@dataclasses.dataclass
class CharCnnConfig(EncoderConfig):
    """Sizes.

    `num_characters`: of the table; 259 are bytes, begin and end of a word, and padding. `width`: number of filters.
    `window`: characters that a filter sees. `dropout`: a rate, of the embeddings. `layout`: "plain_characters", or
    "packed_characters" beside an encoder that has special tokens.
    """

    model_type: typing.ClassVar[str] = "char_cnn"
    num_layers: typing.ClassVar[int] = 0

    num_characters: int = 259
    embedding_size: int = 30
    width: int = 30
    window: int = 3
    dropout: float = 0.0
    layout: str = "plain_characters"

    def __post_init__(self):
        self.check_counts("num_characters", "embedding_size", "width", "window")
        self.check_rates()

    def num_parameters(self):
        return self.num_characters * self.embedding_size + (self.window * self.embedding_size + 1) * self.width

    def id_limits(self):
        return {"character_ids": ("num_characters", self.num_characters)}


@registry.register("encoder", "char_cnn")
class CharCnn(Encoder):
    """features -> vectors of words; see `Encoder` for the outputs.

    Features: character_ids int32 [B, T, N], 0 behind a word's end; input_mask int32 [B, T]. A token without characters
    has zeros. `pooled_output` is the mean over the real tokens.

    Args:
      config: a CharCnnConfig.
    """

    config_class = CharCnnConfig
    is_causal = True
    scales_tokens = True

    def __init__(self, config, name="char_cnn", **kwargs):
        super().__init__(config, name=name, **kwargs)

    def build(self, input_shape=None):
        config, limit = self.config, math.sqrt(3.0 / self.config.embedding_size)
        # autocast=False: rows are gathered first and cast then.
        self.character_embeddings = self.add_weight(
            name="character_embeddings",
            shape=(config.num_characters, config.embedding_size),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            autocast=False,
        )
        self.kernel = self.add_weight(
            name="kernel", shape=(config.window * config.embedding_size, config.width), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(config.width,), initializer="zeros")
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        mask = tf.cast(features["input_mask"], tf.int32)
        key = self.key_of(dropout_key, training)
        words = scale_tokens(self._words(tf.cast(features["character_ids"], tf.int32), key), features)
        mean = pooling.pool(tf.cast(words, tf.float32)[:, :, None], mask, "mean")[:, 0]
        result = {
            "sequence_output": words if positions is None else tf.gather(words, positions, batch_dims=1),
            "pooled_output": tf.cast(mean, words.dtype),
        }
        return {**result, "all_layers": [words]} if all_layers else result

    def _words(self, ids, key):
        """[B, T, N] -> [B, T, width]."""
        batch, length = tf.shape(ids)[0], tf.shape(ids)[1]
        ids = tf.reshape(ids, [batch * length, tf.shape(ids)[2]])
        if self.remove_padding:  # no further than the longest word goes
            ids = ids[:, : tf.maximum(1, tf.reduce_max(tf.reduce_sum(tf.cast(ids > 0, tf.int32), axis=1)))]
        rows = tf.cast(rows_of(self.character_embeddings, ids), self.compute_dtype)  # [W, N, E]
        rows = dropout(rows, self.config.dropout, key.child(0) if key is not None else None)
        real = ids[:, :, None] > 0
        rows = tf.where(real, rows, tf.zeros([], rows.dtype))
        filtered = tf.nn.bias_add(tf.matmul(self._windows(rows), self.kernel), self.bias)  # [W, N, width]
        largest = tf.reduce_max(tf.where(real, filtered, filtered.dtype.min), axis=1)
        largest = tf.where(tf.reduce_any(real, axis=1), largest, tf.zeros([], largest.dtype))
        return tf.reshape(largest, [batch, length, self.width])

    def _windows(self, rows):
        """[W, N, E] -> [W, N, window * E]: each character between its neighbours, zeros beyond the ends."""
        window, count = self.config.window, tf.shape(rows)[1]
        padded = tf.pad(rows, [[0, 0], [(window - 1) // 2, window // 2], [0, 0]])
        return tf.concat([padded[:, i : i + count] for i in range(window)], axis=-1)

    @classmethod
    def small(cls, dropout=0.0):
        return CharCnnConfig(embedding_size=6, width=16, dropout=dropout)

    @classmethod
    def small_inputs(cls, shape, draw):
        lengths = draw.integers(1, 9, shape)[:, :, None]
        ids = draw.integers(1, cls.small().num_characters, (*shape, 8), np.int32)
        return {"character_ids": ids * (np.arange(8) < lengths).astype(np.int32)}
