"""Tokenizers against the original's own answers, its algorithm re-stated (tokenization_oracle), and transformers."""

import gzip
import importlib.util
import json
import pathlib
import pickle
import random
import subprocess
import sys
import unicodedata
import unittest.mock

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from bertline.errors import InputError
from bertline.processors import tokenization

_spec = importlib.util.spec_from_file_location(
    "tokenization_oracle", pathlib.Path(__file__).with_name("tokenization_oracle.py")
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

RELEASED = {
    "uncased": ("google_uncased_en_vocab.txt", True),
    "cased": ("google_cased_en_vocab.txt", False),
    "chinese": ("google_zh_vocab.txt", True),
}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# Blank, with a blank, with punctuation inside, twice (the last one counts), a mark alone: what real files hold.
ODD = [
    "",
    "a",
    "##a",
    "b",
    "##b",
    "ab",
    "##ab",
    "a",
    "a b",
    "don't",
    "##,",
    ",",
    "-",
    "##",
    "#",
    "a-b",
    "中",
    "##中",
    "中a",
    "é",
    "##é",
    "e",
    "##e",
    "\u0301",
    "##\u0301",
    "ß",
    "fi",
    "σ",
    "##ς",
    "##σ",
    "क",
    "##ि",
    "🙂",
    "##🙂",
    "ｆ",
    "[",
    "]",
    "mask",
    "un",
    "##k",
    "I",
    "A",
    "##B",
    "\u1b4e",
    "##\u1b4e",
    "𐒰",
    "한",
    "##ㅏ",
    "ᄒ",
    "##ᅡ",
    "##ᆫ",
    "\u3000",
    "##。",
    "。",
]
TEXTS = [
    "",
    " ",
    "\n",
    "a",
    "ab ba",
    "don't",
    "a,b",
    "a-b ##a",
    "[MASK] a",
    "[UNK]",
    "a\x00b",
    "a\ufffdb",
    "a\tb\r\nb",
    "中a中",
    "éa É",
    "e\u0301a",
    "ΑΣ ΑΣΑ Σ",
    "ß ﬁ ｆ",
    "\ud800",
    "a\udcffb a",
    "🙂a🙂",
    "\u1b4ea",
    "a\u1b4eb",
    "한a",
    "क\u093fa",
    "\ue000a",
    "a" * 200,
    "a" * 201,
    "a" * 200 + "," + "b" * 200,
    "é" * 200,
    "é" * 201,
    "e\u0301" * 101,
    "e\u0301" * 201,
    "中" * 300,
    "क" * 67,
    "क" * 200,
    "क" * 201,
    "a\u00adb",
    "a\u200bb",
    "a\u2028b",
    "a\u0085b",
    "a\x1cb",
    "a\u3000b",
    "\U000e0061a",
    "İA",
]
RANGES = [
    (0x20, 0x7F),
    (0x41, 0x5B),
    (0x61, 0x7B),
    (0, 0x21),
    (0x7F, 0x250),
    (0x300, 0x370),
    (0x370, 0x530),
    (0x590, 0x700),
    (0x900, 0xA00),
    (0xE00, 0xE80),
    (0x1100, 0x1200),
    (0x1AB0, 0x1C00),
    (0x1E00, 0x2000),
    (0x2000, 0x2100),
    (0x2100, 0x2C00),
    (0x3000, 0x3100),
    (0x4E00, 0x5000),
    (0xAC00, 0xAE00),
    (0xD7F0, 0xE010),
    (0xF900, 0xFB10),
    (0xFE00, 0x10000),
    (0x10400, 0x10E80),
    (0x11000, 0x11C00),
    (0x1D100, 0x1D200),
    (0x1F300, 0x1F700),
    (0x20000, 0x20100),
    (0x2F800, 0x2F900),
    (0x30000, 0x30100),
    (0xE0000, 0xE0100),
    (0x10FF00, 0x110000),
]


def random_text(generator, ranges):
    """Words of one or two scripts each, because what goes wrong goes wrong between neighbours."""
    words = []
    for _ in range(generator.randrange(8)):
        chosen = generator.choices(ranges, k=generator.choice([1, 1, 2, 3]))
        length = generator.randrange(1, 9)
        words.append("".join(chr(generator.randrange(*generator.choice(chosen))) for _ in range(length)))
    return generator.choice(["", " ", " ", "  ", "\n"]).join(words)


def rows(tokenizer, texts):
    """Of the C++ call; those of Python, which takes few characters, are the same."""
    with unittest.mock.patch("bertline.processors.tokenizers.rules.wordpiece._CHARS_IN_PYTHON", 0):
        found = _rows(tokenizer, texts)
    if sum(map(len, texts)) < 100_000:
        with unittest.mock.patch("bertline.processors.tokenizers.rules.wordpiece._CHARS_IN_PYTHON", 100_000):
            assert _rows(tokenizer, texts) == found
    return found


def _rows(tokenizer, texts):
    ids, row_splits = tokenizer.encode_batch(texts)
    assert ids.dtype == np.int32 and row_splits.dtype == np.int64 and len(row_splits) == len(texts) + 1
    return [ids[a:b].tolist() for a, b in zip(row_splits, row_splits[1:])]


def assert_as_oracle(tokenizer, texts):
    for text, row in zip(texts, rows(tokenizer, texts)):
        expected = oracle.tokenize(text, tokenizer.vocab, tokenizer.do_lower_case)
        assert row == [tokenizer.vocab[token] for token in expected], ascii(text)


def write_vocab(path, tokens, end="\n"):
    path.write_text("".join(token + end for token in tokens), encoding="utf-8", newline="")
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["lower", "as is"])
def odd_tokenizer(request, tmp_path_factory):
    path = write_vocab(tmp_path_factory.mktemp("odd") / "vocab.txt", SPECIAL + ODD)
    return tokenization.FullTokenizer(path, do_lower_case=request.param)


