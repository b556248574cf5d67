"""An encoder that reads documents by windows: each window by itself, and their vectors become the document's."""

import typing

import tensorflow as tf

from bertline.modeling.encoder import Encoder
from bertline.modeling.layers.window_pooling import WindowPooling

LENGTHS = "window_lengths"


class WindowsEncoder(Encoder):
    """What an objective reads in the place of an encoder: `pooled_output` [B, H] of B documents, and nothing else.

    Features: those of the encoder for all windows of a document, one after the other, [B, T], and `window_lengths`
    int32 [B, W], the tokens of each; 0 of windows that a document has not. The encoder sees the windows that are there
    alone, [windows, longest window].

    Its questions are answered by the encoder, whose weights it has; those of the pooling belong to the head.

    Args:
      encoder: an Encoder.
      pooling: "mean", "max" or "learned".
    """

    rows_layout = "windows"

    def __init__(self, encoder: Encoder, pooling: str):
        super().__init__(encoder.config, name=encoder.name, dtype=encoder.dtype_policy)
        if not encoder.built:
            encoder.build()
        self.encoder = encoder
        self.remove_padding, self.rematerialize = encoder.remove_padding, encoder.rematerialize
        self.optional_weights, self.is_causal = encoder.optional_weights, encoder.is_causal
        self.pooling = WindowPooling(pooling, encoder.width)
        self.built = True

    def call(self, features, dropout_key=None, positions=None, all_layers=False, training=False):
        """See base class. Of `positions` and `all_layers` nothing is there to give: they are left alone."""
        windows = split(features, ("input_mask", *self.config.id_limits()))
        # No token's state is needed but the pooled one.
        none = tf.zeros([tf.shape(windows.places)[0], 0], tf.int32)
        vectors = self.encoder(windows.features, dropout_key=dropout_key, positions=none)["pooled_output"]
        shape = [*tf.unstack(tf.shape(windows.mask)), self.width]
        vectors = tf.scatter_nd(windows.places, tf.cast(vectors, tf.float32), tf.stack(shape))
        return {"pooled_output": self.pooling(tf.ensure_shape(vectors, [None, None, self.width]), windows.mask)}

    def blocks(self):
        return self.encoder.blocks()

    def output_table(self):
        return self.encoder.output_table()

    def input_table(self):
        return self.encoder.input_table()

    def attention_layers(self):
        return self.encoder.attention_layers()

    def layer_mixes(self):
        return self.encoder.layer_mixes()

    def initial_weights(self):
        return self.encoder.initial_weights()

    def named_weights(self):
        return self.encoder.named_weights()

    def huggingface_names(self):
        return self.encoder.huggingface_names()


class Windows(typing.NamedTuple):
    """Attributes:
    features: name -> [windows, longest window], padding 0.
    places: int32 [windows, 2], the document of each window and its number there.
    mask: bool [B, W], which windows are there.
    """

    features: dict[str, tf.Tensor]
    places: tf.Tensor
    mask: tf.Tensor


def split(features: dict[str, tf.Tensor], names: typing.Iterable[str]) -> Windows:
    """The windows of B documents.

    Args:
      features: see WindowsEncoder. names: those that run along the tokens; what is not there is left out.
    """
    lengths = tf.cast(features[LENGTHS], tf.int32)  # [B, W]
    is_first = tf.range(tf.shape(lengths)[1]) == 0  # the first one is there, even without a token
    mask = (lengths > 0) | is_first
    places = tf.cast(tf.where(mask), tf.int32)
    starts = tf.boolean_mask(tf.cumsum(lengths, axis=1, exclusive=True), mask)
    lengths = tf.boolean_mask(lengths, mask)
    offsets = tf.range(tf.maximum(1, tf.reduce_max(lengths)))
    inside = offsets < lengths[:, None]  # [windows, longest window]
    tokens = tf.shape(features["input_mask"])[1]
    flat = tf.where(inside, places[:, :1] * tokens + starts[:, None] + offsets, 0)
    found = {}
    for name in names:
        if name in features:
            values = tf.gather(tf.reshape(features[name], [-1]), flat)
            found[name] = values * tf.cast(inside, values.dtype)
    return Windows(found, places, mask)
