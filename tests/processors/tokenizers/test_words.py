"""Vocabularies of words against the library `tokenizers`, and texts that are cut in other ways; files and messages."""

import json
import pickle

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from bertline.errors import InputError
from bertline.processors import tokenization
from bertline.processors.layouts.packed import Packed, Plain
from bertline.processors.tokenizers.words import WordSettings, WordTokenizer

tokenizers = pytest.importorskip("tokenizers", reason="make peers")

WORDS = [
    "<pad>",
    "<unk>",
    "the",
    "parcel",
    "is",
    "late",
    ",",
    "don",
    "'",
    "t",
    "don't",
    "Paris",
    "café",
    "cafe",
    "我",
    ".",
]
SPLITS = ("basic", "white_space", "characters")
TEXTS = st.lists(st.text(), max_size=5) | st.lists(
    st.lists(st.sampled_from([*WORDS, "THE", "Late.", "unheard", "\t", "我是"])).map(" ".join), max_size=5
)


def made(split="basic", words=WORDS, **settings):
    return WordTokenizer(words, WordSettings(split, **settings))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("words", [WORDS, WORDS[2:]])
@hypothesis.given(TEXTS, st.booleans())
def test_a_batch_is_its_texts(split, words, texts, lower):
    tokenizer = made(split, words, do_lower_case=lower)
    ids, splits = tokenizer.encode_batch(texts)
    rows = [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)) for text in texts]
    assert [ids[start:end].tolist() for start, end in zip(splits, splits[1:])] == rows
    assert ids.dtype == np.int32 and splits.dtype == np.int64


def words_of_the_library(pre_tokenizer, text):
    library = tokenizers.Tokenizer(tokenizers.models.WordLevel(dict(zip(WORDS, range(len(WORDS)))), unk_token="<unk>"))
    library.pre_tokenizer = pre_tokenizer
    return library.encode(text).ids


@hypothesis.given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)) | TEXTS.map(" ".join))
def test_white_space_equals_the_library(text):
    text = "".join(char for char in text if char.isprintable())
    expected = words_of_the_library(tokenizers.pre_tokenizers.WhitespaceSplit(), text)
    assert made("white_space").encode_batch([text])[0].tolist() == expected


@hypothesis.given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)))
def test_basic_equals_the_library(text):
    expected = words_of_the_library(tokenizers.pre_tokenizers.BertPreTokenizer(), text)
    assert made("basic").encode_batch([text])[0].tolist() == expected


def test_ways_to_cut():
    text = "The parcel, don't 我是"
    assert made(do_lower_case=True).tokenize(text) == ["the", "parcel", ",", "don", "'", "t", "我", "<unk>"]
    assert made("white_space", do_lower_case=True).tokenize(text) == ["the", "<unk>", "don't", "<unk>"]
    assert made("characters").tokenize("t我 ,x") == ["t", "我", ",", "<unk>"]
    assert made("shlex:split", ["the", "red parcel", "[UNK]"]).tokenize("a 'red parcel'") == ["[UNK]", "red parcel"]
    assert made(words=["the", "cafe"], do_lower_case=True, strip_accents=True).tokenize("The Café") == ["the", "cafe"]
    assert made(do_lower_case=True).tokenize("Café") == ["café"]


def test_words_that_are_found_already():
    tokenizer = made()
    ids, splits = tokenizer.encode_words(["don't", "late.", "zebra", ""])
    assert tokenizer.convert_ids_to_tokens(ids) == ["don't", "late", ".", "<unk>"]
    assert splits.tolist() == [0, 1, 3, 4, 4]


def test_unknown_words_without_a_token_are_left_out():
    tokenizer = made(words=["late", "is"])
    assert tokenizer.tokenize("it is so late") == ["is", "late"] and tokenizer.unk_id is None
    assert tokenizer.unknown_words("it is so late") == ["it", "so"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [WORDS, WORDS[2:]])
@pytest.mark.parametrize("lower", [False, True])
def test_a_graph_has_the_same_ids(words, lower):
    tokenizer = made(words=words, do_lower_case=lower)
    texts = ["The parcel, don't 我是", "", "  ", "café CAFE e\u0301\x00", "\u212a\ua7ae .late", "unheard of"]
    ids, splits = tokenizer.encode_batch(texts)
    found = tf.function(tokenizer.graph_form())(tf.constant(texts))
    assert found.to_list() == [ids[start:end].tolist() for start, end in zip(splits, splits[1:])]
    rows = Plain(tokenizer, 3).graph_form()(found)
    packed = Plain(tokenizer, 3).pack((ids, splits))
    assert rows["input_ids"].numpy()[rows["input_mask"].numpy() > 0].tolist() == packed.values["input_ids"].tolist()
    with pytest.raises(InputError, match="split=white_space cannot be put into a graph"):
        made("white_space").graph_form()


def test_special_tokens_by_name_and_by_role(tmp_path):
    assert [made().pad_id, made().unk_id] == [0, 1]
    named = made(words=["a", "<eop>", "[CLS]", "[SEP]", "b"], special_tokens=(("end", "<eop>"), ("unk", "b")))
    assert [named.end_id, named.cls_id, named.sep_id, named.unk_id] == [1, 2, 3, 4]
    assert Packed(named, 4).rows(["a b c"]).values["input_ids"].tolist() == [2, 0, 4, 3]
    assert Plain(made(), 4).rows(["is late"]).values["input_ids"].tolist() == [4, 5]
    with pytest.raises(InputError, match=r"vocab.txt: no \[CLS\] or <cls> among 16 tokens, which is needed here"):
        Packed(made(), 4).rows(["is late"])


@pytest.mark.parametrize("split", SPLITS)
def test_a_folder_goes_round(tmp_path, split):
    before = made(split, do_lower_case=True, special_tokens=(("end", "."),), model_max_length=99)
    before.save(tmp_path)
    for place in (tmp_path, tmp_path / "vocab.txt"):
        after = tokenization.load_tokenizer(place)
        assert after.settings == before.settings and after.words == before.words
        assert after.fingerprint() == before.fingerprint() == pickle.loads(pickle.dumps(before)).fingerprint()
    assert before.fingerprint() != made(split, special_tokens=(("end", "."),)).fingerprint()
    with pytest.raises(InputError, match="do_lower_case is True, --do_lower_case=False was asked for"):
        tokenization.load_tokenizer(tmp_path, do_lower_case=False)


@pytest.mark.parametrize(
    "wrong", [{"split": 3}, {"split": "os:system"}, {"do_lower_case": "yes"}, {"model_max_length": "long"}]
)
def test_wrong_settings(tmp_path, wrong):
    made().save(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    with pytest.raises(InputError, match=f"tokenizer_config.json: {next(iter(wrong))} is"):
        tokenization.load_tokenizer(tmp_path)


def test_as_many_words_as_glove_has(tmp_path):
    made(words=["<unk>", *(f"word{i}" for i in range(400_000))]).save(tmp_path)
    assert tokenization.load_tokenizer(tmp_path).vocab_size == 400_001
