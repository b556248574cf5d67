"""How an example's tokens are laid out for an encoder: examples -> named arrays."""

import numpy as np

from errors import InputError
from processors.feature_spec import Feature

ENCODING_BATCH = 4096  # texts per call of the tokenizer: large enough to amortise the call, small enough for memory


class Packed:
    """[CLS] a [SEP] or [CLS] a [SEP] b [SEP], cut to a length.

    Source: google-research/bert `run_classifier.py:convert_single_example` and `_truncate_seq_pair`.

    Args:
      tokenizer: a FullTokenizer or another with its interface.
      max_seq_length: tokens kept, special ones included.
    """

    name = "packed"
    spec = {
        "input_ids": Feature("int32", (None,)),
        # Records have their true length, so a mask of ones need not be stored; the original's have a padded one.
        "input_mask": Feature("int32", (None,), default=1, stored=False),
        "segment_ids": Feature("int32", (None,), default=0),
    }

    def __init__(self, tokenizer, max_seq_length):
        if max_seq_length < 3:
            raise InputError(f"--max_seq_length={max_seq_length}: at least 3 are needed for [CLS], a token and [SEP]")
        self.tokenizer, self.max_seq_length = tokenizer, max_seq_length

    def fingerprint(self):
        """All that the arrays depend on beside the texts."""
        return [self.name, self.max_seq_length, self.tokenizer.fingerprint()]

    def features(self, examples):
        """Yields one dict of int32 arrays per InputExample."""
        for start in range(0, len(examples), ENCODING_BATCH):
            part = examples[start : start + ENCODING_BATCH]
            firsts = self._encoded([example.text_a for example in part])
            seconds = self._encoded([example.text_b or "" for example in part])
            for example, a, b in zip(part, firsts, seconds):
                yield self._pack(a, b if example.text_b else None)

    def _encoded(self, texts):
        ids, splits = self.tokenizer.encode_batch(texts)
        return [ids[start:end] for start, end in zip(splits[:-1], splits[1:])]

    def _pack(self, a, b):
        cls, sep = self.tokenizer.cls_id, self.tokenizer.sep_id
        if b is None:
            ids = np.concatenate([[cls], a[: self.max_seq_length - 2], [sep]])
            return {"input_ids": ids, "segment_ids": np.zeros(len(ids), np.int32)}
        kept_a, kept_b = truncated_lengths(len(a), len(b), self.max_seq_length - 3)
        ids = np.concatenate([[cls], a[:kept_a], [sep], b[:kept_b], [sep]])
        segment_ids = np.zeros(len(ids), np.int32)
        segment_ids[kept_a + 2 :] = 1
        return {"input_ids": ids, "segment_ids": segment_ids}


def truncated_lengths(length_a, length_b, limit):
    """Lengths after tokens were dropped from the end of the longer sequence, of b where both are equal."""
    over = max(0, length_a + length_b - limit)
    # First the longer one shrinks to the shorter one, then both in turn.
    from_longer = min(over, abs(length_a - length_b))
    if length_a > length_b:
        length_a -= from_longer
    else:
        length_b -= from_longer
    over -= from_longer
    return length_a - over // 2, length_b - (over + 1) // 2


_LAYOUTS = {layout.name: layout for layout in (Packed,)}


def get(name):
    """The layout class of that name."""
    return _LAYOUTS[name]
