"""The pieces of words one by one, each of which has a piece at least."""

import typing

import numpy as np

from bertline.processors.records.ragged import slots


class Pieces(typing.NamedTuple):
    """Pieces of words: `ids` int32, and `splits` int64 [words + 1], where each word begins in them."""

    ids: np.ndarray
    splits: np.ndarray


def pieces_of(tokenizer, words, most):
    """Pieces of words: none has more than `most`, and one without a piece is an unknown token, or one of padding where
    the vocabulary has none.
    """
    ids, splits = tokenizer.encode_words(words)
    lengths = np.diff(splits)
    kept = np.clip(lengths, 1, most)
    unknown = tokenizer.pad_id if tokenizer.unk_id is None else tokenizer.unk_id
    found = np.full(kept.sum(), unknown, np.int32)
    copied = np.minimum(lengths, kept)
    new_splits = np.concatenate([[0], np.cumsum(kept)])
    found[slots(new_splits[:-1], copied)] = ids[slots(splits[:-1], copied)]
    return Pieces(found, new_splits)


def row_splits_of(pieces, splits=None):
    """int64 [n + 1], where the pieces of each of n texts begin.

    Args:
      splits: int64 [n + 1], where their words do; None: all words are of one text.
    """
    return pieces.splits[[0, -1] if splits is None else splits]


def fit(pieces, splits, room):
    """Pieces of which no text has more than `room`, if it has no more words: its longest words lose their last ones.

    Args:
      splits: as of `row_splits_of`.
    """
    lengths = np.diff(pieces.splits)
    kept = lengths.copy()
    for text in np.flatnonzero(np.diff(row_splits_of(pieces, splits)) > room):
        words = slice(splits[text], splits[text + 1])
        most = int(lengths[words].max())
        while most > 1 and np.minimum(lengths[words], most).sum() > room:
            most -= 1
        kept[words] = np.minimum(lengths[words], most)
    return Pieces(pieces.ids[slots(pieces.splits[:-1], kept)], np.concatenate([[0], np.cumsum(kept)]))
