"""A bidirectional LSTM over word embeddings, or over the vectors of the encoders below it.

Source: Graves & Schmidhuber 2005, https://doi.org/10.1016/j.neunet.2005.06.042; masks of dropout as in Gal & Ghahramani
2015, https://arxiv.org/abs/1512.05287.
"""

import dataclasses
import typing

import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers.dense import initializer, rows_of
from bertline.modeling.layers.dropout import dropout, same_mask
from bertline.modeling.layers.recurrent import BidirectionalLSTM
from bertline.modeling.layers.token_scales import scale_tokens


@dataclasses.dataclass
class BilstmConfig(EncoderConfig):
    """Sizes and rates.

    `vocab_size`: of the table of embeddings; None: there is none, the encoder stands on top of others.
    `units`: of one direction. Each `..._dropout` is a rate: of what goes into the first layer, of the recurrent
    weights, of what goes from layer to layer, and of what comes out; masks are the same at all steps of a sequence.
    `layout`: of `bertline.processors.layouts`, "packed" where texts have special tokens around them.
    """

    model_type: typing.ClassVar[str] = "bilstm"

    vocab_size: int | None = None
    embedding_size: int = 100
    units: int = 100
    num_layers: int = 1
    input_dropout: float = 0.0
    weight_dropout: float = 0.0
    hidden_dropout: float = 0.0
    output_dropout: float = 0.0
    layout: str = "plain"

    def __post_init__(self):
        self.check_counts("vocab_size", "embedding_size", "units", "num_layers")
        self.check_rates()

    @property
    def width(self):
        return 2 * self.units

    def layer_widths(self):
        return [self.embedding_size] + [self.width] * self.num_layers

    def id_limits(self):
        return {} if self.vocab_size is None else {"input_ids": ("vocab_size", self.vocab_size)}


@registry.register("encoder", "bilstm")
class Bilstm(Encoder):
    """features -> hidden states, forward beside backward; see `Encoder` for the outputs.

    Features: input_ids, input_mask, int32 [B, T]; without a vocabulary input_vectors [B, T, D] in the place of the ids.
    `vectors_above_<k>` [B, T, E] go into layer k + 1 beside what layer k gives, where it was built for them.
    `pooled_output` is what each direction ends with: the forward state of the last real token beside the backward one
    of the first. `all_layers` are [B, T, embedding_size] (or D), then [B, T, 2 * units].

    Args:
      config: a BilstmConfig.
    """

    config_class = BilstmConfig
    scales_tokens = True
    takes_vectors_between = True

    def __init__(self, config, name="bilstm", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.lstms = [
            BidirectionalLSTM(config.units, name=f"layer_{i}", dtype=self.dtype_policy)
            for i in range(config.num_layers)
        ]

    def build(self, input_width=None, widths_between=None):
        config, between = self.config, widths_between or {}
        if config.vocab_size is not None:
            input_width = config.embedding_size
            # autocast=False: rows are gathered first and cast then, never the whole table.
            self.word_embeddings = self.add_weight(
                name="word_embeddings",
                shape=(config.vocab_size, input_width),
                initializer=initializer(config.stddev),
                autocast=False,
            )
        elif input_width is None:
            raise InputError("a bilstm that stands alone needs a vocab_size; without one it is the top of a stacked")
        for i, lstm in enumerate(self.lstms):
            lstm.build(input_width + between.get(i, 0))
            input_width = self.width
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        config, key = self.config, self.key_of(dropout_key, training)
        part = (lambda index: key.child(index)) if key is not None else lambda index: None
        states = [same_mask(self._inputs(features), config.input_dropout, part(0))]
        for i, lstm in enumerate(self.lstms):
            kernels = [
                dropout(tf.convert_to_tensor(one.recurrent_kernel), config.weight_dropout, part(10 * i + 10 + j))
                for j, one in enumerate(lstm.directions)
            ]
            real = tf.cast(features["input_mask"], tf.int32) > 0
            above = features.get(f"vectors_above_{i}")
            inputs = states[-1] if above is None else tf.concat([states[-1], tf.cast(above, states[-1].dtype)], axis=-1)
            outputs, (ends, _) = lstm(inputs, real=real, recurrent_kernels=kernels)
            rate = config.output_dropout if i == len(self.lstms) - 1 else config.hidden_dropout
            states.append(same_mask(outputs, rate, part(10 * i + 12)))
        outputs = states[-1]
        result = {
            "sequence_output": outputs if positions is None else tf.gather(outputs, positions, batch_dims=1),
            "pooled_output": same_mask(ends[:, None], config.output_dropout, part(1))[:, 0],
        }
        return {**result, "all_layers": states} if all_layers else result

    def _inputs(self, features):
        """[B, T, D]."""
        if self.config.vocab_size is None:
            return tf.cast(features["input_vectors"], self.compute_dtype)
        rows = rows_of(self.word_embeddings, tf.cast(features["input_ids"], tf.int32))
        return scale_tokens(tf.cast(rows, self.compute_dtype), features)

    def blocks(self):
        table = [] if self.config.vocab_size is None else [f"^{self.path}/word_embeddings"]
        return [*table, *(f"^{self.path}/layer_{i}/" for i in range(self.num_layers))]

    def input_table(self):
        return None if self.config.vocab_size is None else self.word_embeddings

    @classmethod
    def small(cls, dropout=0.0):
        rates = {field.name: dropout for field in dataclasses.fields(BilstmConfig) if field.name.endswith("_dropout")}
        return BilstmConfig(vocab_size=60, embedding_size=12, units=8, num_layers=2, **rates)
