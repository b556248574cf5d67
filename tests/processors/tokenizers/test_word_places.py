"""Words of raw texts with their places, against the words of BERT's tokenizer and of transformers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_texts import ODD

from bertline.processors.tokenizers.rules.normalization import BasicTokenizer
from bertline.processors.tokenizers.rules.word_places import word_places

BASIC = BasicTokenizer(do_lower_case=False)


def check(text):
    """Each place holds a word of the tokenizer, which has lost the characters that it removes; nothing is left out."""
    words = [text[start:end] for start, end in word_places(text)]
    assert ["".join(BASIC.clean(word).split()) for word in words] == BASIC.tokenize(text)


@pytest.mark.parametrize("text", [text for text in ODD if not any("\ud800" <= char <= "\udfff" for char in text)])
def test_words_are_those_of_the_tokenizer(text):
    check(_without_marks_alone(text))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Mn"))))
def test_any_text(text):
    check(text)


def _without_marks_alone(text):
    """A combining mark after a punctuation mark is a word to the tokenizer where it strips no accents."""
    return "".join(char for char in text if char not in "\u0301\u0323")


def test_places_in_a_text():
    text = "Füße: 北京-ab\u200bc e\u0301!\u0301\tx\n"
    words = [text[start:end] for start, end in word_places(text)]
    assert words == ["Füße", ":", "北", "京", "-", "ab\u200bc", "e\u0301", "!\u0301", "x"]
    assert word_places(" \n\u200b") == []


def test_fast_tokenizers_have_the_same_places():
    transformers = pytest.importorskip("tokenizers")
    peer = transformers.pre_tokenizers.BertPreTokenizer()
    text = "Jim's 3.5-inch (naïve) café cost $4, in São Paulo…"
    assert word_places(text) == [place for _, place in peer.pre_tokenize_str(text)]


def test_a_graph_has_the_same_places():
    from bertline.processors.tokenizers.graph.graph_word_places import GraphWordPlaces

    texts = [text.encode("utf-8", "ignore").decode() for text in ODD] + [
        "Füße: 北京-ab\u200bc e\u0301!\u0301\tx\n",
        "\U00020000a\x85b",
    ]
    words, starts, ends = (one.to_list() for one in GraphWordPlaces()(texts))
    for text, *found in zip(texts, words, starts, ends, strict=True):
        expected = word_places(text)
        assert list(zip(found[1], found[2])) == expected
        assert [word.decode() for word in found[0]] == [text[start:end] for start, end in expected]
