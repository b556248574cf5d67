"""Small blocks for the tests of instances, and instances read back as lists of tokens."""

import numpy as np

from processors.instances.segments import Block


def block(documents, number=0):
    """A Block of documents given as lists of sentences of ids."""
    sentences = [sentence for document in documents for sentence in document]
    ids = np.array([token for sentence in sentences for token in sentence], np.int32)
    sentence_splits = np.cumsum([0, *map(len, sentences)])
    return Block(number, ids, sentence_splits, np.cumsum([0, *map(len, documents)]), np.arange(len(documents)))


def numbered(sizes):
    """Documents of sentences of these sizes; every token has a number of its own, from 10 on."""
    made, token = [], 10
    for document in sizes:
        made.append([])
        for size in document:
            made[-1].append(list(range(token, token + size)))
            token += size
    return made


def instances(segments, ids):
    """One list of segments (tuples of ids) for each instance."""
    cut = [tuple(ids[start:end].tolist()) for start, end in zip(segments.starts, segments.ends)]
    return [cut[start:end] for start, end in zip(segments.splits, segments.splits[1:])]