@pytest.fixture(scope="session", params=RELEASED)
def released(request, data_dir):
    name, do_lower_case = RELEASED[request.param]
    return request.param, tokenization.FullTokenizer(data_dir / "bert_vocabs" / name, do_lower_case)


@pytest.mark.slow
def test_golden_texts_have_the_tokens_of_the_original(released, golden_dir):
    name, tokenizer = released
    with gzip.open(golden_dir / "tokenization.jsonl.gz", "rt", encoding="utf-8") as file:
        golden = [json.loads(line) for line in file]
    assert len(golden) == 2086
    batch = rows(tokenizer, [row["text"] for row in golden])
    for row, ids in zip(golden, batch):
        assert tokenizer.tokenize(row["text"]) == row[name], ascii(row["text"])
        assert tokenizer.convert_ids_to_tokens(ids) == row[name], ascii(row["text"])
        assert oracle.tokenize(row["text"], tokenizer.vocab, tokenizer.do_lower_case) == row[name]


@pytest.mark.slow
def test_random_unicode_as_the_oracle(released):
    generator = random.Random(20241122)
    assert_as_oracle(released[1], [random_text(generator, RANGES) for _ in range(20000)])


def test_random_unicode_with_an_odd_vocabulary_as_the_oracle(odd_tokenizer):
    generator = random.Random(7)
    letters = [(ord(char), ord(char) + 1) for token in ODD for char in token]
    assert_as_oracle(odd_tokenizer, [random_text(generator, RANGES + letters * 4) for _ in range(5000)])
    assert_as_oracle(odd_tokenizer, TEXTS)
    for text in TEXTS:
        assert odd_tokenizer.tokenize(text) == oracle.tokenize(text, odd_tokenizer.vocab, odd_tokenizer.do_lower_case)


