"""Which characters BERT removes, sets apart or strips: by the original, and by the library `tokenizers`.

Source: google-research/bert, tokenization.py, class BasicTokenizer (commit eedf571); what `tokenizers` does differently
was found by asking it about every code point.
"""

import dataclasses
import unicodedata
from collections.abc import Callable

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


def is_removed(char):
    """True for U+0000, U+FFFD and control or format characters other than tab, line feed, carriage return."""
    return char == "\ufffd" or (char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cf"))


def is_cjk(char):
    """True for the ideographs that BERT makes words of their own (not kana, not Hangul)."""
    return any(first <= ord(char) <= last for first, last in _CJK_RANGES)


def is_punctuation(char):
    """True for Unicode's P* categories and for every ASCII sign that is no letter, digit, space or control."""
    return ord(char) in _ASCII_PUNCTUATION or unicodedata.category(char).startswith("P")


def is_mark(char):
    """True for the marks that go when accents are stripped."""
    return unicodedata.category(char) == "Mn"


# `tokenizers` has the categories of Unicode 8. Marks, punctuation and format characters that came later, or were
# something else then, are plain letters to it.
_LATER = """
61d 7fd 890-891 898-89f 8ca-8e2 9fd-9fe a76 afa-aff b55 c04 c3c c77 c84 d00 d3b-d3c d81 eba 180f 1885-1886 1abf-1ace
1b7d-1b7e 1df6-1dfb 2e43-2e4f 2e52-2e5d a82c a8c5 a8ff a9bd 10d24-10d27 10eab-10ead 10f46-10f50 10f55-10f59 10f82-10f89
11070 11073-11074 110c2 110cd 111cf 1123e 1133b 11438-1143f 11442-11444 11446 1144b-1144f 1145a-1145b 1145d-1145e
11660-1166c 116b9 1182f-11837 11839-1183b 1193b-1193c 1193e 11943-11946 119d4-119d7 119da-119db 119e0 119e2 11a01-11a0a
11a33-11a38 11a3b-11a3f 11a40-11a47 11a51-11a56 11a59-11a5b 11a8a-11a96 11a98-11a9c 11a9e-11aa2 11c30-11c36 11c38-11c3d
11c3f 11c41-11c45 11c70-11c71 11c92-11ca7 11caa-11cb0 11cb2-11cb3 11cb5-11cb6 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45
11d47 11d90-11d91 11d95 11d97 11ef3-11ef4 11ef7-11ef8 11fff 12ff1-12ff2 13430-13438 16e97-16e9a 16f4f 16fe2 16fe4
1cf00-1cf2d 1cf30-1cf46 1e000-1e006 1e008-1e018 1e01b-1e021 1e023-1e024 1e026-1e02a 1e130-1e136 1e2ae 1e2ec-1e2ef
1e944-1e94a 1e95e-1e95f
"""
_PUNCTUATION_THEN = "\u166d\U000111c9"
_MARK_THEN = "\u1734"
_NO_CJK = (0x2B820, 0x2B91F)  # the library begins extension E where its last block begins


def _code_points(ranges):
    for entry in ranges.split():
        first, _, last = entry.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


_LATER_CHARACTERS = frozenset(map(chr, _code_points(_LATER)))
_DIFFERENT = _LATER_CHARACTERS | set(_PUNCTUATION_THEN + _MARK_THEN) | set(map(chr, range(_NO_CJK[0], _NO_CJK[1] + 1)))


def _is_removed_by_tokenizers(char):
    # Private use is removed too: unlike the original, the library counts it among the control characters.
    return char not in _LATER_CHARACTERS and (is_removed(char) or unicodedata.category(char) == "Co")


def _is_cjk_to_tokenizers(char):
    return is_cjk(char) and not _NO_CJK[0] <= ord(char) <= _NO_CJK[1]


def _is_punctuation_to_tokenizers(char):
    return char in _PUNCTUATION_THEN or (char not in _LATER_CHARACTERS and is_punctuation(char))


def _is_mark_to_tokenizers(char):
    return char == _MARK_THEN or (char not in _DIFFERENT and is_mark(char))


@dataclasses.dataclass(frozen=True, eq=False)  # the two below are all there are, and are told apart fast
class CharacterRules:
    """What a program takes characters for.

    Attributes:
      name: as it is saved.
      is_removed, is_cjk, is_punctuation, is_mark: character -> bool.
      final_sigma: whether a capital sigma that ends a word becomes the small sigma of a word's end.
      different: characters that `is_removed` does not remove and that are not what they are by the original's rules.
      max_word_chars: a longer word is unknown as a whole.
    """

    name: str
    is_removed: Callable[[str], bool]
    is_cjk: Callable[[str], bool]
    is_punctuation: Callable[[str], bool]
    is_mark: Callable[[str], bool]
    final_sigma: bool
    different: frozenset[str]
    max_word_chars: int

    def __reduce__(self):
        return _rules, (self.name,)


ORIGINAL = CharacterRules("original", is_removed, is_cjk, is_punctuation, is_mark, True, frozenset(), 200)
TOKENIZERS = CharacterRules(
    "tokenizers",
    _is_removed_by_tokenizers,
    _is_cjk_to_tokenizers,
    _is_punctuation_to_tokenizers,
    _is_mark_to_tokenizers,
    False,
    _DIFFERENT,
    100,
)


RULES = {each.name: each for each in (ORIGINAL, TOKENIZERS)}


def _rules(name):
    return RULES[name]
