"""Words of a segmenter among tokens."""

import itertools
import sys

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.processors.corpora.making import instance_making
from bertline.processors.text import segmenters
from bertline.processors.text.documents import TextBlock
from bertline.processors.tokenization import FullTokenizer
from bertline.processors.tokenizers.tokenizer import Tokenizer

VOCAB = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"我爱自然语言处理。，",
    "cafe",
    "un",
    "##able",
    "able",
    "3",
    ".",
    "14",
]


@pytest.fixture
def tokenizer(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(VOCAB) + "\n", encoding="utf-8")
    return FullTokenizer(path)


@pytest.fixture
def cutting(tmp_path, monkeypatch):
    """A module whose function cuts at "|", which it removes."""
    (tmp_path / "cutting.py").write_text("def cut(text):\n    return text.split('|')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "cutting:cut"
    sys.modules.pop("cutting", None)


def words(sentence, tokenizer, name):
    """The tokens of each word of one sentence that is cut at "|"; and whether words and tokens fitted."""
    block = instance_making.tokenize_block(TextBlock(0, [[sentence.replace("|", "")]], [0]), tokenizer, keep_texts=True)
    block.texts[0] = sentence
    segmented = segmenters.SegmentedWords(name, tokenizer)
    starts, missed = segmented.starts(block, tokenizer.continuations())
    tokens = tokenizer.convert_ids_to_tokens(block.ids.tolist())
    edges = [*np.flatnonzero(starts).tolist(), len(tokens)]
    return [" ".join(tokens[start:end]) for start, end in itertools.pairwise(edges)], missed == 0


@pytest.mark.parametrize(
    "sentence, wanted, fits",
    [
        ("我|爱|自然语言|处理|。", ["我", "爱", "自 然 语 言", "处 理", "。"], True),
        ("caf|é|我爱", ["cafe", "我 爱"], True),
        ("我 | |爱|3|.|14", ["我", "爱", "3", ".", "14"], True),
        ("我爱|unable", ["我 爱", "un ##able"], True),
        ("我爱|un|able", ["我 爱", "un ##able"], True),
        ("我|麟|爱", ["我", "[UNK]", "爱"], True),
        ("|我爱|", ["我 爱"], True),
        ("unable|我爱", ["un ##able", "我 爱"], True),
    ],
)
def test_words(tokenizer, cutting, sentence, wanted, fits):
    assert words(sentence, tokenizer, cutting) == (wanted, fits)


def test_words_that_do_not_fit_are_counted_and_left_to_the_tokens(tokenizer, tmp_path, monkeypatch):
    (tmp_path / "losing.py").write_text("def cut(text):\n    return [text[2:]]\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert words("我爱unable", tokenizer, "losing:cut") == (["我", "爱", "un ##able"], False)


@pytest.mark.parametrize(
    "name, message",
    [
        ("cutting", "'jieba' or package.module:function is needed"),
        ("no_such_module:cut", "there is no module 'no_such_module'"),
        ("cutting:no_such_function", "no_such_function"),
    ],
)
def test_refused(cutting, name, message):
    with pytest.raises(InputError, match=message):
        segmenters.load(name)


def test_jieba_is_asked_for_by_name():
    if "jieba" not in sys.modules:
        try:
            import jieba  # noqa: F401
        except ModuleNotFoundError:
            with pytest.raises(InputError, match="pip install jieba"):
                segmenters.load("jieba")
            return
    assert segmenters.load("jieba")("我爱自然语言处理") == ["我", "爱", "自然语言", "处理"]


def test_sentencepiece_is_refused():
    class Pieces(Tokenizer):
        kind = "sentencepiece"

    with pytest.raises(InputError, match="WordPiece vocabulary"):
        segmenters.SegmentedWords("jieba", Pieces({"a": 0}, "spiece.model"))
