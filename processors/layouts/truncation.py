"""Which tokens remain of a text that is too long, and which text of a pair is cut.

Source: `longest` and `head` are `_truncate_seq_pair` of google-research/bert `run_classifier.py`; `head_tail` is Sun et
al. 2019, https://arxiv.org/abs/1905.05583, section 5.3.1: of 510 tokens the first 128 and the last 382.
"""

import dataclasses
import typing

import numpy as np

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.records.ragged import beginnings, slots

HEAD, TAIL, HEAD_TAIL = PARTS = ("head", "tail", "head_tail")
LONGEST, FIRST, SECOND = TEXTS = ("longest", "a", "b")
ENTRY = "text_truncation"  # of config.json


@dataclasses.dataclass(frozen=True)
class Truncation:
    """Attributes:
    part: of PARTS, what remains of a text: its first tokens, its last ones, or the first quarter and the last three
      quarters of what has room.
    text: of TEXTS, which text of a pair is cut: always the longer one, or this one before the other.
    """

    part: str = HEAD
    text: str = LONGEST

    @property
    def is_original(self) -> bool:
        """Whether it is that of BERT."""
        return self == BERT

    def lengths(self, length_a, length_b, limit):
        """(tokens of the first texts, tokens of the second ones) that remain, int64 [n] each.

        Args:
          length_a, length_b: int64 [n]; 0 where there is no second text.
          limit: int64 [n], of both together.
        """
        if self.text == LONGEST:
            return truncate_lengths(length_a, length_b, limit)
        over = np.maximum(0, length_a + length_b - limit)
        of_a = np.minimum(over, length_a) if self.text == FIRST else over - np.minimum(over, length_b)
        return length_a - of_a, length_b - (over - of_a)

    def head_of(self, kept):
        """How many of the `kept` tokens (int, or an array) are the first ones of the text; the others are the last."""
        return {HEAD: kept, TAIL: 0 * kept, HEAD_TAIL: -(-kept // 4)}[self.part]

    def cut(self, ids, splits, kept):
        """The tokens that remain of n texts, end to end.

        Args:
          ids: int32 [total]. splits: int64 [n + 1]. kept: int64 [n], how many of each text.
        """
        head = self.head_of(kept)
        if self.part == HEAD or int(kept.sum()) == len(ids):
            return beginnings(ids, splits, kept)
        starts = np.stack([splits[:-1], splits[1:] - kept + head], axis=1)
        return ids[slots(starts.ravel(), np.stack([head, kept - head], axis=1).ravel())]

    def config_entries(self) -> dict[str, typing.Any]:
        """What config.json of a trained model says; nothing of BERT's."""
        return {} if self.is_original else {ENTRY: dataclasses.asdict(self)}


BERT = Truncation()


def saved_truncation(config: dict) -> Truncation:
    """The Truncation of a config.json; BERT's where it says none. Raises InputError for a damaged entry."""
    said = config.get(ENTRY, {"part": HEAD, "text": LONGEST})
    is_whole = isinstance(said, dict) and said.keys() == {"part", "text"}
    if not is_whole or said["part"] not in PARTS or said["text"] not in TEXTS:
        raise InputError(
            f"{ENTRY} is {json_files.excerpt(said)}; part ({', '.join(PARTS)}) and text ({', '.join(TEXTS)}) are "
            "needed; copy the folder again"
        )
    return Truncation(**said)


def truncate_lengths(length_a, length_b, limit):
    """Lengths (int, or arrays) after tokens were dropped from the end of the longer text, of b where both are equal."""
    over = np.maximum(0, length_a + length_b - limit)
    # First the longer one shrinks to the shorter one, then both in turn.
    from_a = np.minimum(over, np.maximum(0, length_a - length_b))
    from_b = np.minimum(over, np.maximum(0, length_b - length_a))
    over = over - from_a - from_b
    return length_a - from_a - over // 2, length_b - from_b - (over + 1) // 2
