"""States of words in their sentences, of every encoder: what it gives by itself for the same rows."""

import json

import numpy as np
import pytest
import small_models

from bertline import registry
from bertline.processors.base import TaggedWords
from bertline.processors.layouts import base as layouts
from bertline.serving.encoder.word_states import WordStates
from bertline.weights.load_save import save_huggingface

SENTENCES = [("a", "bc", "d"), ("dd",), ("c", "a", "b", "a", "c")]
LETTERS = [*"abcd", "##b", "##c", "##d"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """name -> a folder of a small encoder with a vocabulary of letters."""

    def make(name):
        place = tmp_path_factory.mktemp(name)
        # Of bytes, where it reads characters.
        encoder = small_models.encoder(name, **({"num_characters": 259} if name == "char_cnn" else {}))
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"t{i}" for i in range(60))][:60]
        save_huggingface(encoder, place)
        for part in (place, *(place / f"{prefix}vocabulary" for prefix in encoder.config.rows_apart())):
            part.mkdir(exist_ok=True)
            (part / "vocab.txt").write_text("\n".join(tokens) + "\n")
            (part / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
        return place, encoder

    return make


@pytest.mark.parametrize("name", registry.names("encoder"))
def test_every_encoder_gives_states_of_words(folder, name):
    place, encoder = folder(name)
    words = WordStates(place, max_seq_length=16)
    options = words.options("word", "mean", (-1,), "none", False)
    found = words.states(SENTENCES, options)
    layout = layouts.make("words", words.layout)
    for sentence, states in zip(SENTENCES, found, strict=True):
        [[row]] = layout.features([TaggedWords("s", sentence)])
        batch = {key: np.asarray(array)[None] for key, array in row.items()}
        masks = [key for key in layout.spec if key.endswith("input_mask")]
        batch |= {key: np.ones_like(batch[key.replace("mask", "ids")]) for key in masks}
        expected = encoder(batch)["sequence_output"].numpy()[0][row["word_positions"]]
        np.testing.assert_allclose(states, expected, atol=5e-6)


def test_layers_are_mixed(folder):
    place, _ = folder("bert")
    words = WordStates(place, max_seq_length=16)
    options = [
        words.options("word", "mean", layers, mix, False) for layers, mix in [((-1,), "none"), ((-1, -2), "mean")]
    ]
    last, mean = (words.states(SENTENCES, one) for one in options)
    below = words.states(SENTENCES, words.options("word", "mean", (-2,), "none", False))
    for one, other, expected in zip(last, below, mean, strict=True):
        np.testing.assert_allclose((one + other) / 2, expected, atol=1e-5)
