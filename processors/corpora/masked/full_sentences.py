"""Full sentences one after another until the length is reached, without a next-sentence task.

Source: Liu et al. 2019 (RoBERTa), section 4.2, FULL-SENTENCES.
"""

from bisect import bisect_right

import numpy as np

from bertline import registry
from bertline.processors.corpora.masked.kind import MaskedKind
from bertline.processors.corpora.segments import Segments


@registry.register("corpus", "full_sentences")
class FullSentences(MaskedKind):
    """[CLS] sentences [SEP]; where a document ends, a [SEP] more and the next one's sentences.

    A sentence that is longer than an instance is cut into parts that fill one each. All have type 0 and no label.
    Chance plays no part: every duplicate has the same instances, with masks of its own.
    """

    options = {"short_seq_prob": None, "pad_records": None}

    def make(self, block, rng):
        """Segments, without labels."""
        # Instances are filled by cost: each sentence its tokens, the first of a document also the [SEP] before it.
        longest, between = self.frame.room(self.max_seq_length, 1), len(self.frame.between)
        ends, first_of_document = _cut_long(block, longest)
        starts = np.concatenate([[0], ends[:-1]])
        costs = np.concatenate([[0], np.cumsum(ends - starts + first_of_document * between)]).tolist()
        opens = first_of_document.tolist()
        first, sentence, count = [], 0, len(ends)
        while sentence < count:
            first.append(sentence)
            # Its first sentence needs no [SEP] before it: [CLS] is there.
            room = costs[sentence] + longest + opens[sentence] * between
            sentence = max(sentence + 1, bisect_right(costs, room) - 1)
        begins = first_of_document.copy()
        begins[first] = True  # a segment: sentences of one document in one instance
        segment = np.flatnonzero(begins)
        splits = np.append(np.searchsorted(segment, first), len(segment)) if count else np.zeros(1, np.int64)
        segment_ends = np.append(starts[segment][1:], ends[-1:])
        return Segments(splits, starts[segment], segment_ends, np.zeros(len(segment), np.int64))


def _cut_long(block, longest):
    """Ends of sentences, none longer than `longest`, int64; and whether each is the first of a document, bool."""
    ends, sizes = block.sentence_splits[1:], np.diff(block.sentence_splits)
    opens = np.zeros(len(ends), bool)
    opens[block.document_splits[:-1]] = True
    parts = -(-sizes // longest)
    if not (parts > 1).any():
        return ends, opens
    last = np.cumsum(parts)  # beyond the parts of each sentence
    place = np.arange(last[-1] if len(last) else 0) - np.repeat(last - parts, parts) + 1  # of a part, from 1
    part_ends = np.repeat(ends - sizes, parts) + np.minimum(place * longest, np.repeat(sizes, parts))
    return part_ends, np.repeat(opens, parts) & (place == 1)
