"""A stream of tokens for language models: all documents one after the other, in the order of the corpus.

Nothing is masked, nothing is random, nothing is cut off: the reader joins the records again (see
`processors.training_data.token_stream`).
"""

import collections

import numpy as np

import registry
from processors.instances.masked import ranges
from processors.instances.segments import Segments

ENDS_DOCUMENT = 1  # type of a stretch with which a document ends


@registry.register("instances", "token_stream")
def token_stream(block, max_seq_length, short_seq_prob, rng):
    """Stretches of at most `max_seq_length` - 1 tokens, none across the end of a document. Returns Segments.

    A document that is so long that it is a part of several blocks ends with each of them.
    """
    documents = block.sentence_splits[block.document_splits]  # where each begins, in tokens
    sizes, longest = np.diff(documents), max_seq_length - 1
    parts = -(-sizes // longest)
    last = np.cumsum(parts)
    place = np.arange(last[-1] if len(last) else 0) - np.repeat(last - parts, parts)
    starts = np.repeat(documents[:-1], parts) + place * longest
    ends = np.minimum(starts + longest, np.repeat(documents[1:], parts))
    types = (ends == np.repeat(documents[1:], parts)).astype(np.int64)
    return Segments(np.arange(len(starts) + 1), starts, ends, types)


token_stream.in_order = True
token_stream.objective = "causal_lm"


def features(segments, ids, end_id):
    """name -> (values, splits) of some stretches, with an end token after each document; and a Counter.

    Args:
      segments: Segments. ids: int32 [tokens] of the block.
    """
    lengths = segments.ends - segments.starts
    splits = np.concatenate([[0], np.cumsum(lengths + segments.types)])
    values = np.full(splits[-1], end_id, np.int32)
    values[ranges(splits[:-1], lengths)] = ids[ranges(segments.starts, lengths)]
    longest = int(np.diff(splits).max(initial=0))
    return {"input_ids": (values, splits)}, collections.Counter(
        instances=len(segments), tokens=len(values), max_length=longest
    )
