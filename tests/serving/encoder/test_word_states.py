"""States of words in their sentences, of every encoder: what it gives by itself for the same rows."""

import numpy as np
import pytest

from bertline import registry
from bertline.processors.base import TaggedWords
from bertline.processors.layouts import base as layouts
from bertline.serving.encoder.word_states import WordStates

SENTENCES = [("a", "bc", "d"), ("dd",), ("c", "a", "b", "a", "c")]


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names("encoder"))
def test_every_encoder_gives_states_of_words(tiny_folder, name):
    words = WordStates(tiny_folder(name), max_seq_length=16)
    options = words.options("word", "mean", (-1,), "none", False)
    found = words.states(SENTENCES, options)
    layout = layouts.make("words", words.layout)
    for sentence, states in zip(SENTENCES, found, strict=True):
        [[row]] = layout.features([TaggedWords("s", sentence)])
        batch = {key: np.asarray(array)[None] for key, array in row.items()}
        masks = [key for key in layout.spec if key.endswith("input_mask")]
        batch |= {key: np.ones_like(batch[key.replace("mask", "ids")]) for key in masks}
        expected = words._encoder(batch)["sequence_output"].numpy()[0][row["word_positions"]]
        np.testing.assert_allclose(states, expected, atol=5e-6)


def test_layers_are_mixed(tiny_folder):
    words = WordStates(tiny_folder(), max_seq_length=16)
    options = [
        words.options("word", "mean", layers, mix, False) for layers, mix in [((-1,), "none"), ((-1, -2), "mean")]
    ]
    last, mean = (words.states(SENTENCES, one) for one in options)
    below = words.states(SENTENCES, words.options("word", "mean", (-2,), "none", False))
    for one, other, expected in zip(last, below, mean, strict=True):
        np.testing.assert_allclose((one + other) / 2, expected, atol=1e-5)
