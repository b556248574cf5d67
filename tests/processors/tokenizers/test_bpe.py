"""Byte pairs against GPT-1's own ids, and against the tokenizers of `transformers`; files and messages."""

import json
import pathlib
import pickle

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from bertline.errors import InputError
from bertline.processors import tokenization
from bertline.processors.tokenizers.bpe import BytePairTokenizer

CORPUS = sorted((pathlib.Path(__file__).parents[3] / "samples" / "corpus").glob("*.txt"))
TEXTS = [
    "It's a dog's life, isn't it?",
    " two  blanks\n\n\tand  ",
    "naïve café 1,000 \u00b2\u2164 x\u3000y",
    "'ll we'LL 'the !'s",
    "",
    "\u4f60\u597d \U0001f600\u200d",
    "a\u0300\u0903b _under_ \x1c\x85",
]


@pytest.fixture(scope="module")
def gpt1(golden_dir):
    return golden_dir / "techniques" / "gpt1_bpe"


@pytest.fixture(scope="module")
def of_gpt1(gpt1):
    return tokenization.load_tokenizer(gpt1)


@pytest.fixture(scope="module")
def byte_folder(tmp_path_factory):
    """A folder with merges of bytes, which the library `tokenizers` learns of the sample corpus."""
    tokenizers = pytest.importorskip("tokenizers", reason="make peers")
    folder = tmp_path_factory.mktemp("bytes")
    trained = tokenizers.ByteLevelBPETokenizer()
    trained.train(list(map(str, CORPUS)), vocab_size=700, special_tokens=["<|endoftext|>"], show_progress=False)
    trained.save_model(str(folder))
    return folder


def rows(tokenizer, texts):
    ids, splits = tokenizer.encode_batch(texts)
    assert ids.dtype == np.int32 and splits.dtype == np.int64
    return [ids[start:end].tolist() for start, end in zip(splits, splits[1:])]


def test_equals_what_gpt1_answered(gpt1, of_gpt1):
    expected = json.loads((gpt1 / "expected_ids.json").read_text(encoding="utf-8"))
    assert len(expected) == 112
    assert rows(of_gpt1, [row["text"] for row in expected]) == [row["ids"] for row in expected]
    assert of_gpt1.vocab_size == 40478 and of_gpt1.unk_id == 0


@pytest.fixture(scope="module")
def libraries(of_gpt1, byte_folder, tmp_path_factory):
    """(ours, that of transformers) of each form."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    folder = tmp_path_factory.mktemp("gpt1")
    basic = BytePairTokenizer(of_gpt1.vocab, of_gpt1.merges, "characters", split="basic")
    basic.save(folder)
    theirs = transformers.OpenAIGPTTokenizer.from_pretrained(folder)
    bytes_of_theirs = transformers.GPT2Tokenizer(str(byte_folder / "vocab.json"), str(byte_folder / "merges.txt"))
    return {
        "characters": (tokenization.load_tokenizer(folder), theirs),
        "bytes": (tokenization.load_tokenizer(byte_folder), bytes_of_theirs),
    }


@pytest.mark.parametrize("form", ["characters", "bytes"])
@hypothesis.settings(deadline=None)
@hypothesis.given(texts=st.lists(st.text(st.characters(codec="utf-8")) | st.sampled_from(TEXTS), max_size=4))
def test_equals_transformers(libraries, form, texts):
    ours, theirs = libraries[form]
    assert rows(ours, texts) == [theirs(text, add_special_tokens=False)["input_ids"] for text in texts]


@pytest.mark.parametrize("form", ["characters", "bytes"])
def test_running_text_equals_transformers(libraries, form):
    ours, theirs = libraries[form]
    lines = [*TEXTS, *(line for path in CORPUS for line in path.read_text(encoding="utf-8").split("\n"))]
    assert rows(ours, lines) == [theirs(line, add_special_tokens=False)["input_ids"] for line in lines]


@pytest.mark.parametrize("form", ["characters", "bytes"])
@hypothesis.given(texts=st.lists(st.text(), max_size=4))
def test_a_batch_is_its_texts(libraries, form, texts):
    ours, _ = libraries[form]
    assert rows(ours, texts) == [ours.convert_tokens_to_ids(ours.tokenize(text)) for text in texts]


@pytest.mark.parametrize("form", ["characters", "bytes"])
def test_a_folder_that_transformers_wrote(libraries, form, tmp_path):
    ours, theirs = libraries[form]
    theirs.add_tokens(["_extra_"])
    theirs.save_pretrained(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert "tokenizer.json" in names and "merges.txt" not in names
    found = tokenization.load_tokenizer(tmp_path)
    assert rows(found, TEXTS) == rows(ours, TEXTS) and (found.form, found.split) == (ours.form, ours.split)
    assert found.vocab == theirs.get_vocab() and found.vocab["_extra_"] == ours.vocab_size
    assert theirs.eos_token_id in (None, found.end_id)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "pre_tokenizer.add_prefix_space is True"),
        ({"normalizer": {"type": "NFC"}}, "normalizer is {'type': 'NFC'}"),
        ({"post_processor": {"special_tokens": {"a": 1}}}, "post_processor puts tokens around texts"),
        ({"model": {"type": "BPE", "merges": [["a"]]}}, r"merge 0: .*two pieces"),
        ({"model": {"type": "Unigram", "vocab": []}}, "no model with merges"),
        ({"model": 3}, "no model with merges"),
    ],
)
def test_another_tokenizer_json(libraries, tmp_path, change, message):
    libraries["bytes"][1].save_pretrained(tmp_path)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        tokenization.load_tokenizer(tmp_path)


def test_a_folder_goes_round(of_gpt1, byte_folder, tmp_path):
    for before in (of_gpt1, tokenization.load_tokenizer(byte_folder)):
        before.save(tmp_path, model_max_length=77)
        after = tokenization.load_tokenizer(tmp_path)
        assert after.fingerprint() == before.fingerprint() == pickle.loads(pickle.dumps(before)).fingerprint()
        assert after.model_max_length == 77 and (after.form, after.split) == (before.form, before.split)
        assert rows(after, TEXTS) == rows(before, TEXTS)


def test_special_tokens_and_words(byte_folder, of_gpt1):
    tokenizer = tokenization.load_tokenizer(byte_folder)
    assert tokenizer.end_id == tokenizer.vocab["<|endoftext|>"]
    with pytest.raises(InputError, match="no _delimiter_ among 700 tokens"):
        tokenizer.special_id("delimiter")
    continues = tokenizer.continuations()
    assert continues[tokenizer.vocab["e"]] and not continues[tokenizer.vocab["\u0120t"]]
    with pytest.raises(InputError, match="--masking=token needs no words"):
        of_gpt1.continuations()


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("merges.txt", "#version: 0.2\na b c\n", "merges.txt:2: 'a b c'; two pieces"),
        ("vocab.json", '{"a": 1, "b": 1}', "pieces and their numbers, each once"),
        ("vocab.json", '{"a": 1, "b": 0}', "no '\u0100' among 2 pieces"),
        ("tokenizer_config.json", '{"tokenizer_class": "RobertaTokenizer"}', "RobertaTokenizer; merges of bytes"),
    ],
)
def test_damaged_files(byte_folder, tmp_path, name, text, message):
    for path in byte_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        tokenization.load_tokenizer(tmp_path)


def test_merges_are_needed(byte_folder, tmp_path):
    (tmp_path / "vocab.json").write_bytes((byte_folder / "vocab.json").read_bytes())
    with pytest.raises(InputError, match="vocab.json needs its merges beside it"):
        tokenization.load_tokenizer(tmp_path / "vocab.json")
