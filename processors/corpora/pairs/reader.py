"""Reading of texts that are kept apart, for objectives that tell a text's own response from those of others."""

import dataclasses
import logging

from bertline.processors.corpora.reader import CorpusReader
from bertline.processors.layouts.packed import Packed
from bertline.processors.layouts.separate import separate_spec
from bertline.processors.records import batches


class PairReader(CorpusReader):
    """Records of texts a and b, and of c, a hard negative, where there is one; see CorpusReader."""

    def open(self, config, tokenizer):
        """See base class."""
        negatives = hard_negatives(self._manifest)
        self._open(pair_spec(negatives != 0), config, tokenizer)
        known = "" if negatives is None else f", {negatives} with a hard negative"
        logging.info("%d pairs in %d file(s)%s", self.record_set.num_examples, len(self._files), known)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """Batches of exactly `batch_size` pairs, since each is a choice between all of its batch's responses."""
        return batches.whole_batches(self.record_set, batch_size, length_buckets, num_instances)


def hard_negatives(manifest):
    """How many pairs have one; None where that is not known, as of some of a call's shards."""
    counts = manifest.counts("statistics", "hard_negatives", 0)
    return sum(counts) if counts and (manifest.is_whole or not any(counts)) else None


def pair_spec(has_third):
    """name -> Feature of texts a and b, and of c, which a record may lack."""
    # Each text is a first one: its records need not say so.
    alone = {**Packed.spec, "segment_ids": dataclasses.replace(Packed.spec["segment_ids"], absent=0)}
    spec = separate_spec(alone, ("a", "b", "c") if has_third else ("a", "b"))
    if has_third:
        spec["c_input_ids"] = dataclasses.replace(spec["c_input_ids"], absent=0)
    return spec
