"""Each field of a tokenizer's files that changes ids: honoured as transformers does, or refused by name."""

import json

import pytest
import tokenizers

transformers = pytest.importorskip("transformers", reason="make peers")
from small_tokenizers import ADDED, NAMES, PIECES, SPECIAL, TEXTS, assert_as_transformers, change, change_inside, save

from bertline.errors import InputError
from bertline.processors import tokenization
from bertline.processors.layouts.packed import Packed


def older(folder, **config):
    """vocab.txt, added_tokens.json, special_tokens_map.json: what version 4 saved of a tokenizer in Python."""
    save(folder, ["<e1>", "foo"])
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(SPECIAL + PIECES) + "\n", encoding="utf-8")
    size = len(SPECIAL + PIECES)
    (folder / "added_tokens.json").write_text(json.dumps({"<e1>": size, "foo": PIECES.index("foo") + len(SPECIAL)}))
    return change(folder, **config)


def special_map(folder, **values):
    return change(folder, "special_tokens_map.json", **values)


def template(folder, **changes):
    return change_inside(save(folder), "post_processor", **changes)


def by_json_alone(folder, **config):
    folder = save(folder, ["<e1>"])
    return change(folder, tokenizer_class="PreTrainedTokenizerFast", **config)


def decoder_of(folder, *tokens):
    entries = {len(SPECIAL + PIECES) + i: {"content": token, "special": True} for i, token in enumerate(tokens)}
    return change(save(folder), added_tokens_decoder=entries)


HONOURED = {
    "added_tokens.json": lambda f: older(f),
    "special_tokens_map": lambda f: special_map(older(f), additional_special_tokens=["<e1>", "ab"]),
    "additional_special_tokens": lambda f: change(save(f), additional_special_tokens=["<X>", "ab", "<e1>"]),
    "extra_special_tokens": lambda f: change(save(f), extra_special_tokens=["<X>", "ab"]),
    "extra_special_tokens named": lambda f: change(save(f), extra_special_tokens={"image_token": "<X>"}),
    "another token": lambda f: change(save(f), bos_token="[", image_token="<"),
    "added_tokens_decoder": lambda f: decoder_of(f, "<X>", "<e1>"),
    "split_special_tokens": lambda f: change(save(f, ADDED), split_special_tokens=True),
    "the class": lambda f: change(save(f), tokenizer_class="ElectraTokenizerFast"),
    "no class": lambda f: change(save(f), without=["tokenizer_class"]),
    "by tokenizer.json alone": lambda f: by_json_alone(f),
    "without names": lambda f: change(change(by_json_alone(f), "tokenizer.json", added_tokens=[]), without=NAMES),
    "max_input_chars_per_word": lambda f: change_inside(by_json_alone(f), "model", max_input_chars_per_word=3),
    "do_lower_case, alone": lambda f: change_inside(by_json_alone(f), "normalizer", lowercase=False),
    "strip_accents, alone": lambda f: change_inside(
        by_json_alone(f, do_lower_case=False), "normalizer", strip_accents=False
    ),
    "do_lower_case before tokenizer.json": lambda f: change_inside(save(f), "normalizer", lowercase=False),
    "strip_accents before tokenizer.json": lambda f: change(save(f, ["<e1>"]), strip_accents=False),
    "special tokens of other names": lambda f: change(save(f), cls_token="<", sep_token=">", unk_token="x"),
}


@pytest.mark.parametrize("kind", HONOURED)
def test_fields_that_are_honoured(tmp_path, kind):
    assert_as_transformers(HONOURED[kind](tmp_path / "folder"), TEXTS)


@pytest.mark.parametrize(
    "kind", ["added_tokens.json", "without names", "max_input_chars_per_word", "special tokens of other names"]
)
def test_what_was_honoured_is_saved(tmp_path, kind):
    """The folder that we write gives the same ids, here and in transformers."""
    ours = tokenization.load_tokenizer(HONOURED[kind](tmp_path / "folder"))
    ours.save(tmp_path / "saved")
    again = assert_as_transformers(tmp_path / "saved", TEXTS)
    assert again.fingerprint() == ours.fingerprint()


def test_special_tokens_without_a_row_are_left_out(tmp_path):
    folder = save(tmp_path)
    vocabulary = {token: i for i, token in enumerate([*SPECIAL[1:4], *PIECES])}
    change_inside(folder, "model", vocab=vocabulary)
    change(folder, "tokenizer.json", added_tokens=[])
    tokenizer = tokenization.load_tokenizer(folder)
    assert tokenizer.vocab_size == len(vocabulary) and tokenizer.pad_id == 0
    with pytest.raises(InputError, match=r"no \[MASK\]"):
        _ = tokenizer.mask_id


