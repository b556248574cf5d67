"""From documents to serialized pre-training instances: pure functions of text, settings and seed, without TensorFlow.

What one machine or a cluster runs is this: `tokenized` for each block of documents, `block_records` for each block and
range of duplicates, then all records in the order of their keys.
"""

import collections
import dataclasses
import itertools

import numpy as np

import registry
from processors import example_bytes, masking, templates
from processors.instances import texts_apart, token_stream
from processors.instances.masked import assembled, padded
from processors.instances.segments import Block
from processors.segmenters import SegmentedWords

# More would need more memory, and are no faster: the arrays of so many fit into a processor's cache.
INSTANCES_AT_ONCE = 1024


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that instances depend on beside the text and the vocabulary's way to cut it; travels to the processes.

    Attributes:
      instances: registered name of the way to make instances.
      max_seq_length: int, special tokens included.
      short_seq_prob: share of the documents whose instances are shorter.
      masking: Masking; None: sequences are stored unmasked, to be masked while training.
      frame: templates.Frame, the special tokens around texts.
      continues: bool [vocab_size], whether a token continues a word; None where words play no part.
      random_seed: int.
      segmented: SegmentedWords, where words are not what `continues` says; else None.
      is_padded: whether records are filled up with 0, as those of the original.
    """

    instances: str
    max_seq_length: int
    short_seq_prob: float
    masking: masking.Masking | None
    frame: templates.Frame
    continues: np.ndarray | None
    random_seed: int
    segmented: SegmentedWords | None = None
    is_padded: bool = False


@dataclasses.dataclass(frozen=True)
class BlockRecords:
    """Records (list of bytes), their keys (uint64 [records]), and a Counter of what they are."""

    keys: np.ndarray
    records: list
    counts: collections.Counter


def keeps_texts_apart(instances):
    """Whether records of a registered way to make instances hold several texts, unmasked; see `texts_apart`."""
    return getattr(registry.get("instances", instances), "texts_apart", False)


def keeps_order(instances):
    """Whether records of a registered way to make instances are a stream, in the order of the corpus."""
    return getattr(registry.get("instances", instances), "in_order", False)


def is_unmasked(instances):
    """Whether nothing is masked, now or while training, and nothing random."""
    return keeps_texts_apart(instances) or keeps_order(instances)


def is_labelled(instances):
    """Whether instances have `next_sentence_labels`."""
    return getattr(registry.get("instances", instances), "is_labelled", not is_unmasked(instances))


def template_of(instances):
    """The templates.Template of a registered way to make instances."""
    return getattr(registry.get("instances", instances), "template", templates.BERT)


def columns_of(instances):
    """How many tab-separated texts a line may have, ints, where a registered way reads such lines; else None."""
    return getattr(registry.get("instances", instances), "columns", None)


def tokenized(text_block, tokenizer, keep_texts=False, keep_empty=False):
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


def block_records(task, recipe):
    """The records of a block.

    What is random depends on the seed, the number of the block and that of the duplicate alone.

    Args:
      task: (Block, first duplicate, one beyond the last).
      recipe: Recipe.

    Returns:
      BlockRecords.
    """
    block, first, end = task
    word_starts, counts = np.ones(len(block.ids), bool), collections.Counter()
    if recipe.segmented is not None:
        word_starts, missed = recipe.segmented.starts(block, recipe.continues)
        counts["unsegmented_sentences"] += missed if first == 0 else 0
    elif recipe.continues is not None:
        word_starts = ~recipe.continues[block.ids]
    parts = [_records(block, word_starts, duplicate, recipe) for duplicate in range(first, end)]
    keys = np.concatenate([part.keys for part in parts])
    records = list(itertools.chain.from_iterable(part.records for part in parts))
    return BlockRecords(keys, records, sum_counts([counts, *(part.counts for part in parts)]))


def make_segments(block, duplicate, recipe):
    """The instances of a block as Segments, and the numpy Generator for what else is random about them."""
    rng = np.random.default_rng([recipe.random_seed & ((1 << 64) - 1), block.number, duplicate])
    make = registry.get("instances", recipe.instances)
    return make(block, recipe.max_seq_length, recipe.short_seq_prob, rng), rng


def _records(block, word_starts, duplicate, recipe):
    segments, rng = make_segments(block, duplicate, recipe)
    keys = rng.integers(1 << 64, size=len(segments), dtype=np.uint64)
    if keeps_order(recipe.instances):
        keys = np.uint64(block.number << 32) + np.arange(len(segments), dtype=np.uint64)
    records, counts = [], collections.Counter(dropped_tokens=segments.dropped_tokens)
    for first in range(0, len(segments), INSTANCES_AT_ONCE):
        part = segments.part(first, min(first + INSTANCES_AT_ONCE, len(segments)))
        features, more = _features(part, block, word_starts, recipe, rng)
        records += example_bytes.examples(features)
        counts = sum_counts([counts, more])
    return BlockRecords(keys, records, counts)


def _features(segments, block, word_starts, recipe, rng):
    """name -> (values, splits) of some instances, and a Counter of what they are."""
    if keeps_texts_apart(recipe.instances):
        return texts_apart.features(segments, block.ids, recipe.frame)
    if keeps_order(recipe.instances):
        return token_stream.features(segments, block.ids, recipe.frame)
    sequences = assembled(segments, block.ids, word_starts, recipe.frame)
    splits = sequences.splits
    features = {"input_ids": (sequences.input_ids, splits), "segment_ids": (sequences.segment_ids, splits)}
    counts = collections.Counter(
        instances=len(segments), tokens=int(splits[-1]), predictions=0, max_length=int(np.diff(splits).max(initial=0))
    )
    if segments.labels is not None:
        features["next_sentence_labels"] = segments.labels, np.arange(len(segments) + 1)
        counts["labels_1"] = int(segments.labels.sum())
    if recipe.masking is not None:
        masked = masking.masked(sequences, recipe.masking, rng)
        counts["predictions"] = len(masked.labels)
        features["input_ids"] = masked.input_ids, splits
        features["masked_lm_positions"] = masked.positions, masked.splits
        features["masked_lm_ids"] = masked.labels, masked.splits
        features["masked_lm_weights"] = np.ones(len(masked.labels), np.float32), masked.splits
        if recipe.is_padded:
            features = padded(features, recipe.max_seq_length, recipe.masking.max_predictions_per_seq)
    elif recipe.continues is not None:
        features["word_starts"] = sequences.word_starts, splits
    return features, counts


def sum_counts(counts):
    """The sum of Counters; of `max_length` the largest."""
    total = collections.Counter()
    for one in counts:
        longest = max(total["max_length"], one["max_length"])
        total.update(one)
        total["max_length"] = longest
    return total
