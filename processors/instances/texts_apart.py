"""Instances whose texts stay apart: a record has each text as it would be alone; nothing is masked, nothing random."""

import collections

import numpy as np

from processors.instances.segments import Segments
from processors.ragged import slots

TEXTS = ("a", "b", "c")  # what the names of the texts' features begin with


def texts_apart(objective, columns=None):
    """Decorator of a way to make instances: types 0, 1, 2 of its Segments are texts a, b and perhaps c.

    Args:
      objective: the name of what learns from it, for the command that is shown.
      columns: it reads lines of so many tab-separated texts, numbers of which are allowed; None: documents.
    """

    def decorate(make):
        make.texts_apart, make.objective, make.columns = True, objective, columns
        return make

    return decorate


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


def features(segments, ids, frame):
    """name -> (values, splits) of some instances, and a Counter of what they are.

    Args:
      segments: Segments. ids: int32 [tokens] of the block. frame: templates.Frame.
    """
    found, count = {}, len(segments)
    owners = np.repeat(np.arange(count), np.diff(segments.splits))
    counts = collections.Counter(instances=count, texts=len(owners), max_length=0)
    for kind, text in enumerate(TEXTS):
        chosen = segments.types == kind
        lengths, sizes = (segments.ends - segments.starts)[chosen], np.zeros(count, np.int64)
        if not len(lengths):
            continue
        framed = frame.around(lengths)
        framed.ids[framed.slots] = ids[slots(segments.starts[chosen], lengths)]
        sizes[owners[chosen]] = framed.sizes
        found[f"{text}_input_ids"] = framed.ids, np.concatenate([[0], np.cumsum(sizes)])
        counts["tokens"] += len(framed.ids)
        counts["max_length"] = max(counts["max_length"], int(sizes.max()))
    counts["hard_negatives"] = int((segments.types == 2).sum())
    return found, counts
