"""Instances whose texts stay apart: a record has each text as it would be alone; nothing is masked, nothing random."""

import collections

import numpy as np

from bertline.processors.corpora.kind import CorpusKind
from bertline.processors.corpora.segments import Segments
from bertline.processors.records.ragged import slots

TEXTS = ("a", "b", "c")  # what the names of the texts' features begin with


class TextsApart(CorpusKind):
    """Base: types 0, 1, 2 of the Segments that subclasses make are texts a, b and perhaps c, a hard negative."""

    form = "texts_apart"
    objective = "response_ranking"
    can_be_mixed = lines_are_texts = True

    def features(self, made, block, prepared, rng):
        """See base class."""
        found, count = {}, len(made)
        owners = np.repeat(np.arange(count), np.diff(made.splits))
        counts = collections.Counter(instances=count, texts=len(owners), max_length=0)
        for kind, text in enumerate(TEXTS):
            chosen = made.types == kind
            lengths, sizes = (made.ends - made.starts)[chosen], np.zeros(count, np.int64)
            if not len(lengths):
                continue
            framed = self.frame.around(lengths)
            framed.ids[framed.slots] = block.ids[slots(made.starts[chosen], lengths)]
            sizes[owners[chosen]] = framed.sizes
            found[f"{text}_input_ids"] = framed.ids, np.concatenate([[0], np.cumsum(sizes)])
            counts["tokens"] += len(framed.ids)
            counts["max_length"] = max(counts["max_length"], int(sizes.max()))
        counts["hard_negatives"] = int((made.types == 2).sum())
        return found, counts

    @classmethod
    def num_sequences(cls, counts):
        """See base class."""
        return counts["texts"]

    @classmethod
    def summary_rows(cls, manifest):
        """See base class."""
        return [("hard negatives", f"{manifest['statistics'].get('hard_negatives', 0):,}")]

    @classmethod
    def reader(cls, files, manifest, max_seq_length, **reading_options):
        """See base class."""
        from bertline.processors.corpora.pairs.reader import PairReader

        return PairReader(files, manifest, max_seq_length, **reading_options)


def rows_apart(rows, longest):
    """Segments of instances that are given as (starts, ends) of their texts.

    Args:
      rows: list of lists of (start, end), in tokens of the block.
      longest: tokens of a text that are kept, from its beginning.
    """
    splits = np.cumsum([0, *map(len, rows)])
    starts, ends = np.array([text for row in rows for text in row], np.int64).reshape(-1, 2).T
    types = np.arange(len(starts)) - np.repeat(splits[:-1], np.diff(splits))
    kept = np.minimum(ends, starts + longest)
    return Segments(splits, starts, kept, types, dropped_tokens=int((ends - kept).sum()))
