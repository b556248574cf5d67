"""Text to words exactly as in BERT: clean, space out CJK, lower-case, strip accents, split punctuation.

Source: the definition in google-research/bert, tokenization.py, class BasicTokenizer (commit eedf571).
"""

import functools
import re
import unicodedata

from bertline.processors.tokenizers.rules.character_rules import ORIGINAL, is_cjk, is_punctuation, is_removed

__all__ = ["BasicTokenizer", "FastForm", "convert_to_unicode", "is_cjk", "is_punctuation", "whitespace_tokenize"]

_CAPITAL_SIGMA, _SMALL_SIGMA = "\u03a3", "\u03c3"


def convert_to_unicode(text):
    """Returns `text` as str; bytes are read as UTF-8 and undecodable ones dropped, as in the original."""
    if isinstance(text, str):
        return text
    if isinstance(text, bytes):
        return text.decode("utf-8", "ignore")
    raise ValueError(f"Unsupported string type: {type(text)}")


def whitespace_tokenize(text):
    """The words of `text` between runs of white space."""
    return text.split()


class CharTable(dict):
    """A table for `str.translate` that decides about each character when it is first met."""

    def __init__(self, replacement):
        super().__init__()
        self._replacement = replacement

    def __missing__(self, code_point):
        value = self[code_point] = self._replacement(chr(code_point))
        return value


class _Tables:
    """The tables that BasicTokenizers of the same settings share."""

    def __init__(self, rules, tokenize_chinese_chars):
        def clean(char):
            if rules.is_removed(char):
                return None
            if char in "\t\n\r\u2028\u2029" or unicodedata.category(char) == "Zs":
                return " "
            return f" {char} " if tokenize_chinese_chars and rules.is_cjk(char) else char

        def split(char):
            return f" {char} " if rules.is_punctuation(char) else char

        self.clean = CharTable(clean)
        self.split = CharTable(split)
        self.split_without_marks = CharTable(lambda char: None if rules.is_mark(char) else split(char))
        self.without_marks = CharTable(lambda char: None if rules.is_mark(char) else char)


_tables = functools.cache(_Tables)


class BasicTokenizer:
    """Words and punctuation marks of a text, before WordPiece.

    Lower-casing and canonical decomposition run over the whole text instead of over each word as in the original.
    It is the same: what depends on neighbours (final sigma, the order of combining marks) stops at white space and
    at ideographs. The tests compare every code point.

    Args:
      do_lower_case: bool.
      strip_accents: bool; None: accents go where the case goes, as in the original.
      tokenize_chinese_chars: whether each ideograph is a word.
      rules: CharacterRules.
    """

    def __init__(self, do_lower_case=True, strip_accents=None, tokenize_chinese_chars=True, rules=ORIGINAL):
        self.do_lower_case = bool(do_lower_case)
        self.strip_accents = self.do_lower_case if strip_accents is None else bool(strip_accents)
        self.tokenize_chinese_chars = bool(tokenize_chinese_chars)
        self.rules = rules
        self._tables = _tables(rules, self.tokenize_chinese_chars)
        self._split = self._tables.split_without_marks if self.strip_accents else self._tables.split

    def __reduce__(self):
        return BasicTokenizer, (self.do_lower_case, self.strip_accents, self.tokenize_chinese_chars, self.rules)

    def tokenize(self, text):
        """Returns the list of words (str). Lone surrogates stay in their word, as in the original."""
        return self.fold(self.clean(text)).translate(self._split).split()

    def normalize(self, text):
        """The text cleaned and folded, with blanks around ideographs; punctuation is left where it is."""
        return self.without_marks(self.fold(self.clean(text)))

    def clean(self, text):
        """What cleaning makes of a text: no control characters, white space as blanks, ideographs between blanks."""
        return convert_to_unicode(text).translate(self._tables.clean)

    def fold(self, text):
        """The text in lower case and decomposed, as far as that is wanted; marks are still there."""
        if self.do_lower_case:
            if not self.rules.final_sigma:
                text = text.replace(_CAPITAL_SIGMA, _SMALL_SIGMA)
            text = text.lower()
        return unicodedata.normalize("NFD", text) if self.strip_accents else text

    def without_marks(self, text):
        """The text without marks, where accents are stripped."""
        return text.translate(self._tables.without_marks) if self.strip_accents else text


