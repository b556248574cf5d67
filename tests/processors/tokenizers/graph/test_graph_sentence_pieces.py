"""The SentencePiece tokenizer of graphs against Python's: every code point, random Unicode, odd bytes, numbers.

Ties of a unigram model apart, everything is compared exactly. A new model or text here may meet a tie.
"""

import itertools
import pathlib
import random
import unicodedata

import numpy as np
import pytest
import sentencepiece
import small_pieces
import tensorflow as tf

from bertline.processors.tokenization import convert_to_unicode
from bertline.processors.tokenizers.graph.graph_sentence_pieces import GraphPreparation, GraphSentencePieces
from bertline.processors.tokenizers.sentencepiece import UNDERLINE, SentencePieceTokenizer, prepare_text
from bertline.processors.vocabulary import sentencepiece as piece_training
from bertline.processors.vocabulary.words import PreparedWords, count_words

CORPUS = sorted((pathlib.Path(__file__).parents[4] / "samples" / "corpus").glob("*.txt"))
MODELS = {
    "unigram": {},
    "bpe": {"model_type": "bpe", "normalization_rule_name": "identity"},
    "bytes": {"byte_fallback": True, "vocab_size": 400},
    "crossing": {"split_by_whitespace": False, "normalization_rule_name": "identity", "vocab_size": 400},
    "suffix": {"treat_whitespace_as_suffix": True, "remove_extra_whitespaces": False, "left_out": ","},
}
COMBINATIONS = [(lower, keep) for lower in (False, True) for keep in (False, True)]
CHARACTERS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
KNOWN = [char for char in CHARACTERS if unicodedata.category(char) not in ("Cn", "Co")]
TEXTS = [
    "",
    " ",
    "\n",
    "\x00",
    "a",
    "``",
    "''",
    "```",
    "'''",
    "``''``",
    "`\n`",
    "` `",
    "'' ''",
    "'`'`''",
    "``a'' b",
    "\u02ba",
    "＇＇a｀｀",
    "´´ ``",
    "¨ a ¨",
    "\u0301",
    "\u0301a",
    " \u3000a\u2028\u2029b\x1c\x1d\x1e\x1f\x85c\xa0 ",
    "\u200bx\ufeff",
    "▁",
    "▁▁a▁",
    "a ▁1,▁ 2,",
    "1,000",
    "1,000,000 dogs, 25,000,",
    "3,",
    " 3, ",
    "a1,",
    "a1,b",
    ",",
    ",,",
    "1,,",
    "1,2,3,4",
    "²,",
    "2²,",
    "a²,b",
    "½,",
    "³,³,³",
    "１,０００",
    "１，０００",
    "3，",
    "３,",
    "٣,٤",
    "٣،",
    "𝟛,",
    "①,",
    "⑴,",
    "⒈,",
    "Ⅷ,",
    "三,",
    "🙂1,",
    "1,🙂",
    "🙂,",
    "🙂²,🙂",
    "🙂٣,",
    "٣,٣,",
    "9,\u0301",
    "9\u0301,",
    "9\u200b,",
    "9 ,",
    "9,\n9,",
    "▁9,",
    "9▁,",
    "☃9,☃",
    "[CLS]",
    "a[CLS]b",
    "[SEP] [MASK] <pad> <unk>",
    "<0x41>",
    "the cat sat",
    "THE CAFÉ",
    "ﬁne oﬃce",
    "ΑΣ",
    "ΌΣΟΣ ΣΑΣ Σ",
    "ΑΣ\u0301",
    "ΑΣ'",
    "ΑΣ'Α",
    "Α.Σ.",
    "Α\u0345Σ",
    "Αϲ Ϲ ΑϹ ΑϹΑ",
    "𝚺 Α𝚺 𝛢𝛴",
    "ΑΣ\u00adΑ ΑΣ\u00ad",
    "ⓐΣ ʰΣ ªΣ Aʰ\u03a3",
    "İstanbul Iı",
    "ẞß",
    "ǅ Ǆ",
    "한국 각",
    "각\u11a8",
    "북京北京",
    "a" * 5000,
    "1," * 500,
    "² " * 300,
]
BYTES = [
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
    b"`\xff`a'\xe4'",
    b"1\xff,",
    b"9,\xff",
    b"a \xff b",
    b"\xff a",
    b"a \xff",
    "ΑΣ".encode() + b"\xff",
    b"\xff1,000",
    b"e\xcc\xffe\xcc\x81",
]


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda c: f"{'lower' if c[0] else 'cased'}-keep_{c[1]}")
def preparation(request):
    """(do_lower_case, keep_accents, the function of a graph)."""
    graph = GraphPreparation(*request.param)
    return *request.param, tf.function(graph, autograph=False, input_signature=[tf.TensorSpec([None], tf.string)])


