"""Ma & Hovy's vectors of characters, against the convolution written out."""

import numpy as np
import small_models
import tensorflow as tf

from bertline.modeling.encoders.composed.stacked import Stacked, StackedConfig


def vector(characters, weights, window):
    """Of one word; the neighbours beyond its ends are zeros."""
    table, kernel, bias = (weights[f"char_cnn/{name}"] for name in ("character_embeddings", "kernel", "bias"))
    real = [table[i] for i in characters if i]
    if not real:
        return np.zeros(kernel.shape[1])
    zeros = [np.zeros(table.shape[1])]
    padded = zeros * ((window - 1) // 2) + real + zeros * (window // 2)
    filtered = [np.concatenate(padded[i : i + window]) @ kernel + bias for i in range(len(real))]
    return np.max(filtered, axis=0)


def test_the_largest_number_of_each_filter_over_a_word():
    for window in (3, 4):
        encoder, batch = small_models.encoder("char_cnn", window=window), small_models.inputs("char_cnn", (3, 2))
        batch["character_ids"][0, 1] = 0
        weights = {name: variable.numpy() for name, variable in encoder.named_weights().items()}
        expected = [[vector(word, weights, window) for word in row] for row in batch["character_ids"]]
        np.testing.assert_allclose(encoder(batch)["sequence_output"], expected, atol=1e-5)


def test_beside_word_vectors_below_a_bilstm():
    words = {"model_type": "static_vectors", "vocab_size": 60, "width": 6}
    characters = small_models.config("char_cnn").to_dict()
    config = StackedConfig(parts=[words, characters], top={"model_type": "bilstm", "units": 5})
    assert config.layout == "plain_characters" and config.id_limits()["character_ids"] == ("num_characters", 259)
    encoder = Stacked(config)
    encoder.build()
    small_models.randomize(encoder)
    batch = {**small_models.features((4, 2)), **small_models.inputs("char_cnn", (4, 2))}
    mixed = tf.concat([part(batch)["sequence_output"] for part in encoder.parts], axis=-1)
    expected = encoder.top({"input_vectors": mixed, "input_mask": batch["input_mask"]})["sequence_output"]
    np.testing.assert_allclose(encoder(batch)["sequence_output"], expected, atol=1e-6)


def test_beside_bert_its_layout_has_special_tokens():
    characters = {**small_models.config("char_cnn").to_dict(), "layout": "packed_characters"}
    assert StackedConfig(parts=[small_models.SIZES, characters]).layout == "packed_characters"
