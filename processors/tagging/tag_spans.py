"""Tags of words and the spans that they stand for.

Source: Ramshaw & Marcus 1995, https://arxiv.org/abs/cmp-lg/9505040 (IOB1); Tjong Kim Sang & De Meulder 2003,
https://arxiv.org/abs/cs/0306050; tags that break their scheme are read as conlleval.pl reads them.
"""

import bisect
import typing

OUTSIDE = "O"
# Prefix of a tag -> the same in BIOES. BILOU has L and U, Chinese corpora have M.
PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S", "M": "I", "W": "S"}


class Span(typing.NamedTuple):
    """The words first to end (exclusive) of a sentence; a label."""

    first: int
    end: int
    label: str


def parts_of_tag(tag):
    """(prefix in BIOES, label) of a tag; (OUTSIDE, "") of one that marks no span, a part of speech among them."""
    prefix, dash, label = tag.partition("-")
    return (PREFIXES[prefix], label) if dash and prefix in PREFIXES else (OUTSIDE, "")


def marks_spans(tags):
    """Whether any of the tags says where a span is; parts of speech do not."""
    return any(parts_of_tag(tag)[0] != OUTSIDE for tag in tags)


def spans_of(tags):
    """The Spans of a sentence, in any scheme of beginnings and insides, as conlleval.pl counts them.

    A span goes on with I- or E- of its own label, unless E- or S- ended it; every other tag but O begins one.
    """
    found, before = [], OUTSIDE
    for place, tag in enumerate(tags):
        prefix, label = parts_of_tag(tag)
        if prefix in "IE" and before in "BI" and found[-1].label == label:
            found[-1] = found[-1]._replace(end=place + 1)
        elif prefix != OUTSIDE:
            found.append(Span(place, place + 1, label))
        before = prefix
    return found


def spans_in_text(tags, offsets):
    """What the tags of a text's words say of its characters.

    Args:
      tags: of each word.
      offsets: (start, end) of each word in the text, in characters.

    Returns:
      list of dicts start, end, label.
    """
    return [
        {"start": offsets[span.first][0], "end": offsets[span.end - 1][1], "label": span.label}
        for span in spans_of(tags)
    ]


def spans_over_words(spans, offsets):
    """Spans of characters -> Spans of words: of all words that share a character with them.

    Args:
      spans: dicts start, end, label.
      offsets: (start, end) of each word, in order.

    Returns:
      list of Span or None, in the order of `spans`; None where no word is touched.
    """
    starts, ends = [start for start, _ in offsets], [end for _, end in offsets]
    found = []
    for span in spans:
        first, end = bisect.bisect_right(ends, span["start"]), bisect.bisect_left(starts, span["end"])
        found.append(Span(first, end, span["label"]) if first < end else None)
    return found