@pytest.mark.slow
@pytest.mark.parametrize("every", [16, pytest.param(1, marks=pytest.mark.long)])  # of the unassigned code points
def test_every_code_point_as_the_oracle(odd_tokenizer, every):
    """Alone, inside a word, and before a capital sigma, whose lower case depends on its neighbours."""
    for start in range(0, 0x110000, 0x8000):
        texts = [f"a{char}b {char} Α{char}Σ" for char in map(chr, range(start, start + 0x8000))]
        if {unicodedata.category(text[1]) for text in texts} <= {"Cn"}:
            texts = texts[::every]
        assert_as_oracle(odd_tokenizer, texts)
        assert [odd_tokenizer.basic_tokenizer.tokenize(text) for text in texts[::7]] == [
            oracle.words(text, odd_tokenizer.do_lower_case) for text in texts[::7]
        ]


@settings(max_examples=300, deadline=None)
@given(texts=strategies.lists(strategies.text(strategies.characters(exclude_categories=[]), max_size=40), max_size=6))
def test_any_list_of_texts_as_the_oracle(any_tokenizer, texts):
    assert_as_oracle(any_tokenizer, texts)
    expected = [any_tokenizer.convert_tokens_to_ids(any_tokenizer.tokenize(text)) for text in texts]
    assert rows(any_tokenizer, texts) == expected


@pytest.fixture(scope="module")
def any_tokenizer(tmp_path_factory):
    """One for all examples of hypothesis."""
    path = write_vocab(tmp_path_factory.mktemp("any") / "vocab.txt", SPECIAL + ODD + list("0123456789"))
    return tokenization.FullTokenizer(path)


def test_batches_of_any_size_give_the_same_rows(odd_tokenizer, monkeypatch):
    expected = [odd_tokenizer.convert_tokens_to_ids(odd_tokenizer.tokenize(text)) for text in TEXTS]
    for chars in (1, 50, 1 << 20):
        monkeypatch.setattr("bertline.processors.tokenizers.rules.wordpiece._CHARS_PER_CALL", chars)
        assert rows(odd_tokenizer, TEXTS) == expected
    assert rows(odd_tokenizer, []) == [] and rows(odd_tokenizer, ["", ""]) == [[], []]
    assert rows(odd_tokenizer, [b"a", b"\xffa"]) == rows(odd_tokenizer, ["a", "a"])


def test_a_mask_in_a_text_is_no_special_token(odd_tokenizer):
    assert odd_tokenizer.tokenize("[mask]") == ["[", "mask", "]"]
    assert odd_tokenizer.mask_id not in rows(odd_tokenizer, ["[MASK] [mask]"])[0]


@pytest.mark.slow
def test_texts_as_transformers(released, data_dir, tmp_path):
    """Hugging Face differs by definition in what is left out here.

    It knows an older Unicode than Python, removes private and unassigned characters, keeps the small sigma at a word's
    end, has a limit of 100 characters for a word, and takes "[MASK]" for a special token.
    """
    transformers = pytest.importorskip("transformers", reason="make peers")
    _, tokenizer = released
    tokenizer.save(tmp_path)
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    texts = []
    for name in ("glue_sst2", "glue_cola", "chnsenticorp", "wnut17", "lcqmc_dev"):
        for path in sorted((data_dir / name).rglob("*"))[:4]:
            if path.is_file():
                texts += path.read_text(encoding="utf-8", errors="replace").splitlines()[:1500]
    real = len(texts)
    generator = random.Random(5)
    texts += [random_text(generator, RANGES) for _ in range(20000)]
    texts = ["".join(filter(_same_by_definition, text)) for text in texts]
    texts = [text for text in texts if text and not any(token in text for token in SPECIAL)]
    assert real > 5000 and len(texts) > real + 10000
    for text, ours, other in zip(texts, rows(tokenizer, texts), theirs(texts, add_special_tokens=False)["input_ids"]):
        assert ours == other or max(map(len, oracle.words(text, False))) > 100, ascii(text)


def _same_by_definition(char):
    """Not sigma, and of a category that has not changed since Unicode 3.2, long before Hugging Face's."""
    category = unicodedata.category(char)
    return char != "\u03a3" and category not in ("Cn", "Co", "Cs") and unicodedata.ucd_3_2_0.category(char) == category


