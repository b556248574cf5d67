"""Folders with tokenizers that transformers saves, texts that tell tokenizers apart, and their ids here and there."""

import json
import random
import unicodedata
import unittest.mock

import odd_texts
import pytest

from bertline.processors import tokenization

transformers = pytest.importorskip("transformers", reason="make peers")
AddedToken = pytest.importorskip("tokenizers", reason="make peers").AddedToken

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = ["unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
PIECES = [
    *"ab<>[]/,-#xei中éσςकᄒ한𫠠🙂AI_",
    "##a",
    "##b",
    "ab",
    "##ab",
    "##,",
    "中a",
    "##中",
    "##é",
    "##e",
    "##i",
    "\u0301",
    "##\u0301",
    "##ς",
    "##σ",
    "##ि",
    "##🙂",
    "mask",
    "foo",
    "##foo",
    "##ᅡ",
    "##ᆫ",
    "##\u0307",
    "\u1734",
    "##\u1734",
    "e1",
    "##x",
    "\u2e52",
    "##\u2e52",
    "##𫠠",
    "##A",
    "##1",
]
TEXTS = [
    *odd_texts.ODD,
    "<e1>a</e1>",
    "a<E1>b",
    "[MASK][mask] [SEP]",
    "a" * 100,
    "a" * 101,
    "é" * 101,
    "ΑΣ ΑΣΑ Σ",
    "a\ue000b",
    "𫠠a",
    "foo FOO xfoo foo_ foo\u0301 (foo)",
    "É中a é中",
    "<x> <X>a",
    "<e1> a",
    " ab  ab",
    "aab b",
    "Σ ΣΑ",
    "\u1734a \u2e52",
    "[UNK]a[PAD]",
    "a\x85b\u2028c",
    "[ma\x00sk] [MA\x00SK]",
]
ADDED = [
    AddedToken("<e1>"),
    AddedToken("</e1>", normalized=False),
    "foo",
    AddedToken("É中"),
    AddedToken("<X>", special=True),
    AddedToken("<E1> a"),
    AddedToken("ab", lstrip=True, rstrip=True),
    AddedToken("a<"),
]
SINGLE = [AddedToken("foo", single_word=True), AddedToken("Σ", single_word=True, normalized=False)]


def random_texts(count, seed=1):
    draw = random.Random(seed)
    known = [chr(c) for c in range(0x110000) if is_known(c)]
    pools = [
        known,
        list("aabbΣσé中한🙂<>[]e1fo ox,-_"),
        list(" \n\u2028\t\u00a0\u3000\x85\x00\ue000\ufffd\u200b\u200d"),
        list("\u0301\u0307\u1734\u166d𫠠\u2e52\u0930\u093f"),
        ["<e1>", "foo", "É中", "<X>", "[MASK]", "ΑΣ", "ab", "a<e1>"],
    ]
    return ["".join(draw.choice(draw.choice(pools)) for _ in range(draw.randrange(14))) for _ in range(count)]


def is_known(code_point):
    # The lower case of the newest letters depends on the compiler of the library; 11938 has a decomposition since 2020.
    return unicodedata.category(chr(code_point)) not in ("Cn", "Cs") and code_point != 0x11938


TEXTS += random_texts(400)


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
    with unittest.mock.patch("bertline.processors.tokenizers.rules.wordpiece._CHARS_IN_PYTHON", characters_in_python):
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
    around = theirs("a")["input_ids"]
    assert [ours.cls_id, ours.sep_id] == [around[0], around[-1]] and theirs.unk_token_id in (ours.unk_id, None)
    assert ours.vocab_size == len(theirs)
    return ours
