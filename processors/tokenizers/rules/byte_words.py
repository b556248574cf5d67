"""Words as GPT-2 has them before it joins bytes: each with the blank before it; nothing of a text is lost.

Source: openai/gpt-2, encoder.py, whose pattern is in terms of Unicode's letters and numbers.
"""

import re
import unicodedata

from bertline.processors.tokenizers.folder.added_tokens import WHITE_SPACE
from bertline.processors.tokenizers.rules.normalization import CharTable, convert_to_unicode


def _characters_of_bytes():
    """A visible character for each byte: itself where it is one, else one beyond the bytes."""
    visible = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    beyond = iter(range(256, 512))
    return [chr(byte if byte in visible else next(beyond)) for byte in range(256)]


CHARACTER_OF_BYTE = _characters_of_bytes()
BLANK = CHARACTER_OF_BYTE[ord(" ")]
_SUFFIXES = "stredvml"  # letters of 's, 't, 're, 've, 'm, 'll and 'd


def _class(char):
    """The character itself where the pattern names it, else L a letter, N a number, W white space, O another one."""
    if char in f" '{_SUFFIXES}":
        return char
    if char in WHITE_SPACE:
        return "W"
    return {"L": "L", "N": "N"}.get(unicodedata.category(char)[0], "O")


_CLASSES = CharTable(_class)
_WORD = re.compile(f"'(?:s|t|re|ve|m|ll|d)| ?[L{_SUFFIXES}]+| ?N+| ?[O']+|[W ]+(?![^W ])|[W ]+")


def byte_words(text):
    """The words of a text, list of str. A lone surrogate, which has no bytes, is a question mark."""
    text = convert_to_unicode(text)
    return [text[match.start() : match.end()] for match in _WORD.finditer(text.translate(_CLASSES))]
