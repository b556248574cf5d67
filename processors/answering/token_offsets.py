"""Where in a text each of its tokens lies, character by character, whatever a tokenizer changed before it cut.

The characters of a text are folded one by one, as the tokenizer folds texts, and the tokens found among them in turn.
"""

import unicodedata

import numpy as np


def token_offsets(text, tokens, tokenizer):
    """The place of each token in a text.

    A mark that the tokenizer strips (an accent by itself) belongs to the token before it. An unknown token stands for
    what lies between its neighbours; several of them side by side for a word each, if that fits, else for all of it. A
    token that is not found counts as unknown.

    Args:
      text: str.
      tokens: list of str, what `tokenizer.tokenize(text)` gives.
      tokenizer: a bertline.processors.tokenizers.tokenizer.Tokenizer.

    Returns:
      int64 [tokens, 2]: number of its first character, number after its last one.
    """
    if text.isascii() and len(tokens) == 1 and tokenizer.surface(tokens[0]) is not None and " " not in text:
        return np.array([[0, len(text)]])
    folded, places = _fold(text, tokenizer)
    spans, at = [], 0
    for token in tokens:
        surface = tokenizer.surface(token)
        found = -1 if surface is None else folded.find(surface, at)
        spans.append(None if found < 0 else (found, found + len(surface)))
        at = at if found < 0 else found + len(surface)
    _fill_unknown(spans, folded, tokenizer)
    return np.array([_in_text(*span, places, text) for span in spans], np.int64).reshape(-1, 2)


def _fold(text, tokenizer):
    """(the folded characters, the place in the text that each comes from)."""
    parts = list(map(tokenizer.fold_character, text))
    return "".join(parts), [place for place, part in enumerate(parts) for _ in part]


def _fill_unknown(spans, folded, tokenizer):
    """Replaces each run of None by what lies between its neighbours."""
    first = 0
    while first < len(spans):
        last = first
        while last < len(spans) and spans[last] is None:
            last += 1
        if last > first:
            begin = spans[first - 1][1] if first else 0
            end = spans[last][0] if last < len(spans) else len(folded)
            ends = np.cumsum([begin, *map(len, tokenizer.words_of(folded[begin:end]))]).tolist()
            fits = len(ends) == last - first + 1 and ends[-1] == end
            spans[first:last] = zip(ends, ends[1:]) if fits else [(begin, end)] * (last - first)
        first = last + 1


def _in_text(begin, end, places, text):
    if begin == end:  # nothing of the text: an empty token, or an unknown one without room
        place = places[begin] if begin < len(places) else len(text)
        return place, place
    last = places[end - 1] + 1
    while last < len(text) and (end == len(places) or last < places[end]) and unicodedata.combining(text[last]):
        last += 1
    return places[begin], last
