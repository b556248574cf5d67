"""The original's tokenizer re-stated from its definition, character by character: slow, plain, a judge.

Definition: google-research/bert, tokenization.py, commit eedf571.
"""

import unicodedata

MAX_CHARS_PER_WORD = 200


def is_whitespace(char):
    return char in " \t\n\r" or unicodedata.category(char) == "Zs"


def is_control(char):
    return char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cf")


def is_punctuation(char):
    code = ord(char)
    if 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126:
        return True
    return unicodedata.category(char)[0] == "P"


def is_chinese(char):
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0x20000 <= code <= 0x2A6DF
        or 0x2A700 <= code <= 0x2B73F
        or 0x2B740 <= code <= 0x2B81F
        or 0x2B820 <= code <= 0x2CEAF
        or 0xF900 <= code <= 0xFAFF
        or 0x2F800 <= code <= 0x2FA1F
    )


def words(text, do_lower_case):
    cleaned = ""
    for char in text:
        if ord(char) in (0, 0xFFFD) or is_control(char):
            continue
        cleaned += " " if is_whitespace(char) else char
    spaced = ""
    for char in cleaned:
        spaced += " " + char + " " if is_chinese(char) else char
    pieces = []
    for token in spaced.strip().split():
        if do_lower_case:
            token = token.lower()
            token = "".join(c for c in unicodedata.normalize("NFD", token) if unicodedata.category(c) != "Mn")
        groups, fresh = [], True
        for char in token:
            if is_punctuation(char):
                groups.append([char])
                fresh = True
            else:
                if fresh:
                    groups.append([])
                fresh = False
                groups[-1].append(char)
        pieces.extend("".join(group) for group in groups)
    return " ".join(pieces).strip().split()


def word_pieces(word, vocab):
    if len(word) > MAX_CHARS_PER_WORD:
        return ["[UNK]"]
    found, start = [], 0
    while start < len(word):
        end = len(word)
        while start < end and ("##" if start else "") + word[start:end] not in vocab:
            end -= 1
        if start == end:
            return ["[UNK]"]
        found.append(("##" if start else "") + word[start:end])
        start = end
    return found


def tokenize(text, vocab, do_lower_case):
    """The tokens of `text`; `vocab`: anything with `in`."""
    return [piece for word in words(text, do_lower_case) for piece in word_pieces(word, vocab)]
