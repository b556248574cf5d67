"""Texts -> pools -> batches of similar length."""

import numpy as np

from bertline.processors.records.ragged import slots

# A batch of fewer tokens is not worth a call of its own; above, one whose rows would be padded by more is cut.
SMALL_BATCH_TOKENS = 256
SHORTEST_SHARE = 0.9


def pools(texts, max_texts, max_characters):
    """Yields lists of texts, or of pairs of texts, in order; where one ends depends on what is in it alone."""
    pool, characters = [], 0
    for text in texts:
        pool.append(text)
        characters += len(text) if isinstance(text, str) else len(text[0]) + len(text[1])
        if len(pool) >= max_texts or characters >= max_characters:
            yield pool
            pool, characters = [], 0
    if pool:
        yield pool


def cut(lengths, members, max_tokens):
    """Some rows, longest first, in batches of at most `max_tokens` slots: list of int64 arrays of row numbers."""
    order = members[np.argsort(-lengths[members], kind="stable")]
    shortening = -lengths[order]
    batches, start = [], 0
    while start < len(order):
        longest = max(1, -shortening[start])  # a row may be empty where no special tokens are
        alike = np.searchsorted(shortening, -SHORTEST_SHARE * longest, side="right")
        end = max(alike, start + SMALL_BATCH_TOKENS // longest)
        end = min(end, start + max(1, max_tokens // longest), len(order))
        batches.append(order[start:end])
        start = end
    return batches


def dense(rows, chosen):
    """Some rows of a `Rows` as a batch: name -> int32 [B, T, ...], T the longest of them, with `input_mask`."""
    lengths = rows.lengths[chosen]
    real = np.arange(max(1, lengths.max())) < lengths[:, None]
    flat = slots(rows.row_splits[chosen], lengths)
    batch = {"input_mask": real.astype(np.int32)}
    for name, values in rows.values.items():
        batch[name] = np.zeros([*real.shape, *values.shape[1:]], values.dtype)
        batch[name][real] = values[flat]
    for prefix, part in rows.apart.items():
        batch |= {prefix + name: array for name, array in dense(part, chosen).items()}
    return batch