@pytest.fixture(scope="module", params=MODELS)
def piece_model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return small_pieces.train(folder / "spiece.model", **MODELS[request.param])


def in_graph(tokenizer):
    """Traced, as an export has it: texts -> lists of ids."""
    signature = [tf.TensorSpec([None], tf.string)]
    function = tf.function(GraphSentencePieces(tokenizer), autograph=False, input_signature=signature)
    return lambda texts: function(tf.constant(texts, tf.string))


def assert_prepared_equal(preparation, texts):
    do_lower_case, keep_accents, graph = preparation
    found = graph(tf.constant(texts, tf.string)).numpy().tolist()
    for text, one in zip(texts, found, strict=True):
        assert one.decode() == prepare_text(text, do_lower_case, keep_accents), ascii(text)


def assert_equal(tokenizer, graph, texts):
    found = graph(texts)
    assert found.dtype == tf.int32
    expected, row_splits = tokenizer.encode_batch([convert_to_unicode(text) for text in texts])
    if found.values.numpy().tolist() != expected.tolist() or found.row_splits.numpy().tolist() != row_splits.tolist():
        for i, ids in enumerate(found.to_list()):
            assert ids == expected[row_splits[i] : row_splits[i + 1]].tolist(), ascii(texts[i])


def between_sigmas(characters):
    """Each alone, in a word, and between capital sigmas, whose lower case depends on what is beside them."""
    return [f"a{c}b {c} Α{c}Σ{c}a" for c in characters]


def random_texts(count, seed):
    """Much of what changes beside something else: quotation marks, digits and commas, sigmas, blanks, marks."""
    draw = random.Random(seed)
    marks = [char for char in KNOWN if unicodedata.combining(char)]
    digits = [char for char in KNOWN if char.isdigit()]
    passed = list("'.:·\u00ad\u200b\u2019\u0345\u02b0\u1f88\u0130")
    pools = [
        KNOWN,
        marks,
        digits,
        passed,
        list("Σaσ𝚺Ϲ"),
        list("ΑBé中한"),
        list(" \n\u2028\xa0▁"),
        list("`'``''"),
        list("019,"),
        list("19,²３▁ ☃"),
        list("1,0the cat25 9,"),
        [" ".join(["the cat 1,000"]), "9,", "²,", "[CLS]"],
    ]
    return ["".join(draw.choice(draw.choice(pools)) for _ in range(draw.randrange(25))) for _ in range(count)]


@pytest.mark.slow
def test_every_code_point_is_prepared_as_in_python(preparation):
    """Outside what Unicode has assigned nothing happens, in whatever combination: once is enough."""
    characters = CHARACTERS if preparation[:2] == (True, False) else KNOWN
    for start in range(0, len(characters), 1 << 16):
        assert_prepared_equal(preparation, between_sigmas(characters[start : start + (1 << 16)]))


def test_any_text_is_prepared_as_in_python(preparation):
    assert_prepared_equal(preparation, TEXTS)
    assert_prepared_equal(preparation, BYTES)
    assert_prepared_equal(preparation, random_texts(10000, 1))
    assert preparation[2](tf.constant([], tf.string)).shape == [0]


@pytest.mark.slow
def test_every_code_point(piece_model):
    """With a preparation that leaves most to the model, and with a comma, which makes a number of a digit."""
    tokenizer = SentencePieceTokenizer(piece_model, do_lower_case=False, keep_accents=True)
    graph = in_graph(tokenizer)
    for start in range(0, len(KNOWN), 1 << 15):
        assert_equal(tokenizer, graph, [f"a{c}b {c} 1{c},{c}, {c}," for c in KNOWN[start : start + (1 << 15)]])
    assert_equal(tokenizer, graph, [chr(c) for c in range(0xE000, 0x110000, 7)])


