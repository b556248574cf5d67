"""A table of word vectors: each token's vector, wherever it stands (word2vec, GloVe, fastText)."""

import dataclasses
import typing

import tensorflow as tf

from bertline import registry
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers import pooling
from bertline.modeling.layers.dense import initializer, rows_of
from bertline.modeling.layers.dropout import dropout
from bertline.modeling.layers.token_scales import scale_tokens


@dataclasses.dataclass
class StaticVectorsConfig(EncoderConfig):
    """Sizes of the table.

    `trainable`: whether training moves the table; where it does not, no optimizer keeps slots for it.
    `dropout`: a rate, of the numbers of the vectors. `layout`: of `bertline.processors.layouts`, "packed" where texts
    have special tokens around them.
    """

    model_type: typing.ClassVar[str] = "static_vectors"
    num_layers: typing.ClassVar[int] = 0

    vocab_size: int
    width: int = 300
    trainable: bool = True
    dropout: float = 0.0
    layout: str = "plain"

    def __post_init__(self):
        self.check_counts("vocab_size", "width")
        self.check_rates()

    def num_parameters(self):
        return self.vocab_size * self.width

    def id_limits(self):
        return {"input_ids": ("vocab_size", self.vocab_size)}


@registry.register("encoder", "static_vectors")
class StaticVectors(Encoder):
    """features -> vectors; see `Encoder` for the outputs.

    Features: input_ids, input_mask, int32 [B, T]. `pooled_output` is the mean over the real tokens.

    Args:
      config: a StaticVectorsConfig.
    """

    config_class = StaticVectorsConfig
    is_causal = True
    scales_tokens = True

    def __init__(self, config, name="static_vectors", **kwargs):
        super().__init__(config, name=name, **kwargs)

    def build(self, input_shape=None):
        # autocast=False: rows are gathered first and cast then, never the whole table.
        self.word_embeddings = self.add_weight(
            name="word_embeddings",
            shape=(self.config.vocab_size, self.width),
            initializer=initializer(self.config.stddev),
            trainable=self.config.trainable,
            autocast=False,
        )
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        ids, mask = (tf.cast(features[name], tf.int32) for name in ("input_ids", "input_mask"))
        key = self.key_of(dropout_key, training)
        rows = tf.cast(rows_of(self.word_embeddings, ids), self.compute_dtype)  # [B, T, W]
        rows = scale_tokens(rows, features)
        rows = dropout(rows, self.config.dropout, key.child(0) if key is not None else None)
        mean = pooling.pool(tf.cast(rows, tf.float32)[:, :, None], mask, "mean")[:, 0]
        result = {
            "sequence_output": rows if positions is None else tf.gather(rows, positions, batch_dims=1),
            "pooled_output": tf.cast(mean, rows.dtype),
        }
        return {**result, "all_layers": [rows]} if all_layers else result

    def input_table(self):
        return self.word_embeddings

    def output_table(self):
        return self.word_embeddings

    @classmethod
    def small(cls, dropout=0.0):
        return StaticVectorsConfig(vocab_size=60, width=16, dropout=dropout)
