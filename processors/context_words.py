"""The words of a context, as white space separates them, and where each character of it lies.

Source: google-research/bert, `run_squad.py:read_squad_examples`.
"""

import dataclasses

import numpy as np

_BLANKS = " \t\r\n\u202f"


@dataclasses.dataclass(frozen=True)
class ContextWords:
    """Attributes:
    words: list of str.
    of_character: int64 [characters of the context], the number of the word that it is in, or that is before it.
    """

    words: list
    of_character: np.ndarray

    def span(self, answer):
        """(first, last) word of an Answer; the last one of the context where it reaches over its end."""
        places = self.of_character[answer.start : answer.start + max(1, len(answer.text))]
        if not len(places) or answer.start < 0:
            return None
        return max(0, int(places[0])), max(0, int(places[-1]))

    def has(self, answer):
        """Whether the text of an Answer is among the words where it should be."""
        span = self.span(answer)
        return span is not None and " ".join(answer.text.split()) in " ".join(self.words[span[0] : span[1] + 1])


def context_words(context):
    """The ContextWords of a text."""
    words, numbers, is_new = [], np.empty(len(context), np.int64), True
    for place, character in enumerate(context):
        if character in _BLANKS:
            is_new = True
        elif is_new:
            words.append([character])
            is_new = False
        else:
            words[-1].append(character)
        numbers[place] = len(words) - 1
    return ContextWords(["".join(word) for word in words], numbers)