@pytest.mark.slow
@pytest.mark.parametrize("do_lower_case, keep_accents", COMBINATIONS)
def test_any_text(do_lower_case, keep_accents, piece_model):
    tokenizer = SentencePieceTokenizer(piece_model, do_lower_case, keep_accents)
    graph = in_graph(tokenizer)
    assert_equal(tokenizer, graph, TEXTS)
    for text in TEXTS:  # by itself, too: where no text of a batch has such a number, nothing is split
        assert_equal(tokenizer, graph, [text])
    assert_equal(tokenizer, graph, BYTES)
    for texts in (random_texts(4000, 2), between_sigmas(KNOWN[::29])):
        assert_equal(tokenizer, graph, texts)
    draw = np.random.default_rng(1)
    assert_equal(tokenizer, graph, [draw.bytes(draw.integers(1, 30)) for _ in range(1000)])
    some = [
        bytes(draw.choice(list(b"1,a`'\xc3\xa9\xc2\xb2\xe4\xbd\xa0\xf0\x9f\x99\x82\xed\xa0 "), 8)) for _ in range(3000)
    ]
    assert_equal(tokenizer, graph, some)


def test_numbers_with_a_comma_are_met_in_all_forms(tmp_path):
    """Guards the tests above: what pieces a small model has is the trainer's choice."""
    found = set()
    for name, options in MODELS.items():
        processor = sentencepiece.SentencePieceProcessor(str(small_pieces.train(tmp_path / name, **options)))
        for piece in itertools.chain(
            *processor.encode([prepare_text(text, False, True) for text in TEXTS], out_type=str)
        ):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                known = processor.piece_to_id(piece) != processor.unk_id()
                found.add(("known" if known else "unknown", piece[0] == UNDERLINE))
    assert found == {("known", True), ("known", False), ("unknown", False)}


@pytest.mark.slow
def test_no_text_and_empty_texts(piece_model):
    tokenizer = SentencePieceTokenizer(piece_model)
    graph = in_graph(tokenizer)
    assert graph([]).to_list() == []
    assert graph(["", " \u3000", b"\xff"]).to_list() == [[], [], []]


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_real_text(model_type, tmp_path):
    """A model as build_vocab.py makes it, and the text that it was made of."""
    lines = [line for path in CORPUS for line in path.read_text(encoding="utf-8").splitlines()]
    model = piece_training.train(count_words(lines, PreparedWords(True)), 1000, model_type)
    tokenizer = piece_training.save(model, tmp_path / "spiece.model", do_lower_case=True)
    assert_equal(tokenizer, in_graph(tokenizer), lines)


def test_two_ways_that_are_equally_likely(tmp_path):
    """Which of them is taken depends on the release of SentencePiece, see graph_sentence_pieces.py."""
    words = [
        word + run for word in ("the", "cat", "sat", "on", "a", "mat") for run in ("", ".", "...", "22", "2", "!!!")
    ]
    path = small_pieces.train(tmp_path / "spiece.model", words=words, vocab_size=60)
    tokenizer = SentencePieceTokenizer(path)
    draw, graph = random.Random(4), in_graph(tokenizer)
    runs = [char * count for char in ".2!" for count in (4, 5, 7)]
    texts = [" ".join([*draw.choices(words, k=draw.randrange(40)), "cat" + draw.choice(runs)]) for _ in range(500)]
    expected, row_splits = tokenizer.encode_batch(texts)
    mixed = 0
    for i, ids in enumerate(graph(texts).to_list()):
        row = expected[row_splits[i] : row_splits[i + 1]].tolist()
        assert sorted(ids) == sorted(row), texts[i]
        pieces = [tokenizer.convert_ids_to_tokens(one) for one in (ids, row)]
        assert "".join(pieces[0]) == "".join(pieces[1])
        mixed += len({piece for piece in pieces[1][-5:] if set(piece) <= set(".2!")}) > 1
    assert mixed > 50, "the model has pieces of several lengths for the same run"
