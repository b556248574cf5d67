"""Raw text to sentences, by rules: English and its like at a mark before a blank, Chinese and Japanese at the mark.

In doubt two sentences stay together: a wrong cut would make a next sentence of half a one. tensorflow-text's
StateBasedSentenceBreaker knows no abbreviation ("Mr." ends a sentence, so does the 3 of 3.14) and leaves the closing
quotation mark to the sentence that follows, so it is not used.
"""

import re
import unicodedata

# Lines up to this many characters are taken for hard-wrapped; where one is longer, each line is a paragraph.
WIDEST_WRAPPED_LINE = 100

_CLOSERS = "\"'”’»)\\]）」』】》〉〕"
_WIDE_MARKS = "。！？｡．"
# Full-width marks, or narrow ones after a wide character; not before what belongs to them, as "。”" or 3．14.
_WIDE = (
    f"(?:[{_WIDE_MARKS}][{_WIDE_MARKS}!?…]*|(?<=[\u3040-\u30ff\u3400-\u9fff])(?:[!?]+|……))"
    f"[{_CLOSERS}]*(?![{_CLOSERS}{_WIDE_MARKS}，、；：,;:!?…]|(?<=．)\\d)\\s*"
)
# Narrow marks before a blank.
_NARROW = f"[.!?…।॥؟۔]+[{_CLOSERS}]*\\s+"
_ASCII_END, _END = re.compile(_NARROW, re.ASCII), re.compile(f"{_WIDE}|{_NARROW}")
_OPENERS = "\"'“‘«([—–-_*"
_BEFORE_NAMES = frozenset(
    "mr mrs ms messrs mme mlle dr drs prof st ste mt ft rev revd hon capt col gen lt sgt cpl maj adm cmdr gov sen rep "
    "pres supt insp vs viz cf e.g i.e ca approx".split()
)
_BEFORE_NUMBERS = frozenset(
    "no nos vol vols fig figs eq eqs sec ch chap art p pp ed eds pt bk op al jan feb mar apr jun jul aug sep sept oct "
    "nov dec".split()
)
_INITIALS = re.compile(r"(?:[A-Z]\.)*[A-HJ-Z]|(?:[A-Z]\.)+[A-Z]")  # "I." alone more often ends a sentence


def split_paragraph(lines):
    """The sentences of a paragraph.

    Args:
      lines: list of non-empty str. Where all are short they are joined: by a blank, between ideographs by nothing.

    Returns:
      list of non-empty str.
    """
    if max(map(len, lines)) > WIDEST_WRAPPED_LINE:
        return [sentence for line in lines for sentence in split_text(line)]
    return split_text(join_lines(lines))


def join_lines(lines):
    """Hard-wrapped lines as one text."""
    parts = [lines[0]]
    for before, line in zip(lines, lines[1:]):
        if not (_is_written_without_blanks(before[-1]) and _is_written_without_blanks(line[0])):
            parts.append(" ")
        parts.append(line)
    return "".join(parts)


def _is_written_without_blanks(char):
    wide = char > "\u1100" and unicodedata.east_asian_width(char) in "WF"
    return wide and not "\uac00" <= char <= "\ud7a3"  # Korean has blanks


def split_text(text):
    """The sentences of one text, list of non-empty str; together they are the text, but for white space."""
    sentences, start = [], 0
    for match in (_ASCII_END if text.isascii() else _END).finditer(text):
        end = match.end()
        if _ends_sentence(text, start, match):
            sentences.append(text[start:end].strip())
            start = end
    rest = text[start:].strip()
    return sentences + [rest] if rest else sentences


def _ends_sentence(text, start, match):
    mark, end = text[match.start()], match.end()
    if mark in _WIDE_MARKS or not text[end - 1].isspace():
        return True
    following = text[end : end + 4].lstrip(_OPENERS)[:1]
    if following.islower():
        return False
    if mark != "." or text[match.start() : match.start() + 2] == "..":
        return True
    before = text[start : match.start()].rpartition(" ")[2].lstrip(_OPENERS)
    if before.isdigit() and match.start() - start <= len(before) + 1:
        return False  # "1. The first of a list"
    word = before.lower().rpartition("-")[2].rpartition("—")[2]
    if word in _BEFORE_NAMES or _INITIALS.fullmatch(before):
        return False
    return not (word in _BEFORE_NUMBERS and following.isdigit())
