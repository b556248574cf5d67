"""AWD-LSTM: a stack of LSTMs with dropped recurrent weights and masks that stay the same over a sequence.

Source: Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 4; sizes and rates as in Howard & Ruder 2018.
"""

import dataclasses
import typing

import keras
import tensorflow as tf

from bertline import registry
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers import pooling
from bertline.modeling.layers.dense import rows_of
from bertline.modeling.layers.dropout import dropout, same_mask
from bertline.modeling.layers.recurrent import LSTM
from bertline.modeling.layers.token_scales import scale_tokens


@dataclasses.dataclass
class AwdLstmConfig(EncoderConfig):
    """Sizes and rates; the top layer is as wide as the embeddings, so that a softmax can be tied to them.

    Each `..._dropout` is a rate: of words (whole rows of the table), of what goes into the first layer, of the
    recurrent weights, of what goes from layer to layer, and of what comes out.
    """

    model_type: typing.ClassVar[str] = "awd_lstm"

    vocab_size: int
    embedding_size: int = 400
    hidden_size: int = 1152
    num_layers: int = 3
    embedding_dropout: float = 0.02
    input_dropout: float = 0.25
    weight_dropout: float = 0.2
    hidden_dropout: float = 0.15
    output_dropout: float = 0.1

    def __post_init__(self):
        self.check_counts("vocab_size", "embedding_size", "hidden_size", "num_layers")
        self.check_rates()

    @property
    def width(self):
        return self.embedding_size

    def layer_widths(self):
        return [self.embedding_size, *[self.hidden_size] * (self.num_layers - 1), self.embedding_size]

    def id_limits(self):
        return {"input_ids": ("vocab_size", self.vocab_size)}


@registry.register("encoder", "awd_lstm")
class AwdLstm(Encoder):
    """features -> hidden states; see `Encoder` for the outputs. Causal: a token's state knows those before it alone.

    Features: input_ids, input_mask, int32 [B, T]. `pooled_output` is the state of the last real token. `all_layers` are
    [B, T, E], then [B, T, hidden_size] but for the top one. The state that is carried is that of every layer.

    Args:
      config: an AwdLstmConfig.
    """

    config_class = AwdLstmConfig
    is_causal = True
    scales_tokens = True

    def __init__(self, config, name="awd_lstm", **kwargs):
        super().__init__(config, name=name, **kwargs)
        sizes = [config.hidden_size] * (config.num_layers - 1) + [config.embedding_size]
        self.lstms = [LSTM(size, name=f"layer_{i}", dtype=self.dtype_policy) for i, size in enumerate(sizes)]

    def build(self, input_shape=None):
        # autocast=False: rows are gathered first and cast then, never the whole table.
        self.word_embeddings = self.add_weight(
            name="word_embeddings",
            shape=(self.config.vocab_size, self.width),
            initializer=keras.initializers.RandomUniform(-0.1, 0.1),
            autocast=False,
        )
        width = self.width
        for lstm in self.lstms:
            lstm.build(width)
            width = lstm.units
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, state=None, training=False):
        config, key = self.config, self.key_of(dropout_key, training)
        ids, mask = (tf.cast(features[name], tf.int32) for name in ("input_ids", "input_mask"))
        part = (lambda index: key.child(index)) if key is not None else lambda index: None
        words = scale_tokens(self._embed(ids, part(0)), features)
        states = [same_mask(words, config.input_dropout, part(1))]
        carried = []
        for i, lstm in enumerate(self.lstms):
            weight = dropout(tf.convert_to_tensor(lstm.recurrent_kernel), config.weight_dropout, part(10 * i + 10))
            before = state[i] if state is not None else None
            outputs, after = lstm(states[-1], real=mask > 0, state=before, recurrent_kernel=weight)
            rate = config.output_dropout if i == len(self.lstms) - 1 else config.hidden_dropout
            states.append(same_mask(outputs, rate, part(10 * i + 11)))
            carried.append(after)
        outputs = states[-1]
        result = {
            "sequence_output": outputs if positions is None else tf.gather(outputs, positions, batch_dims=1),
            "pooled_output": pooling.last(outputs, mask),
            "state": tuple(carried),
        }
        return {**result, "all_layers": states} if all_layers else result

    def _embed(self, ids, key):
        """[B, T, E]; a word that is dropped is dropped wherever it stands in the batch."""
        rows = tf.cast(rows_of(self.word_embeddings, ids), self.compute_dtype)
        if key is None or not self.config.embedding_dropout:
            return rows
        kept = dropout(tf.ones([self.config.vocab_size]), self.config.embedding_dropout, key)
        return rows * tf.cast(tf.gather(kept, ids), rows.dtype)[:, :, None]

    def zero_state(self, lanes):
        return tuple(lstm.zero_state(lanes) for lstm in self.lstms)

    def blocks(self):
        return [f"^{self.path}/word_embeddings", *(f"^{self.path}/layer_{i}/" for i in range(self.num_layers))]

    def output_table(self):
        return self.word_embeddings

    @classmethod
    def small(cls, dropout=0.0):
        rates = {field.name: dropout for field in dataclasses.fields(AwdLstmConfig) if field.name.endswith("_dropout")}
        return AwdLstmConfig(vocab_size=60, embedding_size=16, hidden_size=12, num_layers=3, **rates)
