"""An encoder of somebody else's: word embeddings under one LSTM."""

import dataclasses
import typing

import tensorflow as tf

from bertline import registry
from bertline.modeling.configuration.config import EncoderConfig
from bertline.modeling.encoder import Encoder
from bertline.modeling.layers.dense import initializer
from bertline.modeling.layers.recurrent import LSTM


@dataclasses.dataclass
class StrangeConfig(EncoderConfig):
    """Its sizes have names of its own."""

    model_type: typing.ClassVar[str] = "strange_lstm"
    num_layers: typing.ClassVar[int] = 1

    words: int
    units: int = 24

    @property
    def width(self):
        return self.units

    def id_limits(self):
        return {"input_ids": ("words", self.words)}


@registry.register("encoder", "strange_lstm")
class StrangeLstm(Encoder):
    """Features input_ids and input_mask."""

    config_class = StrangeConfig

    def __init__(self, config, name="strange_lstm", **kwargs):
        super().__init__(config, name=name, **kwargs)
        self.lstm = LSTM(config.units, name="lstm", dtype=self.dtype_policy)

    def build(self, input_shape=None):
        self.table = self.add_weight(
            name="word_embeddings", shape=(self.config.words, self.width), initializer=initializer(0.1), autocast=False
        )
        self.lstm.build(self.width)
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        rows = tf.cast(tf.gather(self.table, features["input_ids"]), self.compute_dtype)
        states, (last, _) = self.lstm(rows, real=features["input_mask"] > 0)
        found = states if positions is None else tf.gather(states, positions, batch_dims=1)
        result = {"sequence_output": found, "pooled_output": last}
        return {**result, "all_layers": [rows, states]} if all_layers else result

    @classmethod
    def small(cls, dropout=0.0):
        return StrangeConfig(words=60, units=16)
