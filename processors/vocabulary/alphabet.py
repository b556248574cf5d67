"""The characters of a corpus, and which of them get a place in a vocabulary."""

import collections


def alphabet(counts, limit=None, coverage=1.0):
    """The characters of words by frequency, the most frequent first; equal ones by code point.

    Args:
      counts: word -> how often it occurs.
      limit: at most so many characters; None: all.
      coverage: the fewest characters that make up this share of the running text.
    """
    characters = collections.Counter()
    for word, count in counts.items():
        for char in word:
            characters[char] += count
    ordered = sorted(characters, key=lambda char: (-characters[char], char))
    # The small allowance is for rounding: coverage 1.0 is all characters.
    wanted, covered = coverage * characters.total() - 1e-6, 0
    for number, char in enumerate(ordered):
        if covered >= wanted or number == limit:
            return ordered[:number]
        covered += characters[char]
    return ordered
