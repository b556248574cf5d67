"""Adds the words of a domain to a WordPiece vocabulary; ids that were there stay.

The words are new lines of vocab.txt and nothing else, so that every program that reads one can use them.
"""

import dataclasses
import re

from bertline.processors.tokenizers.rules.wordpiece import MAX_WORD_CHARS, WordpieceTokenizer

_UNUSED = re.compile(r"\[unused\d+\]")


@dataclasses.dataclass(frozen=True)
class NewWord:
    """A word for a vocabulary: how often it occurs, the ids of the pieces that it had, the id that it gets."""

    word: str
    count: int
    piece_ids: tuple
    id: int


@dataclasses.dataclass(frozen=True)
class Extension:
    """What becomes of a vocabulary.

    Attributes:
      entries: the new vocabulary, list of str; an entry that was there has its old place, but for replaced unused ones.
      new_words: list of NewWord, the most useful first.
      resplit: running words that are not new but begin with a new one, and have other pieces now.
    """

    entries: list
    new_words: list
    resplit: int


def extend(entries, counts, max_new, min_frequency=2, use_unused=False, wordpiece=None):
    """Adds the words that save most pieces: frequency times pieces saved; an unknown word counts as one piece saved.

    The longest piece is matched first, so a word that begins with a new one is split anew. A new word that would make
    such a word unknown is left out, and so are numbers.

    Args:
      entries: the vocabulary, list of str.
      counts: word -> how often it occurs; words of `words.BasicWords`.
      max_new: words to add at most.
      min_frequency: how often a new word occurs at least.
      use_unused: put them in place of [unused0] and so on while there are any; otherwise all come at the end.
      wordpiece: the vocabulary's WordpieceTokenizer; by default the original's.

    Returns:
      An Extension.
    """
    ids = {token: i for i, token in enumerate(entries)}
    old = wordpiece or WordpieceTokenizer(ids)
    ranked = _rank(counts, old, min_frequency)
    harmful, chosen = set(), ranked[:max_new]
    while True:
        new = WordpieceTokenizer(ids | dict.fromkeys(chosen), old.unk_token, old.max_input_chars_per_word)
        found, resplit = _effects(counts, old, new, set(chosen))
        if not found:
            break
        harmful |= found
        chosen = [word for word in ranked if word not in harmful][:max_new]
    places = _places(entries, len(chosen), use_unused)
    extended = [*entries, *[""] * (max([len(entries) - 1, *places]) + 1 - len(entries))]
    for word, place in zip(chosen, places):
        extended[place] = word
    new_words = [
        NewWord(word, counts[word], tuple(ids[piece] for piece in old.tokenize(word)), place)
        for word, place in zip(chosen, places)
    ]
    return Extension(extended, new_words, resplit)


def _rank(counts, old, min_frequency):
    """Words that are worth an entry, the most useful first, equal ones in the order of code points."""
    gain = {}
    for word, count in counts.items():
        if count >= min_frequency and len(word) <= MAX_WORD_CHARS and not word.isnumeric() and word not in old.vocab:
            gain[word] = count * max(1, len(old.tokenize(word)) - 1)
    return sorted(gain, key=lambda word: (-gain[word], word))


def _effects(counts, old, new, added):
    """New words that make others unknown, and how many running words are split in another way than before."""
    lengths = sorted({len(word) for word in added}, reverse=True)
    harmful, resplit = set(), 0
    for word, count in counts.items():
        first = next((word[:length] for length in lengths if length < len(word) and word[:length] in added), None)
        if first is None or word in added:
            continue
        before, after = old.tokenize(word), new.tokenize(word)
        if after == [new.unk_token] != before:
            harmful.add(first)
        resplit += count * (before != after)
    return harmful, resplit


def _places(entries, count, use_unused):
    unused = [i for i, entry in enumerate(entries) if _UNUSED.fullmatch(entry)] if use_unused else []
    return [*unused[:count], *range(len(entries), len(entries) + count - len(unused[:count]))]
