"""Texts and what answers them: turns of dialogues, or lines that hold both.

Source: Yang et al. 2018, https://arxiv.org/abs/1804.07754, section 2.
"""

from bertline import registry
from bertline.processors.corpora.pairs.texts_apart import TextsApart, rows_apart


@registry.register("corpus", "response_pairs")
class ResponsePairs(TextsApart):
    """Each sentence (a turn) of a document (a dialogue) with the one that follows it."""

    def make(self, block, rng):
        """Segments of a and b."""
        return rows_apart(
            [
                [_stretch(block, turn), _stretch(block, turn + 1)]
                for first, end in _documents(block)
                for turn in range(first, end - 1)
            ],
            self.frame.room(self.max_seq_length, 1),
        )


@registry.register("corpus", "text_pairs")
class TextPairs(TextsApart):
    """Each document is a text, its response and perhaps a hard negative: a response that is wrong.

    A pair with a text that has no token is left out, as is a hard negative without one.
    """

    options = {"split_sentences": None}
    columns = (2, 3)

    def make(self, block, rng):
        """Segments of a, b and c."""
        rows = [[_stretch(block, text) for text in range(first, end)] for first, end in _documents(block)]
        rows = [row[:2] + [text for text in row[2:] if text[0] < text[1]] for row in rows]
        rows = [row for row in rows if len(row) > 1 and all(start < end for start, end in row)]
        return rows_apart(rows, self.frame.room(self.max_seq_length, 1))


def _documents(block):
    """Yields the first sentence of each document and one beyond its last."""
    splits = block.document_splits.tolist()
    return zip(splits, splits[1:])


def _stretch(block, sentence):
    return block.sentence_splits[sentence], block.sentence_splits[sentence + 1]
