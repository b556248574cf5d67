"""The states of words in their sentences, of any encoder, by the layout that it reads.

Source: first pieces as in Devlin et al. 2018, https://arxiv.org/abs/1810.04805, section 5.3.
"""

import numpy as np
import tensorflow as tf

from bertline.modeling.layers import pooling
from bertline.modeling.objective import Objective
from bertline.processors.base import TaggedWords
from bertline.processors.labels.base import parts_of
from bertline.processors.layouts import base as layouts
from bertline.serving.encoder.text_encoder import TextEncoder
from bertline.serving.prediction.head_of_rows import HeadOfRows


class WordStates(TextEncoder):
    """An encoder that is ready for sentences of words; arguments as of TextEncoder.

    A word has the state of its first piece. A sentence longer than a row is read in windows, and each word has the
    state of the window in which it has most context.
    """

    def states(self, sentences, options):
        """list of float32 [words, W], one for each sentence.

        Args:
          sentences: list of tuples of str.
          options: VectorOptions of the unit "word", whose layers are mixed into one; they are not normalised here.
        """
        layout = layouts.make("words", self.layout)
        head = HeadOfRows(_States(self._encoder, options), _Joined(), layout, self._batch_tokens, self._at_once)
        examples = [TaggedWords(str(i), tuple(words)) for i, words in enumerate(sentences)]
        layout.check(examples)
        return head.predictions(examples)


class _States(Objective):
    """Features: those of the encoder, and word_positions int32 [B, W]. Outputs: `states` float32 [B, W, H]."""

    output_axes = {"states": "words"}

    def __init__(self, encoder, options):
        super().__init__(encoder, name="word_states")
        self._options = options

    def call(self, features, dropout_key=None, training=False):
        options, places = self._options, tf.cast(features["word_positions"], tf.int32)
        if set(options.layers) == {-1}:
            states = pooling.layer_states(self.encoder(features, positions=places), options.layers)
        else:
            layers = pooling.layer_states(self.encoder(features, all_layers=True), options.layers)
            states = [tf.gather(layer, places, batch_dims=1) for layer in layers]
        return {"states": pooling.mix_layers(states, options.layer_mix, options.mix_weights)[:, :, 0]}

    def predictions(self, outputs):
        return outputs


class _Joined:
    """The rows of a sentence one after the other."""

    def predictions(self, outputs, examples, layout, rows):
        return [np.concatenate(outputs["states"][parts]) for parts in parts_of(outputs)]
