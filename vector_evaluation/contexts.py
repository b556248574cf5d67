"""Where a word stands in the lines of a file, and which of its contexts are near each other by its vectors there.

Source: Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 5.3 and table 4.
"""

import dataclasses

import numpy as np

from bertline.errors import InputError
from bertline.processors.files.text_files import iterate_lines
from bertline.processors.tagging.word_offsets import split_words


@dataclasses.dataclass(frozen=True)
class Occurrence:
    """A word where it stands.

    Attributes:
      line: its number in the file, from 1.
      sense: what the file says that it means here; None where it says nothing.
      text: the line's text; start, end: of the word in it, in characters.
      words: the text as words; first, after: the word's place in them (a word by the rules of some scripts is several).
    """

    line: int
    sense: str | None
    text: str
    start: int
    end: int
    words: tuple[str, ...]
    first: int
    after: int

    @property
    def marked(self):
        """The text with brackets around the word."""
        return f"{self.text[: self.start]}[{self.text[self.start : self.end]}]{self.text[self.end :]}"

    def shorten(self, characters):
        """`marked`, cut on both sides to so many characters around the word."""
        before, after = self.text[: self.start], self.text[self.end :]
        before = before if len(before) <= characters else f"...{before[-characters:]}"
        after = after if len(after) <= characters else f"{after[:characters]}..."
        return f"{before}[{self.text[self.start : self.end]}]{after}"


def read_occurrences(path, word, encoding="utf-8"):
    """list of Occurrence of a word in a file of a context a line, or of its sense, a tab, and the context.

    Args:
      word: as a text has it, in any case; several forms of it are separated by commas.

    Raises:
      InputError: a file that cannot be read, or fewer than two occurrences.
    """
    forms = [_fold(form) for form in word.split(",")]
    forms = [tuple(form[start:end] for start, end in split_words(form)) for form in forms if form]
    found = []
    for number, line in enumerate(iterate_lines(path, encoding, flag="--encoding"), 1):
        sense, tab, text = line.rstrip("\r\n").rpartition("\t")
        found += _occurrences(number, sense.strip() if tab else None, text.strip(), forms)
    if len(found) < 2:
        raise InputError(f"{path}: {len(found)} occurrence(s) of {word!r}; two at least are needed to compare them")
    without = next((one for one in found if one.sense is None), None)
    if without and any(one.sense is not None for one in found):
        raise InputError(
            f"{path}:{without.line}: no sense before a tab, other lines have one; give it to all lines or to none"
        )
    return found


def _fold(text):
    return text.strip().casefold()


def _occurrences(number, sense, text, forms):
    offsets = split_words(text)
    words = tuple(text[start:end] for start, end in offsets)
    folded = [word.casefold() for word in words]
    for first in range(len(words)):
        for form in forms:
            after = first + len(form)
            if form and tuple(folded[first:after]) == form:
                yield Occurrence(number, sense, text, offsets[first][0], offsets[after - 1][1], words, first, after)
                break


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """How near the occurrences of a word are to each other, by one model.

    Attributes:
      model: its name.
      vectors: float32 [n, W], of length 1.
      cosines: float32 [n, n].
      order: int64 [n, n - 1], of each occurrence all others, the nearest first; equally near ones by their lines.
    """

    model: str
    vectors: np.ndarray
    cosines: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, model, vectors):
        """Of vectors float [n, W] of any length."""
        vectors = np.asarray(vectors, np.float32)
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        cosines = vectors @ vectors.T
        # To six digits: the same vector in another batch is the same.
        order = np.argsort(-np.round(cosines, 6), axis=1, kind="stable")
        others = [row[row != i] for i, row in enumerate(order)]
        return cls(model, vectors, cosines, np.array(others, np.int64).reshape(len(vectors), -1))

    @property
    def tells_apart(self):
        """Whether any two occurrences have different vectors."""
        return bool(np.min(self.cosines) < 1.0 - 1e-5)

    def right_senses(self, occurrences):
        """The share of occurrences whose nearest one has the same sense; None where no senses are known."""
        senses = [one.sense for one in occurrences]
        if None in senses or not self.tells_apart:
            return None
        return float(np.mean([senses[i] == senses[row[0]] for i, row in enumerate(self.order)]))


def in_two_dimensions(vectors):
    """float64 [n, 2]: principal components of vectors [n, W]."""
    centred = np.asarray(vectors, np.float64) - np.mean(vectors, axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = np.concatenate([axes, np.zeros([2, axes.shape[1]])])[:2]
    # An axis has no sign of its own: its largest part is positive, whatever the library gives.
    return centred @ (axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]).T


def share_by_chance(occurrences):
    """The share of occurrences whose nearest one would have the same sense if it were drawn at random."""
    senses = [one.sense for one in occurrences]
    return float(np.mean([(senses.count(sense) - 1) / (len(senses) - 1) for sense in senses]))