def test_saved_and_loaded_it_is_the_same(odd_tokenizer, tmp_path):
    odd_tokenizer.save(tmp_path / "new")
    again = tokenization.load_tokenizer(tmp_path / "new")
    assert again.fingerprint() == odd_tokenizer.fingerprint()
    assert again.vocab == odd_tokenizer.vocab and again.do_lower_case == odd_tokenizer.do_lower_case
    assert rows(again, TEXTS) == rows(odd_tokenizer, TEXTS)
    config = json.loads((tmp_path / "new" / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "BertTokenizer" and config["do_lower_case"] is odd_tokenizer.do_lower_case
    with pytest.raises(InputError, match="do_lower_case is"):
        tokenization.load_tokenizer(tmp_path / "new", do_lower_case=not odd_tokenizer.do_lower_case)


def test_a_used_tokenizer_can_be_pickled_for_another_process(odd_tokenizer):
    odd_tokenizer.encode_batch(["a" * 1000])
    assert rows(pickle.loads(pickle.dumps(odd_tokenizer)), TEXTS) == rows(odd_tokenizer, TEXTS)


def test_the_fingerprint_follows_vocabulary_and_casing(tmp_path):
    first = write_vocab(tmp_path / "first.txt", SPECIAL + ["a", "b"])
    crlf = write_vocab(tmp_path / "crlf.txt", SPECIAL + ["a", "b"], end="\r\n")
    other = write_vocab(tmp_path / "other.txt", SPECIAL + ["b", "a"])
    prints = [
        tokenization.FullTokenizer(path, lower).fingerprint()
        for path, lower in ((first, True), (first, False), (other, True))
    ]
    assert len(set(prints)) == 3
    assert tokenization.FullTokenizer(crlf).fingerprint() == prints[0]


def test_the_functions_of_the_original(tmp_path):
    path = write_vocab(tmp_path / "vocab.txt", SPECIAL + ["want", "##want", "##ed", "wa", "un", "runn", "##ing", ","])
    tokenizer = tokenization.FullTokenizer(path)
    assert tokenizer.tokenize("UNwant\u00e9d,running") == ["un", "##want", "##ed", ",", "runn", "##ing"]
    assert tokenizer.convert_tokens_to_ids(["un", "##want", "##ed", ",", "runn", "##ing"]) == [9, 6, 7, 12, 10, 11]
    assert tokenizer.convert_ids_to_tokens([9, 6]) == ["un", "##want"]
    assert [tokenizer.pad_id, tokenizer.unk_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id] == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert tokenization.load_vocab(path) == tokenizer.vocab and tokenizer.vocab_size == 13
    assert tokenization.convert_tokens_to_ids(tokenizer.vocab, ["want"]) == [5]
    assert tokenization.convert_ids_to_tokens(tokenizer.inv_vocab, [5]) == ["want"]
    with pytest.raises(KeyError):
        tokenizer.convert_tokens_to_ids(["absent"])
    twice = tokenization.FullTokenizer(write_vocab(tmp_path / "twice.txt", [*tokenizer.vocab, "want"]))
    assert twice.convert_ids_to_tokens(range(14)) == [*tokenizer.vocab, "want"]
    assert twice.convert_tokens_to_ids(["want"]) == [13]  # as the original: the last line counts
    assert tokenization.WordpieceTokenizer(tokenizer.vocab).tokenize("unwanted runningx") == [
        "un",
        "##want",
        "##ed",
        "[UNK]",
    ]
    assert tokenization.BasicTokenizer(False).tokenize(" \tHeLLo!how  \n Are yoU? ") == [
        "HeLLo",
        "!",
        "how",
        "Are",
        "yoU",
        "?",
    ]
    assert tokenization.whitespace_tokenize(" a  b ") == ["a", "b"]
    assert tokenization.convert_to_unicode(b"a\xffb") == tokenization.printable_text("ab") == "ab"


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"[CLS]\n[SEP]\na\n", r"no \[UNK\]"),
        (b"[UNK]\n[SEP]\na\n", r"no \[CLS\]"),
        (b"[UNK]\n[CLS]\na\n", r"no \[SEP\]"),
        (b"[UNK]\n[CLS]\n[SEP]\n\xff\n", "vocab.txt:4"),
        (b"[UNK]\n\0\n", "vocab.txt:2"),
    ],
)
def test_a_bad_vocabulary_is_named(tmp_path, content, message):
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        tokenization.FullTokenizer(path)
    assert "\n" not in str(caught.value)


