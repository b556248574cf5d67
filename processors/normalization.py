"""Text to words exactly as in BERT: clean, space out CJK, lower-case, strip accents, split punctuation.

Source: the definition in google-research/bert, tokenization.py, class BasicTokenizer (commit eedf571).
"""

import re
import unicodedata

_ASCII_PUNCTUATION = frozenset([*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127)])
_CJK_RANGES = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


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


def is_removed(char):
    """True for U+0000, U+FFFD and control or format characters other than tab, line feed, carriage return."""
    return char == "\ufffd" or (char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cf"))


def is_cjk(char):
    """True for the ideographs that BERT makes words of their own (not kana, not Hangul)."""
    return any(first <= ord(char) <= last for first, last in _CJK_RANGES)


def is_punctuation(char):
    """True for Unicode's P* categories and for every ASCII sign that is no letter, digit, space or control."""
    return ord(char) in _ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")


class _CharTable(dict):
    """A table for `str.translate` that decides about each character when it is first met."""

    def __init__(self, replacement):
        super().__init__()
        self._replacement = replacement

    def __missing__(self, code_point):
        value = self[code_point] = self._replacement(chr(code_point))
        return value


def cleaned(char):
    """What BERT's cleaning makes of a character: None, a blank, the ideograph between blanks, or itself."""
    if is_removed(char):
        return None
    if char in "\t\n\r" or unicodedata.category(char) == "Zs":
        return " "
    return f" {char} " if is_cjk(char) else char


def _split(char):
    return f" {char} " if is_punctuation(char) else char


def _split_without_marks(char):
    return None if unicodedata.category(char) == "Mn" else _split(char)


_CLEAN = _CharTable(cleaned)
_SPLIT = _CharTable(_split)
_SPLIT_WITHOUT_MARKS = _CharTable(_split_without_marks)


class BasicTokenizer:
    """Words and punctuation marks of a text, before WordPiece.

    Lower-casing and canonical decomposition run over the whole text instead of over each word as in the original.
    It is the same: what depends on neighbours (final sigma, the order of combining marks) stops at white space and
    at ideographs. The tests compare every code point.
    """

    def __init__(self, do_lower_case=True):
        self.do_lower_case = do_lower_case

    def tokenize(self, text):
        """Returns the list of words (str). Lone surrogates stay in their word, as in the original."""
        text = convert_to_unicode(text).translate(_CLEAN)
        if self.do_lower_case:
            text = unicodedata.normalize("NFD", text.lower()).translate(_SPLIT_WITHOUT_MARKS)
        else:
            text = text.translate(_SPLIT)
        return text.split()


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


_PLANE_0 = [(c, chr(c), unicodedata.category(chr(c))) for c in range(0x10000)]
# Outside plane 0 a class would be a list of ranges that every character is compared with: one range, sorted out later.
_NOTABLE = re.compile(
    "["
    + _char_class(c for c, char, category in _PLANE_0 if category in ("Cn", "Cs") or is_removed(char))
    + "\U00010000-\U0010ffff]"
)
_MARKS = re.compile("[" + _char_class(c for c, _, category in _PLANE_0 if category == "Mn") + "]+")
_BOUNDARY = re.compile(
    "[" + _char_class(c for c, char, _ in _PLANE_0 if char.isspace() or is_cjk(char) or is_punctuation(char)) + "]+"
)
del _PLANE_0

_ASCII_REMOVED = bytes(c for c in range(128) if is_removed(chr(c)))
_ASCII_LOWER = bytes(range(256)).lower()


def fast_form(text, do_lower_case, max_word_bytes):
    """Cleaned and folded UTF-8 of `text`, white space and punctuation left in place, or None where that will not do.

    None: the text has a code point that this Python's Unicode does not know (a newer Unicode, in the C++ tokenizer, may
    call it punctuation), a lone surrogate (no UTF-8), or is not ASCII and has a word of more than `max_word_bytes`.
    """
    text = convert_to_unicode(text)
    if text.isascii():
        return text.encode().translate(_ASCII_LOWER if do_lower_case else None, _ASCII_REMOVED)
    beyond_plane_0 = False
    for char in set(_NOTABLE.findall(text)):
        if is_removed(char):
            text = text.replace(char, "")
        elif unicodedata.category(char) in ("Cn", "Cs"):
            return None
        else:
            beyond_plane_0 = True
    if do_lower_case:
        text = unicodedata.normalize("NFD", text.lower())
        text = text.translate(_SPLIT_WITHOUT_MARKS) if beyond_plane_0 else _MARKS.sub("", text)
    encoded = text.encode()
    if len(encoded) > max_word_bytes and _may_exceed(text.split(), max_word_bytes):
        if any(len(word.encode()) > max_word_bytes for word in _BOUNDARY.split(text)):
            return None
    return encoded


def _may_exceed(words, max_bytes):
    return 4 * max(map(len, words), default=0) > max_bytes
