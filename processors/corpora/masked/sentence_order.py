"""Pairs of consecutive segments of a document, half of them swapped.

Source: Lan et al. 2019 (ALBERT), section 3.1; google-research/albert, create_pretraining_data.py.
"""

from bisect import bisect_left

from bertline import registry
from bertline.processors.corpora.masked.kind import MaskedKind
from bertline.processors.corpora.segments import make_pairs, target_length, uniform_source


@registry.register("corpus", "sentence_order")
class SentenceOrder(MaskedKind):
    """Sentences are collected and divided as for next sentences, but always into neighbours.

    A single sentence is divided at a random token; ALBERT's program takes a random second segment there, which is
    another task. A single token makes no pair and is left out.
    """

    def make(self, block, rng):
        """Segments; labels 0: in the order of the text, 1: swapped."""
        uniform, max_num_tokens = uniform_source(rng), self.frame.room(self.max_seq_length, 2)
        splits, documents = block.sentence_splits.tolist(), block.document_splits.tolist()
        rows = []
        for sentence, last in zip(documents, documents[1:]):
            target = target_length(max_num_tokens, self.short_seq_prob, uniform)
            while sentence < last:
                end = bisect_left(splits, splits[sentence] + target, sentence + 1, last)
                start, stop = splits[sentence], splits[end]
                if end - sentence > 1:
                    middle = splits[sentence + 1 + int(uniform() * (end - sentence - 1))]
                else:
                    middle = start + 1 + int(uniform() * (stop - start - 1))
                if middle < stop:
                    swapped = uniform() < 0.5
                    rows.append((middle, stop, start, middle, 1) if swapped else (start, middle, middle, stop, 0))
                sentence = end
        return make_pairs(rows, max_num_tokens, rng)
