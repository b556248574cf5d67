"""From documents to serialized pre-training instances: pure functions of text, settings and seed, without TensorFlow.

What one machine or a cluster runs is this: `tokenize_block` for each block of documents, `block_records` for each
block and range of duplicates, then all records in the order of their keys.
"""

import collections
import dataclasses
import itertools

import numpy as np

from bertline.processors.corpora.segments import Block
from bertline.processors.records import example_bytes

# More would need more memory, and are no faster: the arrays of so many fit into a processor's cache.
INSTANCES_AT_ONCE = 1024


@dataclasses.dataclass(frozen=True)
class BlockRecords:
    """Records (list of bytes), their keys (uint64 [records]), and a Counter of what they are."""

    keys: np.ndarray
    records: list
    counts: collections.Counter


def tokenize_block(text_block, tokenizer, keep_texts=False, keep_empty=False):
    """A Block of a TextBlock. Unless `keep_empty`, sentences without a token and documents without one are dropped."""
    sizes = [len(document) for document in text_block.documents]
    texts = list(itertools.chain.from_iterable(text_block.documents))
    ids, splits = tokenizer.encode_batch(texts)
    lengths = np.diff(splits)
    kept = (lengths > 0) | keep_empty
    document_sizes = np.bincount(np.repeat(np.arange(len(sizes)), sizes)[kept], minlength=len(sizes))
    origins = np.array(text_block.origins, np.int64)[document_sizes > 0]
    document_sizes = document_sizes[document_sizes > 0]
    texts = list(itertools.compress(texts, kept)) if keep_texts else None
    return Block(text_block.number, ids, _splits(lengths[kept]), _splits(document_sizes), origins, texts)


def _splits(sizes):
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def block_records(task, kind):
    """The records of a block.

    What is random depends on the seed, the number of the block and that of the duplicate alone.

    Args:
      task: (Block, first duplicate, one beyond the last).
      kind: an object of a kind of corpus data, see `corpora.kind.CorpusKind`.

    Returns:
      BlockRecords.
    """
    block, first, end = task
    prepared, counts = kind.prepare(block)
    parts = [_records(block, prepared, duplicate, kind) for duplicate in range(first, end)]
    keys = np.concatenate([part.keys for part in parts])
    records = list(itertools.chain.from_iterable(part.records for part in parts))
    of_block = collections.Counter(counts if first == 0 else {})
    return BlockRecords(keys, records, sum_counts([of_block, *(part.counts for part in parts)]))


def make_instances(block, duplicate, kind):
    """What a kind makes of a block, and the numpy Generator for what else is random about it."""
    rng = np.random.default_rng([kind.random_seed & ((1 << 64) - 1), block.number, duplicate])
    return kind.make(block, rng), rng


def _records(block, prepared, duplicate, kind):
    made, rng = make_instances(block, duplicate, kind)
    keys = kind.keys(block, len(made), rng)
    records, counts = [], collections.Counter(dropped_tokens=made.dropped_tokens)
    for first in range(0, len(made), INSTANCES_AT_ONCE):
        part = made.part(first, min(first + INSTANCES_AT_ONCE, len(made)))
        features, more = kind.features(part, block, prepared, rng)
        records += example_bytes.examples(features)
        counts = sum_counts([counts, more])
    return BlockRecords(keys, records, counts)


def sum_counts(counts):
    """The sum of Counters; of `max_length` the largest."""
    total = collections.Counter()
    for one in counts:
        longest = max(total["max_length"], one["max_length"])
        total.update(one)
        total["max_length"] = longest
    return total