class FoldedCharacters(dict):
    """What a BasicTokenizer makes of single characters, each when it is first met; "" of those that it drops."""

    def __init__(self, basic):
        super().__init__()
        self._basic = basic

    def __missing__(self, character):
        value = self[character] = self._basic.normalize(character).strip()
        return value

    def __reduce__(self):
        return FoldedCharacters, (self._basic,)


# --- the fast form: bytes that a C++ tokenizer, which splits at white space, ideographs and punctuation by itself,
# splits into the same words -----------------------------------------------------------------------------------------


def _char_class(members):
    """A regular expression class of the given sorted code points."""
    ranges = []
    for code_point in members:
        if ranges and ranges[-1][1] == code_point - 1:
            ranges[-1][1] = code_point
        else:
            ranges.append([code_point, code_point])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in ranges)


@functools.cache
def _plane_0():
    return [(c, chr(c), unicodedata.category(chr(c))) for c in range(0x10000)]


@functools.cache
def _find_notable(rules, tokenize_chinese_chars):
    """What has to be looked into. Beyond plane 0 a class would be a list of ranges that every character is compared
    with: one range, sorted out later."""

    def is_notable(c, char, category):
        apart = not tokenize_chinese_chars and is_cjk(char)
        return category in ("Cn", "Cs") or apart or char in rules.different or rules.is_removed(char)

    return re.compile("[" + _char_class(one[0] for one in _plane_0() if is_notable(*one)) + "\U00010000-\U0010ffff]")


@functools.cache
def _marks():
    return re.compile("[" + _char_class(c for c, _, category in _plane_0() if category == "Mn") + "]+")


@functools.cache
def _boundary():
    members = (c for c, char, _ in _plane_0() if char.isspace() or is_cjk(char) or is_punctuation(char))
    return re.compile("[" + _char_class(members) + "]+")


_ASCII_REMOVED = bytes(c for c in range(128) if is_removed(chr(c)))
_ASCII_LOWER = bytes(range(256)).lower()


class FastForm:
    """Text -> its cleaned and folded UTF-8, white space and punctuation left in place, or None where that will not do.

    None: the text has a code point that this Python's Unicode does not know (a newer Unicode, in the C++ tokenizer, may
    call it punctuation), or one that the tokenizer's rules and C++ see in different ways, a lone surrogate (no UTF-8),
    or is not ASCII and has a word of more than `max_word_bytes`.

    Args:
      basic: BasicTokenizer.
      max_word_bytes: int.
    """

    def __init__(self, basic, max_word_bytes):
        self._basic, self._rules, self._max_word_bytes = basic, basic.rules, max_word_bytes
        self._ascii = _ASCII_LOWER if basic.do_lower_case else None

    def __call__(self, text):
        if not isinstance(text, str):
            text = convert_to_unicode(text)
        if text.isascii():
            return text.encode().translate(self._ascii, _ASCII_REMOVED)
        basic, beyond_plane_0 = self._basic, False
        for char in set(_find_notable(self._rules, basic.tokenize_chinese_chars).findall(text)):
            if self._rules.is_removed(char):
                text = text.replace(char, "")
            elif self._needs_python(char):
                return None
            else:
                beyond_plane_0 = True
        text = basic.fold(text)
        if basic.strip_accents:
            text = basic.without_marks(text) if beyond_plane_0 else _marks().sub("", text)
        encoded = text.encode()
        if len(encoded) > self._max_word_bytes and _may_exceed(text.split(), self._max_word_bytes):
            if any(len(word.encode()) > self._max_word_bytes for word in _boundary().split(text)):
                return None
        return encoded

    def _needs_python(self, char):
        if char in self._rules.different or unicodedata.category(char) in ("Cn", "Cs"):
            return True
        return not self._basic.tokenize_chinese_chars and is_cjk(char)


def _may_exceed(words, max_bytes):
    return 4 * max(map(len, words), default=0) > max_bytes