def test_a_vocabulary_without_mask_serves_until_a_mask_is_needed(tmp_path):
    tokenizer = tokenization.FullTokenizer(write_vocab(tmp_path / "vocab.txt", SPECIAL[:4] + ["a"]))
    assert rows(tokenizer, ["a"]) == [[4]]
    with pytest.raises(InputError, match="MASK"):
        _ = tokenizer.mask_id


def test_a_casing_that_does_not_fit_the_released_vocabularies_is_refused(released, tmp_path):
    _, right = released
    tokenization.check_casing(right)
    right.save(tmp_path)
    with pytest.raises(InputError, match="do_lower_case is"):
        tokenization.load_tokenizer(tmp_path, not right.do_lower_case)
    with pytest.raises(InputError, match="does not fit"):
        tokenization.check_casing(right, not right.do_lower_case)
    with pytest.raises(InputError, match="does not fit"):
        tokenization.check_casing(right.vocab_file, not right.do_lower_case)
    with pytest.raises(InputError, match="does not fit"):
        tokenization.load_tokenizer(right.vocab_file, not right.do_lower_case)
    assert tokenization.load_tokenizer(right.vocab_file).do_lower_case is right.do_lower_case


@pytest.mark.parametrize(
    "tokens, found",
    [
        (list("abcdefgh"), None),
        ([*map(chr, range(97, 123)), "<S>", "##<T>", "[unused1]"], "uncased"),
        (list("是的中国"), None),
        (["the", "The", "##ing"], "cased"),
        ([f"word{i}" for i in range(200)] + ["URL"], None),
    ],
)
def test_a_casing_is_seen_only_where_the_vocabulary_shows_it(tokens, found):
    assert tokenization.casing(SPECIAL + tokens) == found


def test_loading_a_folder(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        tokenization.load_tokenizer(tmp_path / "absent")
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="tokenizer.json: not as the library"):
        tokenization.load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").rename(tmp_path / "other.json")
    with pytest.raises(InputError, match="no vocab.txt, tokenizer.json"):
        tokenization.load_tokenizer(tmp_path)
    write_vocab(tmp_path / "vocab.txt", SPECIAL + ["a"])
    assert tokenization.load_tokenizer(tmp_path).do_lower_case is True
    assert tokenization.load_tokenizer(tmp_path, do_lower_case=False).do_lower_case is False
    config = tmp_path / "tokenizer_config.json"
    for text, message in (
        ("{", "not JSON"),
        ("[]", "object"),
        ('{"strip_accents": 0, "do_lower_case": true}', "strip_accents is 0"),
    ):
        config.write_text(text)
        with pytest.raises(InputError, match=message):
            tokenization.load_tokenizer(tmp_path)
    config.write_text('{"do_lower_case": false}')
    assert tokenization.load_tokenizer(tmp_path / "vocab.txt").do_lower_case is False


