"""The original's tokenizer, stated anew in plain Python as it works: character by character, pass after pass.

Source: the algorithm of google-research/bert, tokenization.py.
"""

import unicodedata

# First and last code points of the blocks of ideographs.
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_MAX_CHARS_PER_WORD = 200


class Tokenizer:
    """`vocab`: token -> id."""

    def __init__(self, vocab, do_lower_case=True):
        self.vocab, self.do_lower_case = vocab, do_lower_case

    def tokenize(self, text):
        """The tokens of a text, list of str."""
        text = _ideographs_apart(_clean(text))
        words = []
        for word in text.split():
            if self.do_lower_case:
                word = _without_accents(word.lower())
            words.extend(_punctuation_apart(word))
        return [piece for word in " ".join(words).split() for piece in self._pieces(word)]

    def _pieces(self, word):
        chars = list(word)
        if len(chars) > _MAX_CHARS_PER_WORD:
            return ["[UNK]"]
        pieces, start = [], 0
        while start < len(chars):
            end, found = len(chars), None
            while start < end:
                piece = "".join(chars[start:end])
                if start > 0:
                    piece = "##" + piece
                if piece in self.vocab:
                    found = piece
                    break
                end -= 1
            if found is None:
                return ["[UNK]"]
            pieces.append(found)
            start = end
        return pieces


def _clean(text):
    kept = []
    for char in text:
        code = ord(char)
        if code == 0 or code == 0xFFFD or _is_control(char):
            continue
        kept.append(" " if _is_whitespace(char) else char)
    return "".join(kept)


def _ideographs_apart(text):
    kept = []
    for char in text:
        code = ord(char)
        if any(first <= code <= last for first, last in _IDEOGRAPHS):
            kept += [" ", char, " "]
        else:
            kept.append(char)
    return "".join(kept)


def _without_accents(text):
    return "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")


def _punctuation_apart(word):
    parts, begins = [], True
    for char in word:
        if _is_punctuation(char):
            parts.append([char])
            begins = True
        else:
            if begins:
                parts.append([])
            begins = False
            parts[-1].append(char)
    return ["".join(part) for part in parts]


def _is_whitespace(char):
    return char in (" ", "\t", "\n", "\r") or unicodedata.category(char) == "Zs"


def _is_control(char):
    return char not in ("\t", "\n", "\r") and unicodedata.category(char) in ("Cc", "Cf")


def _is_punctuation(char):
    code = ord(char)
    if 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126:
        return True
    return unicodedata.category(char).startswith("P")
