"""Raw text as words with the places of their characters, and words as text again."""

import dataclasses
import re
import unicodedata

from bertline.errors import InputError
from bertline.processors.tokenizers.rules.character_rules import is_cjk

WORDS, SPACES, CHARACTERS = SPLITS = ("words", "spaces", "characters")

# As words stand in the files of CoNLL and WNUT: addresses, @names, numbers and abbreviations are whole, so are words
# with hyphens or apostrophes; clitics are words of their own, and so is every other sign.
_WORD = re.compile(
    r"https?://[^\s<>\"]*[\w/]|www\.[^\s<>\"]*[\w/]|[\w.+-]{1,64}@\w[\w-]*(?:\.\w+)+"
    r"|[@#]\w+|\d+(?:[.,:/]\d+)+|(?:[^\W\d_]\.){2,}"
    r"|['’](?:s|m|d|re|ve|ll)\b|n['’]t\b|\w+?(?=n['’]t\b)|\w+(?:(?:-|['’](?!(?:s|m|d|re|ve|ll|t)\b))\w+)*|\S",
    re.IGNORECASE,
)
_LETTER = "x"


def split_words(text, how=WORDS):
    """The (start, end) of each word of a text, in characters; every character that is no white space is in one word.

    Args:
      how: "words": words, numbers, clitics and signs by rules, each ideograph by itself. "spaces": what stands between
        white space. "characters": each character.

    Raises:
      InputError: an unknown `how`.
    """
    if how == WORDS:
        return _by_rules(text)
    if how == SPACES:
        return [match.span() for match in re.finditer(r"\S+", text)]
    if how == CHARACTERS:
        return [(i, i + 1) for i, char in enumerate(text) if not char.isspace()]
    raise InputError(f"words by {how!r}; one of {', '.join(SPLITS)} is needed")


def _by_rules(text):
    if text.isascii():
        return [match.span() for match in _WORD.finditer(text)]
    shown = "".join(map(_simplify, text))
    found = []
    for start, end in (match.span() for match in _WORD.finditer(shown)):
        # Ideographs stand in runs of letters.
        places = [start, *(place for i in range(start, end) if is_cjk(text[i]) for place in (i, i + 1)), end]
        places = sorted(set(places))
        found += zip(places, places[1:])
    return found


def _simplify(char):
    """A character as the rules see it: marks and what joins letters (in Hindi, Thai, emoji) are letters to them."""
    if char.isascii():
        return char
    return _LETTER if unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") else char


def join_words(words):
    """(text, offsets) of words whose text is not known: with a blank between two, unless ideographs meet.

    offsets: list of (start, end), in characters.
    """
    parts, offsets, place = [], [], 0
    for i, word in enumerate(words):
        if i and not (_is_dense(words[i - 1][-1:]) and _is_dense(word[:1])):
            parts.append(" ")
            place += 1
        parts.append(word)
        offsets.append((place, place + len(word)))
        place += len(word)
    return "".join(parts), offsets


def _is_dense(char):
    """Whether a character is of a script that writes no blanks: ideographs, kana and their punctuation."""
    return bool(char) and (is_cjk(char) or "\u3000" <= char <= "\u30ff" or "\uff00" <= char <= "\uffef")


def with_text(example):
    """The sentence with a text: its own, or its words joined."""
    if example.text is not None:
        return example
    text, offsets = join_words(example.words)
    return dataclasses.replace(example, text=text, offsets=offsets)
