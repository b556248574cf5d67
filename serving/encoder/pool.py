"""Some texts on their way through the encoder: what is to be computed, and vectors in the order of the texts."""

import dataclasses

import numpy as np

from bertline.modeling.layers import pooling
from bertline.processors.records.ragged import slots
from bertline.serving.encoder.preparation import Prepared
from bertline.serving.encoder.vector_graph import finish


@dataclasses.dataclass
class TextVectors:
    """The vectors of n texts.

    Attributes:
      values: float32 [rows, L, W]: L layers (1 where they are mixed), W wide.
      offsets: int64 [n + 1]; text i has the rows offsets[i]:offsets[i + 1], a single one where the unit is a sentence.
      token_ids: int32 [rows] where the unit is a token, else None.
      words: list of str where the unit is a word, else None. One without a token, or cut off, has a vector of zeros.
      cut: bool [n], whether tokens of the text were dropped.
    """

    values: np.ndarray
    offsets: np.ndarray
    token_ids: np.ndarray | None
    words: list[str] | None
    cut: np.ndarray


class PoolPart:
    """The rows of a pool that one graph computes, and their results as they come.

    Attributes:
      rows: all rows of the pool. members: int64, the numbers of this part's rows.
      per_token: whether the graph gives a vector for each token.
      values: float32 [rows of the pool, L, W], or [its slots, L, W] per token; only the members' are set.
    """

    def __init__(self, rows, members, per_token):
        self.rows, self.members, self.per_token = rows, members, per_token
        self.missing, self.values = len(members), None

    def add(self, chosen, values):
        if self.values is None:
            count = self.rows.row_splits[-1] if self.per_token else len(self.rows.lengths)
            self.values = np.empty([count, *values.shape[1:]], np.float32)
        places = slots(self.rows.row_splits[chosen], self.rows.lengths[chosen]) if self.per_token else chosen
        self.values[places] = values
        self.missing -= len(chosen)


class Pool:
    """See the module. Arguments as of Prepared; `options` are VectorOptions. `parts` are to be computed."""

    def __init__(self, texts, layout, stride, options):
        self._count, self._options = len(texts), options
        self._prepared = Prepared(texts, layout, stride, by_words=options.unit == "word")
        rows, windows = self._prepared.rows, self._prepared.windows
        if options.unit != "sentence":
            self.parts = [PoolPart(rows, np.arange(len(rows.lengths)), True)]
        else:
            # What is one row is pooled in the graph; the states of several windows when they are put together.
            several = windows.several[windows.text] if windows else np.zeros(len(rows.lengths), bool)
            parts = PoolPart(rows, np.flatnonzero(~several), False), PoolPart(rows, np.flatnonzero(several), True)
            self.parts = [part for part in parts if len(part.members)]

    def is_complete(self):
        return not any(part.missing for part in self.parts)

    @property
    def texts_done(self):
        """How many texts are done, about: those of several rows count by their share."""
        rows = sum(len(part.members) for part in self.parts)
        return self._count * (rows - sum(part.missing for part in self.parts)) // max(rows, 1)

    def vectors(self):
        """The TextVectors of a complete pool."""
        make = {"sentence": self._sentences, "token": self._tokens, "word": self._words}[self._options.unit]
        return make()

    def _sentences(self):
        offsets, windows = np.arange(self._count + 1), self._prepared.windows
        if windows is None:
            return TextVectors(self.parts[0].values, offsets, None, None, self._prepared.cut)
        pooled = {False: None, True: None} | {part.per_token: part.values for part in self.parts}
        several = [self._merge(text, pooled[True]) for text in np.flatnonzero(windows.several)]
        values = np.empty([self._count, *(several[0].shape if several else ())], np.float32)
        values[windows.several] = several
        if pooled[False] is not None:
            values[~windows.several] = pooled[False][windows.first[~windows.several]]
        return TextVectors(values, offsets, None, None, self._prepared.cut)

    def _merge(self, text, states):
        """[L, W] of a text of several windows."""
        states = states[self._prepared.windows.merge(text, self._prepared.rows.row_splits)]
        mask = np.ones([1, len(states)], np.int32)
        vector = pooling.pool(states[None], mask, self._options.pooling, self._options.unpooled)
        return np.asarray(finish(self._normalize(vector), self._options))[0]

    def _normalize(self, vectors):
        return np.asarray(pooling.normalize(vectors) if self._options.normalize else vectors)

    def _places(self):
        """Where the tokens of the texts lie in the slots of the rows, and int64 [n + 1], which are a text's."""
        rows, windows = self._prepared.rows, self._prepared.windows
        if windows is None:
            return slice(None), rows.row_splits
        places = [
            windows.merge(text, rows.row_splits) if several else np.arange(*rows.row_splits[first : first + 2])
            for text, (several, first) in enumerate(zip(windows.several, windows.first))
        ]
        return np.concatenate(places), np.concatenate([[0], np.cumsum([len(p) for p in places])])

    def _tokens(self):
        places, offsets = self._places()
        ids = self._prepared.rows.values["input_ids"][places]
        return TextVectors(self.parts[0].values[places], offsets, ids, None, self._prepared.cut)

    def _words(self):
        places, _ = self._places()
        numbers, states = self._prepared.word_of_slot[places], self.parts[0].values[places]
        states, numbers = states[numbers >= 0], numbers[numbers >= 0]
        counts = np.bincount(numbers, minlength=len(self._prepared.words))
        starts = np.cumsum(counts) - counts
        values = None
        for count in np.unique(counts[counts > 0]):  # words of equally many pieces, so that none is padded
            which = np.flatnonzero(counts == count)
            pieces = states[starts[which][:, None] + np.arange(count)]  # [words, count, L, W]
            vectors = self._normalize(pooling.pool(pieces, np.ones(pieces.shape[:2], np.int32), self._options.pooling))
            if values is None:
                values = np.zeros([len(counts), *vectors.shape[1:]], np.float32)
            values[which] = vectors
        if values is None:
            values = np.zeros([len(counts), *states.shape[1:]], np.float32)
        return TextVectors(values, self._prepared.word_splits, None, self._prepared.words, self._prepared.cut)