@pytest.mark.parametrize(
    "config, length",
    [({"model_max_length": 8}, 8), ({"model_max_length": 1e30}, None), ({}, None), ({"max_len": 77}, 77)],
)
def test_the_length_that_a_model_is_meant_for(tmp_path, config, length):
    folder = change(save(tmp_path), without=["model_max_length"])
    change(folder, **config)
    assert tokenization.load_tokenizer(folder).model_max_length == length
    theirs = transformers.AutoTokenizer.from_pretrained(folder).model_max_length
    assert theirs == length or (length is None and theirs > 10**9)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"model_input_names": ["input_ids", "attention_mask"]},
        {"tokenizer_class": "DistilBertTokenizer"},
        {"tokenizer_class": "PreTrainedTokenizerFast"},
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids", "token_type_ids"]},
    ],
)
def test_segments_of_pairs(tmp_path, config):
    folder = change(save(tmp_path), **config)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)("a b", "x")
    found = Packed(tokenization.load_tokenizer(folder), 9).rows(["a b"], ["x"]).values
    assert found["input_ids"].tolist() == theirs["input_ids"]
    assert found["segment_ids"].tolist() == theirs.get("token_type_ids", [0] * 6)


def bpe(folder):
    folder.mkdir()
    tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")])).save(
        str(folder / "tokenizer.json")
    )
    return folder


def unigram(folder):
    folder.mkdir()
    tokenizers.Tokenizer(tokenizers.models.Unigram([("a", -1.0)], 0)).save(str(folder / "tokenizer.json"))
    return folder


REFUSED = {
    "BPE": (bpe, r"tokenizer.json: a byte-pair tokenizer \(BPE\)"),
    "Unigram": (unigram, "tokenizer.json: a Unigram tokenizer"),
    "prefix": (lambda f: change_inside(save(f), "model", continuing_subword_prefix="@@"), "continuing_subword_prefix"),
    "clean_text": (lambda f: change_inside(save(f), "normalizer", clean_text=False), "json: clean_text is false"),
    "normalizer": (lambda f: change(save(f), "tokenizer.json", normalizer={"type": "NFC"}), "normalizer is NFC"),
    "no normalizer": (lambda f: change(save(f), "tokenizer.json", normalizer=None), "normalizer is null"),
    "pre_tokenizer": (
        lambda f: change(save(f), "tokenizer.json", pre_tokenizer={"type": "Whitespace"}),
        "pre_tokenizer is Whitespace",
    ),
    "post_processor": (
        lambda f: change(by_json_alone(f), "tokenizer.json", post_processor=None),
        r"post_processor \(null\)",
    ),
    "left": (
        lambda f: change(save(f), "tokenizer.json", truncation={"direction": "Left"}),
        'truncation_side is "left"',
    ),
    "truncation_side": (lambda f: change(save(f), truncation_side="left"), 'config.json: truncation_side is "left"'),
    "class": (
        lambda f: change(save(f), tokenizer_class="BertJapaneseTokenizer"),
        "tokenizer_class BertJapaneseTokenizer",
    ),
    "class of config.json": (
        lambda f: change(change(save(f), without=["tokenizer_class"]), "config.json", tokenizer_class="T5Tokenizer"),
        "/config.json: tokenizer_class T5Tokenizer",
    ),
    "no tokenizer.json": (lambda f: change(older(f), tokenizer_class="PreTrainedTokenizerFast"), "tokenizer.json"),
    "word_tokenizer_type": (lambda f: change(save(f), word_tokenizer_type="mecab"), 'word_tokenizer_type is "mecab"'),
    "do_basic_tokenize": (lambda f: change(save(f), do_basic_tokenize=False), "do_basic_tokenize is false"),
    "never_split": (lambda f: change(save(f), never_split=["foo"]), "never_split"),
    "auto_map": (lambda f: change(save(f), auto_map={"AutoTokenizer": ["x.Y", None]}), "auto_map"),
    "casing": (lambda f: change(save(f), do_lower_case="no"), 'do_lower_case is "no"; true or false'),
    "length": (lambda f: change(save(f), model_max_length="long"), 'model_max_length is "long"'),
    "id": (lambda f: change(older(f), "added_tokens.json", **{"<X>": 500}), "'<X>' has id 500, the next free one"),
    "added": (lambda f: change(save(f), added_tokens_decoder={"1": 2}), "2 is no added token"),
    "list": (lambda f: change(save(f), added_tokens_decoder=[]), "added_tokens_decoder has to be an object"),
    "rules": (lambda f: change(save(f), text_rules="mine"), "text_rules is 'mine'"),
    "empty": (lambda f: change(f, "tokenizer.json", x=1) if f.mkdir() is None else None, "no 'model'"),
    "ids": (lambda f: change_inside(save(f), "model", vocab={"a": 0, "b": 0}), "model.vocab"),
    "far ids": (lambda f: change_inside(save(f), "model", vocab={"a": 0, "b": 10**9}), "model.vocab"),
    "no ids": (lambda f: change_inside(save(f), "model", vocab={"a": "b"}), "model.vocab"),
    "limit": (lambda f: change_inside(save(f), "model", max_input_chars_per_word=None), "chars_per_word is null"),
    "surrogate": (lambda f: change_inside(save(f), "model", vocab={"\ud800": 0}), "without its other half"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_fields_that_are_refused(tmp_path, kind):
    make, message = REFUSED[kind]
    with pytest.raises(InputError, match=message) as caught:
        tokenization.load_tokenizer(make(tmp_path / "folder"))
    assert "\n" not in str(caught.value)
