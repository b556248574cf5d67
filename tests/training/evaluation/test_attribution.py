"""gradient x input of tokens: as torch computes it of the vectors of words, and back at the characters of texts."""

import re

import keras
import numpy as np
import pytest
import small_classifiers

from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.modeling.objectives.classification.sequence_classification import SequenceClassification
from bertline.modeling.objectives.sentence_vectors.similarity_regression import SimilarityRegression
from bertline.processors.base import InputExample
from bertline.processors.layouts import base as layouts
from bertline.training.evaluation import attribution
from bertline.training.reporting.page.coloured_text import Colours
from bertline.weights.load_save import save_huggingface

TEXTS = [("fed ab", None), ("a fed. b c d e", "fed g"), ("x", "y z"), ("fed fed a b c d e f g h", "i j k l m")]
WEIGHTS = np.array([[1, -1, 0], [0, 1, -1], [0.5, 0, 0], [-1, 0, 1]], np.float32)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return small_classifiers.letters(tmp_path_factory.mktemp("letters") / "vocab.txt")


@pytest.fixture(scope="module")
def objective(tokenizer):
    keras.utils.set_random_seed(5)
    made = SequenceClassification(Bert(BertConfig(vocab_size=tokenizer.vocab_size, **small_classifiers.CONFIG)), 3)
    made.classifier.output_weights.assign(keras.random.normal([3, 32], seed=2))
    return made


@pytest.fixture(scope="module")
def layout(objective, tokenizer):
    return layouts.own_layout(objective.encoder.config, tokenizer, 16)


def examples():
    return [InputExample(f"r-{i}", *pair) for i, pair in enumerate(TEXTS)]


@pytest.mark.slow
def test_shares_are_those_of_torch(objective, tokenizer, layout, tmp_path, monkeypatch):
    """In batches of different lengths."""
    pytest.importorskip("transformers")
    import torch
    from transformers import BertForSequenceClassification

    monkeypatch.setattr(attribution, "TOKENS_AT_ONCE", 40)
    save_huggingface(objective, tmp_path, tokenizer, {"id2label": {0: "a", 1: "b", 2: "c"}})
    model = BertForSequenceClassification.from_pretrained(tmp_path).eval()
    rows = [row for [row] in layout.features(examples())]
    found = attribution.token_shares(objective, layout, rows, WEIGHTS)
    for row, weights, shares in zip(rows, WEIGHTS, found):
        vectors = model.bert.embeddings.word_embeddings(torch.tensor(row["input_ids"][None].astype(np.int64))).detach()
        vectors.requires_grad_(True)
        segments = torch.tensor(row["segment_ids"][None].astype(np.int64))
        (model(inputs_embeds=vectors, token_type_ids=segments).logits[0] @ torch.tensor(weights)).backward()
        expected = (vectors * vectors.grad).sum(-1)[0].detach().numpy()
        np.testing.assert_allclose(shares["tokens"], expected, atol=2e-5)


def colours_of(texts):
    """(class, text) of all that is coloured in each text, and the texts without markup."""
    marks = [[re.findall(r'<b class="(\w\d)">(.*?)</b>', text) for text in row] for row in texts]
    return marks, [[re.sub("<.*?>", "", text) for text in row] for row in texts]


def test_words_have_the_colour_of_their_share(objective, layout):
    marks, plain = colours_of(Colours(objective, layout).texts(examples(), WEIGHTS))
    assert plain == [[text for text in pair if text is not None] for pair in TEXTS]
    rows = [row for [row] in layout.features(examples())]
    shares = attribution.token_shares(objective, layout, rows, WEIGHTS)[0]["tokens"][1:-1]  # fed a ##b, no [CLS], [SEP]
    expected = [("p" if one > 0 else "n") + str(int(np.ceil(abs(one) / np.abs(shares).max() * 4))) for one in shares]
    least = np.abs(shares) / np.abs(shares).max() >= 0.1
    assert marks[0][0] == [pair for pair, is_seen in zip(zip(expected, ["fed", "a", "b"]), least) if is_seen]
    # The last pair is longer than a row: what was cut has no colour.
    assert sum(len(text) for _, text in marks[3][0] + marks[3][1]) <= 13 + 2 * 2


def test_texts_that_are_read_apart_have_colours_each(objective, tokenizer):
    pair = SimilarityRegression(objective.encoder)
    layout = layouts.make(pair.layout, layouts.own_layout(pair.encoder.config, tokenizer, 16))
    there = examples()[1:3]
    turned = [InputExample(one.guid, one.text_b, one.text_a) for one in there]
    found, other = (
        attribution.token_shares(pair, layout, [row for [row] in layout.features(some)], np.ones([2, 1]))
        for some in (there, turned)
    )
    for one, back in zip(found, other):  # a similarity knows no order
        assert set(one) == {"a_tokens", "b_tokens"}
        np.testing.assert_allclose(one["a_tokens"], back["b_tokens"], atol=1e-5)
        np.testing.assert_allclose(one["b_tokens"], back["a_tokens"], atol=1e-5)
    marks, plain = colours_of(Colours(pair, layout).texts(there, np.ones([2, 1])))
    assert all(map(any, marks)) and plain == [list(pair) for pair in TEXTS[1:3]]


def test_an_encoder_that_says_nothing_leaves_texts_as_they_are(objective, layout, monkeypatch, caplog):
    monkeypatch.setattr(Bert, "scales_tokens", False)
    marks, plain = colours_of(Colours(objective, layout).texts(examples(), WEIGHTS))
    assert not any(mark for row in marks for mark in row) and plain[1] == list(TEXTS[1]) and not caplog.text
    monkeypatch.setattr(Bert, "scales_tokens", True)
    marks, _ = colours_of(
        Colours(None, layout).texts(examples(), WEIGHTS)
    )  # whatever fails is no reason to have no page
    assert not any(mark for row in marks for mark in row) and "no colours" in caplog.text
