"""Tags, spans and characters: as seqeval and conlleval.pl read them, and back again for any text."""

import pytest
import seqeval.metrics.sequence_labeling as seqeval
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.scheme import IOB1, IOB2, IOBES, Entities

from bertline.processors.tagging import tag_schemes, tag_spans, word_offsets
from bertline.processors.tagging.tag_spans import Span

LABELS = ("PER", "LOC-x")
TAGS = ["O", *(f"{prefix}-{label}" for prefix in "BIES" for label in LABELS)]
STRICT = {"iob1": IOB1, "iob2": IOB2, "bioes": IOBES}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=12))
def test_any_tags_are_read_as_seqeval_reads_them(tags):
    expected = [Span(first, last + 1, label) for label, first, last in seqeval.get_entities(tags)] if tags else []
    assert tag_spans.spans_of(tags) == expected


@st.composite
def spans(draw, count):
    """Spans of a sentence of so many words."""
    cuts = sorted(draw(st.sets(st.integers(0, count), max_size=count + 1)))
    pairs = [pair for pair in zip(cuts, cuts[1:]) if draw(st.booleans())]
    return [Span(first, end, draw(st.sampled_from(LABELS))) for first, end in pairs]


@settings(max_examples=200, deadline=None)
@given(st.data(), st.integers(1, 12), st.sampled_from(tag_schemes.SCHEMES))
def test_every_scheme_keeps_the_spans_by_seqeval_s_strict_reading(data, count, scheme):
    expected = data.draw(spans(count))
    tags = tag_schemes.tags_of(expected, count, scheme)
    assert tag_spans.spans_of(tags) == expected and tag_schemes.broken_places(tags, scheme) == []
    [strict] = Entities([list(tags)], STRICT[scheme]).entities
    assert [Span(one.start, one.end, one.tag) for one in strict] == expected
    for other in tag_schemes.SCHEMES:
        assert tag_schemes.convert(tags, other) == tag_schemes.tags_of(expected, count, other)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.data(), st.sampled_from(word_offsets.SPLITS))
def test_spans_of_any_text_come_back_from_its_words(text, data, how):
    offsets = word_offsets.split_words(text, how)
    assert "".join(text[start:end] for start, end in offsets) == "".join(text.split())
    assert all(before[1] <= after[0] for before, after in zip(offsets, offsets[1:]))
    words = data.draw(spans(len(offsets))) if offsets else []
    said = [{"start": offsets[one.first][0], "end": offsets[one.end - 1][1], "label": one.label} for one in words]
    assert tag_spans.spans_over_words(said, offsets) == words
    tags = tag_schemes.tags_of(words, len(offsets), "iob2")
    assert tag_spans.spans_in_text(tags, offsets) == said


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=5)))
def test_joined_words_stand_where_it_is_said(words):
    text, offsets = word_offsets.join_words(words)
    assert [text[start:end] for start, end in offsets] == words


@pytest.mark.parametrize(
    "text, words",
    [
        ("It's U.S. aid, isn't it?", ["It", "'s", "U.S.", "aid", ",", "is", "n't", "it", "?"]),
        ("@paul: 10,000.5 at 12:30 (see https://a.b/c?d)", None),
        ("A well-known #tag", ["A", "well-known", "#tag"]),
        ("希望工程IBM公司。", ["希", "望", "工", "程", "IBM", "公", "司", "。"]),
        ("हिन्दी cafe\u0301!", ["हिन्दी", "cafe\u0301", "!"]),
    ],
)
def test_words_stand_as_in_conll_s_files(text, words):
    words = words or ["@paul", ":", "10,000.5", "at", "12:30", "(", "see", "https://a.b/c?d", ")"]
    assert [text[start:end] for start, end in word_offsets.split_words(text)] == words


def test_words_that_a_span_touches_are_its():
    offsets = word_offsets.split_words("New York-based firm")
    found = tag_spans.spans_over_words(
        [{"start": 4, "end": 8, "label": "LOC"}, {"start": 3, "end": 4, "label": "LOC"}], offsets
    )
    assert found == [Span(1, 2, "LOC"), None]


@pytest.mark.parametrize(
    "scheme, sentences",
    [
        ("iob1", ["I-A I-A O I-B", "O I-A B-A I-A"]),
        ("iob2", ["B-A I-A O B-B", "I-A O"]),
        ("bioes", ["B-A E-A", "S-B O"]),
        ("bioes", ["B-A M-A L-A", "U-B O"]),
        (None, ["NN DT", "VB"]),
        ("iob1", ["I-A"]),
    ],
)
def test_schemes_are_recognised(scheme, sentences):
    sentences = [one.split() for one in sentences]
    assert tag_schemes.scheme_of(sentences) == scheme
    every = sorted({tag for tags in sentences for tag in tags})
    assert tag_schemes.scheme_of_list(every) == scheme


def test_an_inside_without_a_beginning_is_told_and_begins():
    tags = "O I-A I-A O I-B B-B".split()
    assert tag_schemes.broken_places(tags, "iob2") == [1, 4]
    assert tag_schemes.convert(tags, "iob2") == ("O", "B-A", "I-A", "O", "B-B", "B-B")


@pytest.mark.parametrize("text", ["." * 200_000, "a" * 200_000, "1" * 200_000, "a." * 100_000, "http://" * 30_000])
def test_a_text_of_200_000_characters_is_cut_at_once(text):
    """A pattern that tries each beginning with each end would take hours."""
    offsets = word_offsets.split_words(text)
    assert sum(end - start for start, end in offsets) == len(text)