def test_tensorflow_is_imported_only_for_a_batch():
    code = (
        "import sys; from processors import tokenization; assert 'tensorflow' not in sys.modules; "
        "tokenization.BasicTokenizer().tokenize('a'); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=pathlib.Path(tokenization.__file__).parents[1])


@pytest.fixture(scope="module")
def piece_model(tmp_path_factory):
    import sentencepiece

    folder = tmp_path_factory.mktemp("pieces")
    generator = random.Random(3)
    words = "the cat sat on a mat with 1,000 dogs, 25,000 Birds; café naïve No. 9, and more".split()
    text = "\n".join(" ".join(generator.choices(words, k=12)) for _ in range(500))
    (folder / "text").write_text(text, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"),
        model_prefix=str(folder / "spiece"),
        vocab_size=75,
        minloglevel=2,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols="[CLS],[SEP],[MASK]",
        hard_vocab_limit=False,
    )
    return folder / "spiece.model"


def test_sentence_pieces(piece_model, tmp_path):
    import sentencepiece

    plain = sentencepiece.SentencePieceProcessor(model_file=str(piece_model))
    tokenizer = tokenization.SentencePieceTokenizer(piece_model)
    names = ["[CLS]", "[SEP]", "[MASK]", "<pad>", "<unk>"]
    assert [tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id, tokenizer.pad_id, tokenizer.unk_id] == [
        plain.piece_to_id(name) for name in names
    ]
    texts = ["the cat sat", "", " a  mat ", "Birds with café", "☃ cat", "mat, the dogs"]
    assert rows(tokenizer, texts) == [plain.encode(text) for text in texts]
    texts += ["1,000 dogs", "9, and 25,000,", "☃9,", "a\ud800b", "``the'' cat"]
    assert rows(tokenizer, texts) == [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)) for text in texts]
    assert rows(tokenizer, []) == []
    assert not any(
        piece.endswith(",") and len(piece) > 1 and piece[-2].isdigit()
        for text in texts
        for piece in tokenizer.tokenize(text)
    )
    assert tokenizer.tokenize("``the''") == plain.encode('"the"', out_type=str)
    lower = tokenization.SentencePieceTokenizer(piece_model, do_lower_case=True)
    assert lower.tokenize("THE café  Cat") == plain.encode("the cafe cat", out_type=str)
    xlnet = tokenization.SentencePieceTokenizer(piece_model, keep_accents=False)
    assert xlnet.tokenize("café Birds") == plain.encode("cafe Birds", out_type=str)
    assert len({tokenizer.fingerprint(), lower.fingerprint(), xlnet.fingerprint()}) == 3
    for each in (tokenizer, lower, xlnet):
        each.save(tmp_path)
        again = tokenization.load_tokenizer(tmp_path)
        assert again.fingerprint() == each.fingerprint() and rows(again, texts) == rows(each, texts)
    assert tokenizer.convert_ids_to_tokens(tokenizer.convert_tokens_to_ids(["[CLS]", "absent"])) == ["[CLS]", "<unk>"]


def test_a_digit_with_its_comma_is_split_as_in_albert(piece_model, monkeypatch):
    """The model is made to answer with pieces that end so, as ALBERT's does."""
    tokenizer = tokenization.SentencePieceTokenizer(piece_model)
    answers = {"x": ["▁9,", "00", "0,"], "9": ["▁9"], "0": ["▁", "0"]}

    class Processor:
        def encode(self, text, out_type):
            return answers[text]

    monkeypatch.setattr(tokenizer, "_processor", Processor())
    assert tokenizer.tokenize("x") == ["▁9", ",", "00", "0", ","]


def test_a_bad_sentence_piece_model_is_named(tmp_path, piece_model):
    import sentencepiece

    with pytest.raises(InputError, match="no such file"):
        tokenization.SentencePieceTokenizer(tmp_path / "absent.model")
    (tmp_path / "bad.model").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="not a SentencePiece model"):
        tokenization.SentencePieceTokenizer(tmp_path / "bad.model")
    sentencepiece.SentencePieceTrainer.train(
        input=str(piece_model.parent / "text"),
        model_prefix=str(tmp_path / "bare"),
        vocab_size=60,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    with pytest.raises(InputError, match=r"no piece \[CLS\]"):
        tokenization.SentencePieceTokenizer(tmp_path / "bare.model")
