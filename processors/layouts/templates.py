"""Which special tokens stand around texts, by their roles; the one place that knows BERT's [CLS] a [SEP] b [SEP].

Source: Devlin et al. 2018, section 3.
"""

import dataclasses

import numpy as np

from bertline.processors.records.ragged import slots


@dataclasses.dataclass(frozen=True)
class Form:
    """What stands before the first text of a row, between two texts and behind the last one."""

    before: tuple = ()
    between: tuple = ()
    after: tuple = ()

    def num_special(self, num_texts):
        """How many special tokens a row of so many texts has; int, or an array of them."""
        return len(self.before) + len(self.between) * (num_texts - 1) + len(self.after)

    def room(self, max_seq_length, num_texts):
        """Tokens of texts that fit into a row; int, or an array of them."""
        return max_seq_length - self.num_special(num_texts)


class Template(Form):
    """A Form of roles: "cls" is what a tokenizer has as `cls_id`."""

    def on(self, tokenizer):
        """The Frame with a tokenizer's ids. Raises InputError where its vocabulary lacks one."""
        return Frame(*(tuple(map(tokenizer.special_id, roles)) for roles in self.parts()))

    def parts(self):
        """(before, between, after)."""
        return self.before, self.between, self.after


class Frame(Form):
    """A Form of ids, which puts texts into it."""

    @property
    def ids(self):
        """All its ids, list of int."""
        return list(dict.fromkeys((*self.before, *self.between, *self.after)))

    def around(self, lengths, splits=None):
        """Rows with their special tokens, and places for the texts.

        Args:
          lengths: int64 [texts].
          splits: int64 [rows + 1]; row i has the texts splits[i]:splits[i + 1], one at least. None: each is a row.

        Returns:
          Framed.
        """
        first, last = (slice(None),) * 2 if splits is None else (splits[:-1], splits[1:] - 1)
        sizes = lengths + len(self.between)
        sizes[first] += len(self.before) - len(self.between)
        sizes[last] += len(self.after)
        ends = np.cumsum(sizes)
        starts = ends - lengths
        starts[last] -= len(self.after)
        row_splits = np.append(0, ends[last])
        ids = np.empty(row_splits[-1], np.int32)
        _put(ids, self.before, row_splits[:-1])
        _put(ids, self.after, row_splits[1:] - len(self.after))
        begins = starts.copy()
        begins[first] = row_splits[:-1]
        if splits is not None:
            behind_another = np.ones(len(lengths), bool)
            behind_another[first] = False
            _put(ids, self.between, starts[behind_another] - len(self.between))
        return Framed(ids, row_splits, starts, lengths, begins)

    def put_around(self, ids):
        """int32 [tokens]: one text with its special tokens."""
        return np.concatenate([self.before, ids, self.after]).astype(np.int32)


def _put(ids, special, places):
    for offset, one in enumerate(special):
        ids[places + offset] = one


@dataclasses.dataclass(frozen=True)
class Framed:
    """Rows that have their special tokens and wait for their texts.

    Attributes:
      ids: int32 [total].
      row_splits: int64 [rows + 1].
      starts, lengths: int64 [texts], where the tokens of each go.
      begins: int64 [texts], where its part of the row begins: special tokens before the first text belong to it, those
        behind a text to that.
    """

    ids: np.ndarray
    row_splits: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    begins: np.ndarray

    @property
    def slots(self):
        """int64 [tokens of the texts], their places in the order of the texts."""
        return slots(self.starts, self.lengths)

    @property
    def sizes(self):
        """int64 [texts], of their parts of the rows."""
        return np.diff(self.begins, append=len(self.ids))


BERT = Template(before=("cls",), between=("sep",), after=("sep",))
DOCUMENT = Template(after=("end",))  # of a stream, where a text is all that stands between two ends
SENTENCE = Template(before=("start",), after=("end",))  # of a stream whose words are predicted from both sides
PLAIN = Template()
