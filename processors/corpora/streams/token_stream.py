"""A stream of tokens for language models: all documents one after the other, in the order of the corpus.

Nothing is masked, nothing is random, nothing is cut off: the reader joins the records again.
"""

import collections

import numpy as np

from bertline import registry
from bertline.processors.corpora.kind import CorpusKind
from bertline.processors.corpora.segments import Segments
from bertline.processors.layouts import templates
from bertline.processors.records.feature_spec import Feature
from bertline.processors.records.ragged import slots


@registry.register("corpus", "token_stream")
class TokenStream(CorpusKind):
    """Stretches that leave room for an end, none across the end of a document; type 1 is one with which it ends.

    A document that is so long that it is a part of several blocks ends with each of them.
    """

    form = "token_stream"
    objective = "causal_lm"
    template = templates.DOCUMENT
    spec = {"input_ids": Feature("int32", ("tokens",))}

    def make(self, block, rng):
        """Segments."""
        documents = block.sentence_splits[block.document_splits]  # where each begins, in tokens
        sizes, longest = np.diff(documents), self.frame.room(self.max_seq_length, 1)
        parts = -(-sizes // longest)
        last = np.cumsum(parts)
        place = np.arange(last[-1] if len(last) else 0) - np.repeat(last - parts, parts)
        starts = np.repeat(documents[:-1], parts) + place * longest
        ends = np.minimum(starts + longest, np.repeat(documents[1:], parts))
        types = (ends == np.repeat(documents[1:], parts)).astype(np.int64)
        return Segments(np.arange(len(starts) + 1), starts, ends, types)

    def keys(self, block, count, rng):
        """See base class: the order of the corpus."""
        return np.uint64(block.number << 32) + np.arange(count, dtype=np.uint64)

    def features(self, made, block, prepared, rng):
        """See base class."""
        lengths = made.ends - made.starts
        [end] = self.frame.after
        splits = np.concatenate([[0], np.cumsum(lengths + made.types)])
        values = np.full(splits[-1], end, np.int32)
        values[slots(splits[:-1], lengths)] = block.ids[slots(made.starts, lengths)]
        longest = int(np.diff(splits).max(initial=0))
        return {"input_ids": (values, splits)}, collections.Counter(
            instances=len(made), tokens=len(values), max_length=longest
        )

    @classmethod
    def reader(cls, files, manifest, max_seq_length, **reading_options):
        """See base class."""
        from bertline.processors.corpora.streams.reader import StreamReader

        return StreamReader(files, manifest, max_seq_length, **reading_options)
