"""Pairs of segments; the second one follows the first, or is a random one.

Source: google-research/bert, create_pretraining_data.py, create_instances_from_document; Devlin et al. 2018, A.2.
"""

from bisect import bisect_left

from bertline import registry
from bertline.processors.corpora.masked.kind import MaskedKind
from bertline.processors.corpora.segments import make_pairs, target_length, uniform_source

ATTEMPTS = 10  # to draw another document than the present one


@registry.register("corpus", "next_sentence")
class NextSentence(MaskedKind):
    """The original's instances.

    Sentences are collected until the target length is reached. The first ones of them, at random how many, are a; b is
    the rest, or (half of the time, and always where there is only one sentence) sentences of another document, after
    which the rest is used again. One target length holds for a whole document.
    """

    def make(self, block, rng):
        """Segments; labels 0: b follows a, 1: b is random."""
        uniform, max_num_tokens = uniform_source(rng), self.frame.room(self.max_seq_length, 2)
        splits, documents = block.sentence_splits.tolist(), block.document_splits.tolist()
        origins, count, rows = block.origins.tolist(), len(documents) - 1, []
        for document, (sentence, last) in enumerate(zip(documents, documents[1:])):
            target = target_length(max_num_tokens, self.short_seq_prob, uniform)
            while sentence < last:
                start = splits[sentence]
                end = bisect_left(splits, start + target, sentence + 1, last)
                a_end = sentence + 1
                if end > a_end:
                    a_end += int(uniform() * (end - a_end))
                if end == sentence + 1 or uniform() < 0.5:
                    for _ in range(ATTEMPTS):
                        other = int(uniform() * count)
                        if origins[other] != origins[document]:
                            break
                    first, beyond = documents[other], documents[other + 1]
                    b_start = first + int(uniform() * (beyond - first))
                    b_length = target - (splits[a_end] - start)
                    b_end = bisect_left(splits, splits[b_start] + b_length, b_start + 1, beyond)
                    # A bisection without a hit gives `beyond`: the rest of the document.
                    rows.append((start, splits[a_end], splits[b_start], splits[b_end], 1))
                    sentence = a_end
                else:
                    rows.append((start, splits[a_end], splits[a_end], splits[end], 0))
                    sentence = end
        return make_pairs(rows, max_num_tokens, rng)
