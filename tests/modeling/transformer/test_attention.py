"""Attention probabilities against transformers' output_attentions."""

import numpy as np
import pytest
from odd_texts import mixed_texts
from small_classifiers import classifier_folder

from bertline.errors import InputError
from bertline.serving import Predictor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("model"))


@pytest.mark.slow
def test_as_transformers(folder):
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    peer = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    predictor = Predictor(folder)
    texts = [text for text in mixed_texts(20, seed=3) if not set("[Σ") & set(text)]  # as in test_predictor.py
    for text in [*texts, "", ("a b", "c d e"), ("a " * 60, "b " * 50)]:
        tokens, _ = predictor.attention(text, 0)
        ids = torch.tensor([predictor.tokenizer.convert_tokens_to_ids(tokens)])
        separators = np.cumsum(np.array(tokens) == "[SEP]")
        segments = torch.tensor(np.concatenate([[0], np.minimum(separators[:-1], 1)])[None])
        with torch.no_grad():
            expected = peer(ids, token_type_ids=segments, output_attentions=True).attentions
        assert len(expected) == 2
        for layer, probabilities in enumerate(expected):
            again, found = predictor.attention(text, layer)
            assert again == tokens and found.dtype == np.float32
            np.testing.assert_allclose(found, probabilities[0].numpy(), atol=1e-5)


def test_it_is_what_the_encoder_attends_with(folder):
    """The weighted sum of the values by these probabilities is what the encoder's own attention gives."""
    import tensorflow as tf

    from bertline.modeling.speed.unpadding import Unpadding
    from bertline.modeling.transformer.attention_masks import MASKED_SCORE

    predictor = Predictor(folder)
    encoder, width = predictor._encoder, predictor.config.hidden_size
    tokens, found = predictor.attention("a b c, fed", 1)
    ids = tf.constant([predictor.tokenizer.convert_tokens_to_ids(tokens)])
    features = {"input_ids": ids, "input_mask": tf.ones_like(ids), "segment_ids": tf.zeros_like(ids)}
    states = encoder(features, all_layers=True)["all_layers"][1][0]
    layer, unpadding = encoder.attention_layers()[1], Unpadding(features["input_mask"], False)
    context = layer._attend(states, unpadding, tf.zeros([1, 1, 1, len(tokens)]) * MASKED_SCORE, None, None)
    values = tf.reshape(layer.value(states), [len(tokens), 2, width // 2])
    expected = tf.reshape(tf.einsum("hij,jhd->ihd", found, values), [len(tokens), width])
    np.testing.assert_allclose(context, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(dtype, folder):
    tokens, found = Predictor(folder, dtype=dtype).attention("a b c", 1)
    expected_tokens, expected = Predictor(folder).attention("a b c", 1)
    assert tokens == expected_tokens and found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.1
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=1e-5)


@pytest.mark.parametrize("layer", [-1, 2])
def test_no_such_layer(layer, folder):
    with pytest.raises(InputError, match=f"no layer {layer}; the model has 2, 0 to 1"):
        Predictor(folder).attention("a", layer)
