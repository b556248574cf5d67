"""Tokenized documents, and the stretches of them that instances are made of; numpy only, no text."""

import dataclasses
import random

import numpy as np


@dataclasses.dataclass(frozen=True)
class Block:
    """Consecutive documents of a corpus, or parts of them, as ids: the unit of work.

    Random next sentences come from the same block.

    Attributes:
      number: int, from 0; with the seed and the duplicate it seeds all that is random here.
      ids: int32 [tokens], of all sentences, without special tokens; no sentence and no document is empty.
      sentence_splits: int64 [sentences + 1]; sentence i is ids[sentence_splits[i]:sentence_splits[i + 1]].
      document_splits: int64 [documents + 1], in sentences.
      origins: int64 [documents], which document of the corpus each is, or is a part of; ascending.
      texts: the sentences as a list of str, where words are to be found by a segmenter; else None.
    """

    number: int
    ids: np.ndarray
    sentence_splits: np.ndarray
    document_splits: np.ndarray
    origins: np.ndarray
    texts: list | None = None


@dataclasses.dataclass(frozen=True)
class Segments:
    """Instances as stretches of a block's ids; special tokens will stand around them.

    Attributes:
      splits: int64 [instances + 1]; instance i has the segments splits[i]:splits[i + 1].
      starts, ends: int64 [segments], in tokens of the block.
      types: int64 [segments], what `segment_ids` says of them.
      labels: int64 [instances], `next_sentence_labels`; None where there is no such task.
      dropped_tokens: int, tokens that were cut off to keep the length.
    """

    splits: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    types: np.ndarray
    labels: np.ndarray | None = None
    dropped_tokens: int = 0

    def __len__(self):
        return len(self.splits) - 1

    @property
    def num_tokens(self):
        """Of all stretches."""
        return int((self.ends - self.starts).sum())

    def part(self, first, end):
        """The instances first:end, as Segments; its `dropped_tokens` is 0."""
        splits = self.splits[first : end + 1]
        of = slice(splits[0], splits[-1])
        labels = None if self.labels is None else self.labels[first:end]
        return Segments(splits - splits[0], self.starts[of], self.ends[of], self.types[of], labels)


def uniform_source(rng):
    """A function that draws floats in [0, 1) one at a time, ten times faster than the numpy Generator that seeds it."""
    return random.Random(int(rng.integers(1 << 63))).random


def target_length(max_num_tokens, short_seq_prob, uniform):
    """How many tokens a document's instances aim at: all that fit, or with `short_seq_prob` 2 to all that fit."""
    if uniform() < short_seq_prob:
        return 2 + int(uniform() * (max_num_tokens - 1))
    return max_num_tokens


def make_pairs(rows, max_num_tokens, rng):
    """Segments of pairs, cut to length as the original's `truncate_seq_pair` does.

    There, one token at a time is taken from the longer one (from b where they are equal), from its front or its back at
    random, so that no side is preferred. Here the same is computed for all pairs at once.

    Args:
      rows: list of (a_start, a_end, b_start, b_end, label).
      max_num_tokens: of a and b together.
      rng: numpy Generator.
    """
    a_start, a_end, b_start, b_end, labels = np.array(rows, np.int64).reshape(-1, 5).T
    a, b = a_end - a_start, b_end - b_start
    excess = np.maximum(a + b - max_num_tokens, 0)
    from_longer = np.minimum(excess, np.abs(a - b))
    in_turn = excess - from_longer
    cut_a = np.where(a > b, from_longer, 0) + in_turn // 2
    cut_b = np.where(a > b, 0, from_longer) + (in_turn + 1) // 2
    front_a, front_b = rng.binomial(cut_a, 0.5), rng.binomial(cut_b, 0.5)
    starts = np.stack([a_start + front_a, b_start + front_b], axis=1).ravel()
    ends = np.stack([a_end - (cut_a - front_a), b_end - (cut_b - front_b)], axis=1).ravel()
    types = np.tile(np.array([0, 1]), len(rows))
    return Segments(2 * np.arange(len(rows) + 1), starts, ends, types, labels, int(excess.sum()))
