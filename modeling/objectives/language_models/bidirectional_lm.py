"""A language model in both directions: each word is predicted from those before it, and from those behind it.

Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.1; Jozefowicz et al. 2016,
https://arxiv.org/abs/1602.02410 (sampled softmax); https://github.com/allenai/bilm-tf, `bilm/training.py`.
"""

import math

import keras
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.layers import sampled_softmax, vocabulary_softmax
from bertline.modeling.objective import Objective
from bertline.options import Option

BACKWARD = "backward_"
MOST_LOGITS, ROWS_AT_ONCE = 1 << 27, 4096  # of the full softmax at once, where the vocabulary is larger than for these


@registry.register("objective", "bidirectional_lm")
class BidirectionalLM(Objective):
    """One softmax over the vocabulary for both directions, sampled in training and full in evaluation.

    The loss is the mean of both directions'. Its gradient is taken times the steps of a batch, as bilm-tf has it:
    what Adagrad and the clipping of gradients see depends on that.

    Features: those of the encoder, next_ids int32 [B, T] and the same as backward_...; input_mask of both. Outputs:
    rows [2 * B * T, P], the states of the forward direction, then those of the backward one; state; in training with a
    sample sampled_softmax.Sample.

    Args:
      encoder: one that reads both ways apart (`read_both_ways`), whose configuration has a vocab_size.
      share_embedding_softmax: use the encoder's table of words as that of the softmax.
      num_sampled: words that a step's softmax is over, about, beside those that are right; 0: all words.

    Raises:
      InputError: another encoder, or one without a table to share.
    """

    options = {
        "num_sampled": Option(
            8192,
            "Words that the softmax of a training step is over, about, beside the right ones; 0: all.",
            least=0,
            most=1_000_000_000,
        ),
        "share_embedding_softmax": Option(
            False,
            "Predict words by the table in which the encoder looks them up; a checkpoint that says so goes on so.",
        ),
    }
    measures = {"forward_loss": "loss", "backward_loss": "loss"}
    corpus = "sentence_stream"
    reads_pooled_output = False
    carries_state = True
    huggingface_heads = {"lm/softmax/W": ("lm.softmax.W", False), "lm/softmax/b": ("lm.softmax.b", False)}
    rows_of_tokens = ("lm/softmax/W", "lm/softmax/b")
    options_of_weights = ("share_embedding_softmax",)

    def __init__(self, encoder, share_embedding_softmax=False, num_sampled=8192, **kwargs):
        super().__init__(encoder, name="bidirectional_lm", **kwargs)
        if not hasattr(encoder, "read_both_ways"):
            raise InputError(
                f"--objective=bidirectional_lm: the encoder {encoder.config.model_type} does not read both directions "
                "apart; elmo does"
            )
        self.num_words, self._shares = encoder.config.vocab_size, share_embedding_softmax
        if self.num_words is None:
            raise InputError("--objective=bidirectional_lm: the configuration says no vocab_size; --vocab_file has one")
        if share_embedding_softmax and encoder.output_table() is None:
            raise InputError(
                "--share_embedding_softmax: the encoder has no table of words, it makes them of their characters; "
                'leave the flag out, or give a configuration with "filters": null'
            )
        width = encoder.config.projection_size
        self.softmax = _Softmax(name="softmax", dtype="float32")
        with keras.name_scope(self.name), keras.name_scope("lm"):
            self.softmax.build((self.num_words, None if share_embedding_softmax else width))
        self.sampler = None
        if num_sampled:
            # How many of some draws are different no static shape knows.
            self.sampler = sampled_softmax.LogUniform(self.num_words, num_sampled, unique=encoder.remove_padding)

    @property
    def table(self):
        """The variable [V, P]."""
        return self.table_of_words() if self._shares else self.softmax.kernel

    def call(self, features, dropout_key=None, state=None, training=False):
        encoder = self.encoder
        [name] = encoder.config.id_limits()
        both = tf.concat([features[name], features[BACKWARD + name]], axis=0)
        inputs = tf.split(encoder.vectors_of(tf.cast(both, tf.int32)), 2)
        real = tf.cast(features["input_mask"], tf.int32) > 0
        layers, state = encoder.read_both_ways(inputs, (real, real), state, encoder.key_of(dropout_key, training))
        rows = tf.reshape(tf.concat(layers[-1], axis=0), [-1, encoder.config.projection_size])
        outputs = {"rows": rows, "state": state}
        if self.sampler is not None and dropout_key is not None:
            outputs["sample"] = self.sampler.draw(dropout_key.child(-1))
        return outputs

    def zero_state(self, lanes):
        return self.encoder.zero_state(lanes)

    def loss_weights(self, features):
        return {"loss": tf.cast(features["input_mask"], tf.float32)}

    def losses(self, features, outputs):
        """The mean loss of both directions, and each one's: float32 [B, T]."""
        following = features["next_ids"]
        labels = tf.reshape(tf.concat([following, features[BACKWARD + "next_ids"]], axis=0), [-1])
        losses = _times_in_gradient(self._losses_of(outputs, labels), tf.shape(following)[1])
        forward, backward = tf.unstack(tf.reshape(losses, [2, *tf.unstack(tf.shape(following))]))
        return {"loss": 0.5 * (forward + backward), "forward_loss": forward, "backward_loss": backward}

    def _losses_of(self, outputs, labels):
        if "sample" in outputs:
            return sampled_softmax.cross_entropy(
                outputs["rows"], self.table, self.softmax.bias, labels, outputs["sample"], self.sampler
            )

        def full(part):
            return vocabulary_softmax.cross_entropy(part[0], self.table, self.softmax.bias, part[1])[0]

        rows, at_once = outputs["rows"], MOST_LOGITS // self.num_words
        if at_once >= ROWS_AT_ONCE:
            return full((rows, labels))
        count = tf.shape(rows)[0]
        parts = -(-count // at_once)
        padded = [
            tf.pad(one, [[0, parts * at_once - count], *[[0, 0]] * (one.shape.rank - 1)]) for one in (rows, labels)
        ]
        parts = [tf.reshape(one, [parts, at_once, *one.shape[1:]]) for one in padded]
        return tf.reshape(tf.map_fn(full, tuple(parts), fn_output_signature=tf.float32), [-1])[:count]

    def summary(self, means):
        """Adds the perplexity of a word, of each direction and of both."""
        found = super().summary(means)
        of = {"perplexity": found["loss"]}
        of |= {name.replace("loss", "perplexity"): found[name] for name in self.measures if name in found}
        return {**found, **{name: math.exp(min(loss, 700.0)) for name, loss in of.items()}}

    def saved_options(self):
        return {"share_embedding_softmax": self._shares}

    def predictions(self, outputs):
        return {}


class _Softmax(keras.layers.Layer):
    """Weights W [V, P], unless P is None, and b [V]; named as in bilm-tf."""

    def build(self, shape):
        words, width = shape
        if width is not None:
            self.kernel = self.add_weight(
                name="W",
                shape=(words, width),
                initializer=keras.initializers.RandomNormal(0.0, width**-0.5),
                autocast=False,
            )
        self.bias = self.add_weight(name="b", shape=(words,), initializer="zeros", autocast=False)
        self.built = True


@tf.custom_gradient
def _times_in_gradient(values, times):
    """The values; their gradient is so many times what it would be."""
    return tf.identity(values), lambda upstream: (upstream * tf.cast(times, upstream.dtype), None)
