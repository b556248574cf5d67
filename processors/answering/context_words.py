"""The words of a context, as white space separates them, and where in it each begins.

Source: google-research/bert, `run_squad.py:read_squad_examples`.
"""

import dataclasses
import re

_WORD = re.compile("[^ \t\r\n\u202f]+")


@dataclasses.dataclass(frozen=True)
class ContextWords:
    """Attributes:
    words: list of str.
    starts: list of int, the place of each word's first character.
    """

    words: list
    starts: list


def context_words(context):
    """The ContextWords of a text."""
    found = list(_WORD.finditer(context))
    return ContextWords([match[0] for match in found], [match.start() for match in found])
