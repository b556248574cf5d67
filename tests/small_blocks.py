"""Small blocks for the tests of instances, and instances read back as lists of tokens."""

import types

import numpy as np

from bertline import registry
from bertline.processors.corpora.segments import Block

CLS, SEP, MASK = 1, 2, 3
SPECIAL = types.SimpleNamespace(special_id={"cls": CLS, "sep": SEP, "end": SEP}.get, mask_id=MASK, vocab_size=1000)


def kind(name, max_seq_length=128, seed=0, tokenizer=SPECIAL, **options):
    """An object of a registered kind of corpus data, for blocks that need no tokenizer."""
    return registry.get("corpus", name)(tokenizer, max_seq_length, seed, **options)


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
