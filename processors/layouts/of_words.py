"""Layouts that read words rather than ids: those of a text are found by rules."""

import numpy as np

from bertline.errors import InputError
from bertline.processors.layouts.pieces import pieces_of, row_splits_of
from bertline.processors.tagging.word_offsets import split_words


class OfWords:
    """What such layouts have in common; they have `pack` and `with_words`, as Packed."""

    packs_ids = False
    without_pairs = "an encoder that reads no characters"  # what reads pairs, for messages

    def check(self, examples):
        """See Layout. Raises InputError for pairs."""
        super().check(examples)
        for example in examples:
            if getattr(example, "text_b", None):
                raise InputError(f"{example.source or example.guid}: {self._about_pairs()}")

    def _about_pairs(self):
        return (
            f"two texts, and the layout {self.name} of this encoder reads single texts; leave the second text out, or "
            f"give {self.without_pairs}"
        )

    def pack_words(self, pieces, words, splits=None):
        """See Packed."""
        ends = row_splits_of(pieces, splits)
        # Packed as if they were ids; below 0, so that no special token looks like one.
        numbers = np.repeat(np.arange(len(words)), np.diff(pieces.splits))
        marked = self.pack((-1 - numbers, ends)).values["input_ids"].astype(np.int64)
        return self.with_words(self.pack((pieces.ids, ends)), words, np.maximum(-1 - marked, -1))

    def rows(self, texts, second_texts=None):
        """Rows of many texts, whose words are found by rules. Raises InputError for pairs."""
        if second_texts and any(second_texts):
            raise InputError(self._about_pairs())
        words = [[text[start:end] for start, end in split_words(text)] for text in texts]
        flat = [word for row in words for word in row]
        pieces = pieces_of(self.tokenizer, flat, self.max_seq_length)
        return self.pack_words(pieces, flat, np.cumsum([0, *map(len, words)]))

    def graph_form(self):
        """See Layout."""
        raise InputError(f"the layout {self.name} cannot be put into a graph: it reads words")
