"""How well a vocabulary covers a corpus."""

import dataclasses

from bertline.processors.tokenizers.rules.normalization import is_punctuation

_MOST_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Sums over the running words of a corpus.

    Attributes:
      words, whole, unknown: how many there are, how many are one piece, how many hold something unknown.
      pieces, characters: their pieces and characters.
      split: the most frequent words, without punctuation, that are more than one piece: (word, count, pieces).
      unit: what a word is, for the reader.
    """

    words: int
    whole: int
    unknown: int
    pieces: int
    characters: int
    split: list
    unit: str

    def lines(self):
        """Text for a reader."""
        shown = ", ".join(f"{word} {count} ({' '.join(pieces)})" for word, count, pieces in self.split)
        return [
            f"{self.words} running {self.unit}: {self.whole / self.words:.2%} are one piece, "
            f"{self.unknown / self.words:.3%} hold something unknown",
            f"{self.pieces / self.words:.3f} pieces for each, {self.characters / self.pieces:.2f} characters per piece",
            f"most frequent words that are split: {shown or 'none'}",
        ]


def measure(counts, tokenize, is_unknown, unit="words"):
    """The Coverage of words.

    Args:
      counts: word -> how often it occurs.
      tokenize: word -> its pieces, list of str.
      is_unknown: pieces -> whether something in them is unknown.
    """
    whole = unknown = pieces = characters = 0
    split = []
    for word, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        found = tokenize(word)
        pieces += count * len(found)
        characters += count * len(word)
        if is_unknown(found):
            unknown += count
        elif len(found) == 1:
            whole += count
        elif len(split) < _MOST_SHOWN and not any(map(is_punctuation, word)):
            split.append((word, count, found))
    return Coverage(counts.total(), whole, unknown, pieces, characters, split, unit)


def coverage(counts, tokenizer):
    """The Coverage of words as the tokenizer's kind has them: see `words.BasicWords`, `words.PreparedWords`."""
    return measure(counts, tokenizer.word_pieces, tokenizer.holds_unknown, tokenizer.word_unit)
