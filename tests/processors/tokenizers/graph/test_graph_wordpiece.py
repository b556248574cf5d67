"""The tokenizer and the layout of graphs against those of Python: every code point, random Unicode, odd bytes."""

import random
import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from bertline.errors import InputError
from bertline.processors import tokenization
from bertline.processors.layouts.base import get, make
from bertline.processors.layouts.packed import Packed
from bertline.processors.tokenizers.graph.graph_wordpiece import GraphWordPiece, GraphWords
from bertline.processors.tokenizers.tokenizer import Tokenizer

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [
    "a",
    "##a",
    "b",
    "##b",
    "ab",
    "##ab",
    "a",
    "",
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
    "σ",
    "##ς",
    "##σ",
    "ς",
    "क",
    "##ि",
    "🙂",
    "##🙂",
    "[",
    "]",
    "mask",
    "##k",
    "A",
    "##B",
    "\u1b4e",
    "##\u1b4e",
    "한",
    "##ᄒ",
    "ᄒ",
    "##ᅡ",
    "##ᆫ",
    "i",
    "##\u0307",
    "I",
]
BYTES = [
    b"",
    b" ",
    b"a\xffb",
    b"\xed\xa0\x80a",
    b"\xe4\xbd",
    b"a\xc0\x80b",
    b"\xf5a",
    b"\xf0\x9f\x98 a",
    b"\xf4\x90\x80\x80b",
    b"\xef\xbb\xbfa",
    b"a\x00b",
    b"\xe4\xbda",
    b"\xf0\x9f\x98\xf0\x9f\x99\x82",
    b"\x80\x80a",
    b"[MASK] a-b, don't",
    b"a" * 200,
    b"a" * 201,
    b"a" * 200 + b"," + b"b" * 200,
    "é".encode() * 200,
    "e\u0301".encode() * 201,
    "क".encode() * 200,
    "क".encode() * 201,
    "🙂".encode() * 200,
    "🙂".encode() * 201,
    "中".encode() * 300,
]


@pytest.fixture(scope="module", params=[True, False], ids=["lower", "as is"])
def tokenizer(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(SPECIAL + PIECES) + "\n", encoding="utf-8")
    return tokenization.FullTokenizer(path, do_lower_case=request.param)


@pytest.fixture(scope="module")
def in_graph(tokenizer):
    """Traced, as an export has it: texts -> words [n, words], ids [n, tokens]."""
    graph_words, graph_tokenizer = GraphWords(tokenizer.basic_tokenizer), GraphWordPiece(tokenizer)
    function = tf.function(
        lambda texts: (graph_words(texts)[0], graph_tokenizer(texts)),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )

    def run(texts):
        return [tensor.to_list() for tensor in function(tf.constant(texts, tf.string))]

    return run


def assert_equal(tokenizer, in_graph, texts):
    words, ids = in_graph(texts)
    expected, row_splits = tokenizer.encode_batch([tokenization.convert_to_unicode(text) for text in texts])
    for i, text in enumerate(texts):
        assert [word.decode() for word in words[i]] == tokenizer.basic_tokenizer.tokenize(text), ascii(text)
        assert ids[i] == expected[row_splits[i] : row_splits[i + 1]].tolist(), ascii(text)


@pytest.mark.long
@pytest.mark.slow
def test_every_code_point(tokenizer, in_graph):
    """Alone, in a word, and between capital sigmas, whose lower case depends on what is beside them."""
    characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    if not tokenizer.do_lower_case:  # planes of nothing: once is enough
        characters = [char for char in characters if unicodedata.category(char) not in ("Cn", "Co")]
    for start in range(0, len(characters), 1 << 16):
        assert_equal(tokenizer, in_graph, [f"a{c}b {c} Α{c}Σ{c}a" for c in characters[start : start + (1 << 16)]])


@pytest.mark.slow
def test_random_unicode(tokenizer, in_graph):
    """Much of what changes beside something else: marks of many classes, sigmas, what is passed over."""
    draw = random.Random(5)
    known = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Co", "Cs")]
    ordered = [char for char in known if unicodedata.combining(char)]
    kept = [char for char in ordered if unicodedata.category(char) != "Mn"]  # those that are not stripped
    unordered = [char for char in known if unicodedata.category(char) == "Mn" and not unicodedata.combining(char)]
    passed = list("'.:·\u00ad\u200b\u2019\u0345\u02b0\u1f88\u0130")
    pools = [known, known, ordered, kept, kept, unordered, passed, list("Σaσ"), list("ΑBé中한"), list(" \n\u2028,")]
    assert len(kept) > 20
    texts = ["".join(draw.choice(draw.choice(pools)) for _ in range(draw.randrange(25))) for _ in range(20000)]
    texts += ["".join(chr(draw.randrange(0xE000, 0x110000)) for _ in range(10)) for _ in range(500)]
    for start in range(0, len(texts), 1000):
        assert_equal(tokenizer, in_graph, texts[start : start + 1000])


def test_bytes_that_are_no_text_and_long_words(tokenizer, in_graph):
    assert_equal(tokenizer, in_graph, BYTES)
    draw = np.random.default_rng(1)
    assert_equal(tokenizer, in_graph, [draw.bytes(draw.integers(1, 30)) for _ in range(2000)])
    some = [bytes(draw.choice(list(b"a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x99\x82\xed\xa0 "), 8)) for _ in range(5000)]
    assert_equal(tokenizer, in_graph, some)


def test_nothing(in_graph):
    assert in_graph([]) == [[], []]
    assert in_graph(["", "\x00", " "]) == [[[], [], []]] * 2


@pytest.mark.slow
@pytest.mark.parametrize("length", [3, 4, 5, 9, 40])
def test_packed(tokenizer, length):
    draw = np.random.default_rng(length)
    count = 300
    splits = [np.concatenate([[0], np.cumsum(draw.integers(0, 12, count) * draw.integers(0, 2, count))]) for _ in "ab"]
    first, second = [(draw.integers(0, 30, s[-1]).astype(np.int32), s.astype(np.int64)) for s in splits]
    layout = Packed(tokenizer, length)
    in_graph = tf.function(layout.graph_form())
    for pair in [(first,), (first, second)]:
        rows = layout.pack(*pair)
        found = in_graph(*(tf.RaggedTensor.from_row_splits(*part) for part in pair))
        mask = found["input_mask"].numpy() > 0
        assert mask.sum(axis=1).tolist() == rows.lengths.tolist()
        for name, values in rows.values.items():
            assert found[name].dtype == tf.int32
            np.testing.assert_array_equal(found[name].numpy()[mask], values)
            assert not found[name].numpy()[~mask].any()


def test_other_layouts_and_tokenizers_are_refused(tokenizer):
    with pytest.raises(InputError, match="layout separate .* cannot be put into a graph"):
        make("separate", get("packed")(tokenizer, 9)).graph_form()

    class Characters(Tokenizer):
        kind = "characters"

    with pytest.raises(InputError, match="the kind characters cannot be put into a graph"):
        Characters({"a": 0}, "characters.txt").graph_form()
