"""A stream of tokens for language models: all documents one after the other, in the order of the corpus.

Nothing is masked, nothing is random, nothing is cut off: the reader joins the records again (see
`processors.training_data.token_stream`).
"""

import collections

import numpy as np

import registry
from processors import templates
from processors.instances.segments import Segments
from processors.ragged import slots

ENDS_DOCUMENT = 1  # type of a stretch with which a document ends


@registry.register("instances", "token_stream")
def token_stream(block, max_seq_length, short_seq_prob, rng):
    """Stretches that leave room for an end, none across the end of a document. Returns Segments.

    A document that is so long that it is a part of several blocks ends with each of them.
    """
    documents = block.sentence_splits[block.document_splits]  # where each begins, in tokens
    sizes, longest = np.diff(documents), templates.DOCUMENT.room(max_seq_length, 1)
    parts = -(-sizes // longest)
    last = np.cumsum(parts)
    place = np.arange(last[-1] if len(last) else 0) - np.repeat(last - parts, parts)
    starts = np.repeat(documents[:-1], parts) + place * longest
    ends = np.minimum(starts + longest, np.repeat(documents[1:], parts))
    types = (ends == np.repeat(documents[1:], parts)).astype(np.int64)
    return Segments(np.arange(len(starts) + 1), starts, ends, types)


token_stream.in_order = True
token_stream.objective = "causal_lm"
token_stream.template = templates.DOCUMENT


def features(segments, ids, frame):
    """name -> (values, splits) of some stretches, with an end behind each document; and a Counter.

    Args:
      segments: Segments. ids: int32 [tokens] of the block. frame: templates.Frame.
    """
    lengths = segments.ends - segments.starts
    [end] = frame.after
    splits = np.concatenate([[0], np.cumsum(lengths + segments.types)])
    values = np.full(splits[-1], end, np.int32)
    values[slots(splits[:-1], lengths)] = ids[slots(segments.starts, lengths)]
    longest = int(np.diff(splits).max(initial=0))
    return {"input_ids": (values, splits)}, collections.Counter(
        instances=len(segments), tokens=len(values), max_length=longest
    )
