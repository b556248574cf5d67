"""One text or two in a row, between the special tokens of a template."""

import functools

import numpy as np

from bertline import registry
from bertline.errors import InputError
from bertline.processors.layouts import templates
from bertline.processors.layouts.base import Layout, Rows
from bertline.processors.layouts.pieces import row_splits_of
from bertline.processors.layouts.truncation import BERT
from bertline.processors.records.feature_spec import Feature
from bertline.processors.records.ragged import slots


@registry.register("layout", "packed")
class Packed(Layout):
    """Tokens of one text or of two with those of a template around them, cut to a length; BERT's is the default one.

    Source: google-research/bert `run_classifier.py:convert_single_example` and `_truncate_seq_pair`.

    Args:
      tokenizer: a FullTokenizer or another with its interface.
      max_seq_length: tokens kept, special ones included.
      truncation: which tokens remain of what is longer.

    Raises:
      InputError: there is no room for a token.
    """

    name, template, is_original, reads_whole_texts = "packed", templates.BERT, True, True
    spec = {
        "input_ids": Feature("int32", ("tokens",)),
        # Records have their true length, so they hold no mask of ones; those that are padded do.
        "input_mask": Feature("int32", ("tokens",), absent=1),
        "segment_ids": Feature("int32", ("tokens",)),
    }

    def __init__(self, tokenizer, max_seq_length, truncation=BERT):
        self.tokenizer, self.max_seq_length, self.truncation = tokenizer, max_seq_length, truncation
        if self.template.room(max_seq_length, 1) < 1:
            raise InputError(f"--max_seq_length={max_seq_length}: at least {self._least()}")

    def _least(self):
        before, after = (self.tokenizer.convert_ids_to_tokens(ids) for ids in (self.frame.before, self.frame.after))
        *first, last = [*before, "a token", *after]
        return f"{len(first) + 1} are needed for {', '.join(first)}{' and ' if first else ''}{last}"

    @functools.cached_property
    def frame(self):
        """templates.Frame. Raises InputError where the vocabulary lacks a special token of the template."""
        return self.template.on(self.tokenizer)

    def check(self, examples):
        return self.frame

    def fingerprint(self):
        """All that the arrays depend on beside the texts."""
        said = [self.name, self.max_seq_length, self.tokenizer.fingerprint()]
        # Records of BERT's own truncation keep the key that they had before there was another one.
        return said if self.truncation.is_original else [*said, self.truncation.part, self.truncation.text]

    def config_entries(self):
        """See base class."""
        return self.truncation.config_entries()

    def graph_form(self):
        from bertline.processors.layouts import graph_layouts

        return functools.partial(graph_layouts.pack, self)

    def rows(self, texts, second_texts=None):
        """Rows of many texts at once, or of pairs; a second text without tokens is none, as in the original."""
        second = self.tokenizer.encode_batch(second_texts) if second_texts and any(second_texts) else None
        return self.pack(self.tokenizer.encode_batch(texts), second)

    def pack(self, first, second=None):
        """Tokens of texts -> Rows.

        Args:
          first, second: (ids int32 [total], row_splits int64 [n + 1]), as `encode_batch` gives them.
        """
        ids_a, splits_a = first
        length_a = splits_a[1:] - splits_a[:-1]
        length_b = second[1][1:] - second[1][:-1] if second else np.zeros_like(length_a)
        texts = 1 + (length_b > 0)
        full_lengths = length_a + length_b + self.frame.num_special(texts)
        kept_a, kept_b = self.truncation.lengths(length_a, length_b, self.frame.room(self.max_seq_length, texts))
        if second is None:
            framed = self.frame.around(kept_a)
            framed.ids[framed.slots] = self.truncation.cut(ids_a, splits_a, kept_a)
            segment_ids = np.zeros_like(framed.ids)
        else:
            framed, segment_ids = self._pairs(ids_a, splits_a, kept_a, *second, kept_b)
        return Rows({"input_ids": framed.ids, "segment_ids": segment_ids}, framed.row_splits, full_lengths)

    def pack_words(self, pieces, words, splits=None):
        """The Rows of n texts of words.

        Args:
          pieces: layouts.pieces.Pieces of the words.
          words: list of str.
          splits: int64 [n + 1]; text i has the words splits[i]:splits[i + 1]. None: all are of one text.
        """
        return self.pack((pieces.ids, row_splits_of(pieces, splits)))

    def with_words(self, rows, words, word_of_slot):
        """Rows with what a layout gives of words beside their pieces.

        Args:
          rows: Rows of words. words: list of str.
          word_of_slot: int64, for each slot of the rows the number of its word, -1 for special tokens.
        """
        return rows

    def _pairs(self, ids_a, splits_a, kept_a, ids_b, splits_b, kept_b):
        paired = kept_b > 0  # the original looks at what is left of b: `if tokens_b:`
        splits = np.zeros(len(paired) + 1, np.int64)
        np.cumsum(1 + paired, out=splits[1:])
        firsts, seconds = splits[:-1], splits[1:][paired] - 1
        lengths = np.empty(splits[-1], np.int64)
        lengths[firsts], lengths[seconds] = kept_a, kept_b[paired]
        framed = self.frame.around(lengths, splits)
        framed.ids[slots(framed.starts[firsts], kept_a)] = self.truncation.cut(ids_a, splits_a, kept_a)
        framed.ids[slots(framed.starts[seconds], kept_b[paired])] = self.truncation.cut(ids_b, splits_b, kept_b)
        segments = np.zeros(len(lengths), np.int32)
        segments[seconds] = self.tokenizer.second_segment_id
        segment_ids = np.repeat(segments, framed.sizes)
        return framed, segment_ids


@registry.register("layout", "plain")
class Plain(Packed):
    """The tokens of one text, or of two one after the other, and nothing around them."""

    name, template, is_original = "plain", templates.PLAIN, False
