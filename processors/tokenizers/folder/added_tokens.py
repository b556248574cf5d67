"""Tokens that are one piece wherever they stand in a text: those added to a vocabulary, and special ones.

Source: the behaviour of the library `tokenizers`, with which the tests compare.
"""

import dataclasses
import itertools
import re
import unicodedata

from bertline.processors.tokenizers.rules.normalization import convert_to_unicode

# Unicode's White_Space; Python's own idea of it has four control characters more.
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_CIRCLED_LETTERS = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))


@dataclasses.dataclass(frozen=True)
class AddedToken:
    """A token that no word piece is looked for in.

    Attributes:
      content: str. id: int.
      special: whether it is a mark and no word: [MASK] and its like.
      normalized: whether it is looked for in the cleaned and folded text, folded itself, or in the text as it is.
      single_word: whether it does not count inside a longer word.
      lstrip, rstrip: whether white space before and after it belongs to it.
    """

    content: str
    id: int
    special: bool = False
    normalized: bool = True
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False


class AddedTokens:
    """Cuts texts at added tokens.

    Args:
      tokens: sequence of AddedToken; of two with the same folded content the first counts, special ones before others.
      basic: BasicTokenizer, which folds.

    Attributes:
      as_it_is, folded: what is looked for -> AddedToken: in the text as it is, in the folded text.
      with_blanks: contents that consist of several words, list of str.
    """

    def __init__(self, tokens, basic):
        ordered = sorted(tokens, key=lambda token: not token.special)
        self._basic = basic
        self._as_it_is = _Places({}, ordered, lambda token: None if token.normalized else token.content)
        self._folded = _Places({}, ordered, lambda token: basic.normalize(token.content) if token.normalized else None)
        self.as_it_is, self.folded = self._as_it_is.tokens, self._folded.tokens
        self.with_blanks = [token.content for token in tokens if len(token.content.split()) > 1]
        # Every text with the token has its longest word; where it has none, every text might have it.
        words = [max(content.split(), key=len, default="") for content in self.folded]
        self._folded_words = re.compile(b"|".join(re.escape(word.encode()) for word in words)) if words else None

    def places(self, texts, forms):
        """The places, list of int, of the texts that might have one of them.

        Args:
          texts: list of str or bytes.
          forms: their FastForms; of those that are None nothing is said.
        """
        found = []
        if self._as_it_is.pattern:
            if bytes in set(map(type, texts)):
                texts = list(map(convert_to_unicode, texts))
            found += _texts_with(self._as_it_is.pattern, "\0", texts)
        if self._folded_words:
            found += _texts_with(self._folded_words, b"\0", [form or b"" for form in forms])
        return found

    def parts(self, text):
        """The text's parts in their order, a list: AddedToken, or str without one (folded where that was necessary)."""
        outer = self._as_it_is.pattern
        parts = list(self._as_it_is.cut(text)) if outer and outer.search(text) else [text]
        if not self._folded.pattern:
            return parts
        return list(itertools.chain.from_iterable(map(self._cut_folded, parts)))

    def _cut_folded(self, part):
        return [part] if isinstance(part, AddedToken) else self._folded.cut(self._basic.normalize(part))


class _Places:
    """Finds contents in a text: the leftmost first, the longest of those, none inside another."""

    def __init__(self, tokens, candidates, content):
        self.tokens = tokens
        for token in candidates:
            if content(token) is not None:
                tokens.setdefault(content(token), token)
        longest_first = sorted(tokens, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first))) if tokens else None

    def cut(self, text):
        end_of_last = 0
        for match in self.pattern.finditer(text):
            token, start, end = self.tokens[match[0]], match.start(), match.end()
            if token.single_word and (_is_word(text[start - 1 : start]) or _is_word(text[end : end + 1])):
                continue
            if token.lstrip:
                start = max(len(text[:start].rstrip(WHITE_SPACE)), end_of_last)
            if token.rstrip:
                end = len(text) - len(text[end:].lstrip(WHITE_SPACE))
            if end_of_last < start:
                yield text[end_of_last:start]
            yield token
            end_of_last = end
        if end_of_last < len(text):
            yield text[end_of_last:]


def _texts_with(pattern, separator, texts):
    # Mostly there is none in all the texts, which one search tells.
    if not pattern.search(separator.join(texts)):
        return []
    return [i for i, text in enumerate(texts) if pattern.search(text)]


def _is_word(char):
    r"""Whether a character is of the class \w of Unicode's regular expressions; "" is not."""
    if not char:
        return False
    category = unicodedata.category(char)
    if category[0] in "LM" or category in ("Nd", "Nl", "Pc") or char in "\u200c\u200d":
        return True
    return any(first <= ord(char) <= last for first, last in _CIRCLED_LETTERS)
