"""Raw texts, a line each, with spans that have labels or without: TaggedWords that know their place in the text."""

import collections
import logging

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.base import TaggedWords
from bertline.processors.files.text_files import iterate_lines
from bertline.processors.tagging import tag_schemes, tag_spans, word_offsets

EXAMPLE = '{"text": "To Paris.", "spans": [{"start": 3, "end": 8, "label": "LOC"}]}'


def is_json(path):
    """Whether a file has JSON lines, by its name."""
    return str(path).removesuffix(".gz").endswith((".jsonl", ".json"))


def raw_documents(path, encoding, how):
    """Lines of text -> a list of lists of TaggedWords without tags, one for each line; empty lines end a document.

    Args:
      how: of word_offsets.SPLITS.
    """
    found = [[]]
    for number, text in enumerate(iterate_lines(path, encoding, "--encoding"), 1):
        one = _words(f"test-{number}", text, word_offsets.split_words(text, how), None, f"{path}:{number}")
        found[-1].append(one)
        if not one.words:
            found.append([])
    return found


def span_documents(path, encoding, split, how):
    """Lines of JSON, as EXAMPLE -> [list of TaggedWords in IOB2]; without "spans" a line of test is unlabelled.

    A span is that of all words that it touches; those that change by this are counted in a warning.

    Raises:
      InputError: that names the line, and the place in it.
    """
    found, moved = [], collections.Counter()
    for number, line in enumerate(iterate_lines(path, encoding, "--encoding"), 1):
        if line.strip():
            found.append(example_of_json(line, path, number, split, how, moved))
    if not found:
        raise InputError(f"{path}: no line; lines of JSON are needed, as {EXAMPLE}")
    if moved:
        logging.warning(
            "%s: spans that end inside a word and take all of it: %d (the first is in line %d); spans without a word "
            "of their own, which are left out: %d; --split_words=characters cuts finer",
            path,
            moved["wider"],
            moved["first"],
            moved["none"],
        )
    return [found]


def example_of_json(line, path, number, split, how, moved):
    """The TaggedWords of a line of JSON, in IOB2.

    Args:
      path, number: of the line, for messages.
      split, how: as of `span_documents`.
      moved: collections.Counter of spans that were made "wider" or that have no word ("none"); "first": a line of one.
    """
    value = json_files.parse(line, str(path), mend=f"a line is needed as {EXAMPLE}", line=number)
    where = f"{path}:{number}"
    text = _read_field(value, "text", str, where)
    offsets = word_offsets.split_words(text, how)
    guid = str(value.get("guid", f"{split}-{number}"))
    if "spans" not in value:
        if split != "test":
            raise InputError(f'{where}: no "spans"; every {split} line needs them, as {EXAMPLE}')
        return _words(guid, text, offsets, None, where)
    spans = _spans(_read_field(value, "spans", list, where), text, where)
    over = tag_spans.spans_over_words(spans, offsets)
    kept, end = [], 0
    for span, words in zip(spans, over):
        # A span that was made wider may have taken the words of the one after it.
        words = words and words._replace(first=max(words.first, end))
        if words is None or words.first >= words.end:
            moved["none"] += 1
            moved.setdefault("first", number)
            continue
        if (offsets[words.first][0], offsets[words.end - 1][1]) != (span["start"], span["end"]):
            moved["wider"] += 1
            moved.setdefault("first", number)
        kept.append(words)
        end = words.end
    return _words(guid, text, offsets, tag_schemes.tags_of(kept, len(offsets), tag_schemes.IOB2), where)


def _spans(values, text, where):
    """The spans of a line in order, checked. Raises InputError."""
    spans = []
    for i, value in enumerate(values):
        place = f"{where}: spans[{i}]"
        if not isinstance(value, dict):
            raise InputError(f"{place}: {json_files.excerpt(value)}; an object with start, end and label is needed")
        span = {name: _read_field(value, name, kind, place) for name, kind in _SPAN.items()}
        if not 0 <= span["start"] < span["end"] <= len(text):
            raise InputError(
                f"{place}: characters {span['start']} to {span['end']} of a text of {len(text)}; "
                "start < end, from 0 to the length of the text, is needed"
            )
        if not span["label"].split() or span["label"].split() != [span["label"]]:
            raise InputError(f"{place}: label {span['label']!r}; a word without white space is needed")
        spans.append((span, place))
    spans.sort(key=lambda one: (one[0]["start"], one[0]["end"]))
    for (one, _), (other, place) in zip(spans, spans[1:]):
        if other["start"] < one["end"]:
            raise InputError(
                f"{place}: begins at {other['start']}, inside the {one['label']} from {one['start']} to {one['end']}; "
                "a word has one tag: keep one of the two"
            )
    return [span for span, _ in spans]


_SPAN = {"start": int, "end": int, "label": str}


def _read_field(value, name, kind, where):
    found = value.get(name)
    if not isinstance(found, kind) or isinstance(found, bool):
        what = {str: "a string", int: "a whole number", list: "a list"}[kind]
        said = f"{name} is {json_files.excerpt(found)}" if name in value else f'no "{name}"'
        raise InputError(f"{where}: {said}; {what} is needed, as in {EXAMPLE}")
    return found


def _words(guid, text, offsets, tags, source):
    words = tuple(text[start:end] for start, end in offsets)
    return TaggedWords(guid, words, tags, source, text=text, offsets=tuple(offsets))
