"""Schemes of tags: which one a file has, and the tags of a span in each."""

import dataclasses
import logging

from bertline.processors.tagging.tag_spans import OUTSIDE, marks_spans, parts_of_tag, spans_of

IOB1, IOB2, BIOES = SCHEMES = ("iob1", "iob2", "bioes")
AS_IT_IS = "as_it_is"
# What is learned of files in a scheme: in IOB1 the same word begins a span or goes on with one by what stands before.
LEARNED = {IOB1: IOB2, IOB2: IOB2, BIOES: BIOES}


def scheme_of(sentences):
    """The scheme of tags: one of SCHEMES; None where no tag marks a span.

    IOB1 has B- only where a span follows one of its own label; a file in which spans begin by I- and none by such a B-
    is IOB1, too.

    Args:
      sentences: sequences of tags.
    """
    inside_first = begun = False
    for tags in sentences:
        before = OUTSIDE, ""
        for tag in tags:
            prefix, label = parts_of_tag(tag)
            if prefix in "ES":
                return BIOES
            follows = before[0] != OUTSIDE and before[1] == label
            begun |= prefix == "B" and not follows
            inside_first |= prefix == "I" and not follows
            before = prefix, label
    return IOB2 if begun else IOB1 if inside_first else None


def scheme_of_list(tags):
    """The scheme that a list of tags, as that of a trained model, belongs to; None where none marks a span."""
    found = {parts_of_tag(tag) for tag in tags}
    prefixes = {prefix for prefix, _ in found}
    if not marks_spans(tags):
        return None
    if prefixes & set("ES"):
        return BIOES
    return IOB2 if all(("B", label) in found for prefix, label in found if prefix == "I") else IOB1


def tags_of(spans, count, scheme):
    """The tags of `count` words, tuple of str.

    Args:
      spans: of tag_spans.Span, in order, which share no word.
      scheme: of SCHEMES.
    """
    tags, before = [OUTSIDE] * count, None
    for span in spans:
        touches = before is not None and before.end == span.first and before.label == span.label
        prefixes = ["B" if scheme != IOB1 or touches else "I"] + ["I"] * (span.end - span.first - 1)
        if scheme == BIOES:
            prefixes[-1] = "E" if len(prefixes) > 1 else "S"
        tags[span.first : span.end] = [f"{prefix}-{span.label}" for prefix in prefixes]
        before = span
    return tuple(tags)


def convert(tags, scheme):
    """The same spans in another scheme; what marks no span stays as it is."""
    new = tags_of(spans_of(tags), len(tags), scheme)
    return tuple(tag if parts_of_tag(tag)[0] == OUTSIDE else other for tag, other in zip(tags, new))


def broken_places(tags, scheme):
    """The numbers of the words whose tags their scheme does not allow where they stand, as I- after O in IOB2."""
    right = tags_of(spans_of(tags), len(tags), scheme)
    return [i for i, (tag, other) in enumerate(zip(tags, right)) if parts_of_tag(tag) != parts_of_tag(other)]


def in_scheme(examples, found, wanted, path, fix):
    """The examples with tags of the wanted scheme.

    Args:
      examples: list of TaggedWords.
      found: the scheme that they have; None where no tag marks a span.
      wanted: of SCHEMES, None or AS_IT_IS: they stay as they are.
      path: for messages.
      fix: whether tags that break their scheme are made right; else they are told of and stay.
    """
    if found is None or wanted in (None, AS_IT_IS):
        return examples
    broken = _find_broken(examples, found)
    if broken:
        source, word, tag = broken[0]
        logging.warning(
            "%s: tags that break the scheme: %d, %s; %s of %r in the sentence at %s follows no tag of its span; %s",
            path,
            len(broken),
            found.upper(),
            tag,
            word,
            source,
            "a span begins there, as conlleval reads it" if fix else "scores count it as conlleval does",
        )
    if found == wanted and not (broken and fix):
        return examples
    if found != wanted:
        logging.info("%s: tags in %s are converted to %s", path, found.upper(), wanted.upper())
    return [dataclasses.replace(one, label=convert(one.label, wanted)) if one.label else one for one in examples]


def _find_broken(examples, scheme):
    """(source, word, tag) of each tag that breaks its scheme."""
    return [
        (one.source, one.words[i], one.label[i])
        for one in examples
        for i in (broken_places(one.label, scheme) if one.label else ())
    ]
