"""Data of objectives that tell a text's own response from those of others."""

import dataclasses
import logging

import registry
from processors import batches, instance_records
from processors.feature_spec import EXAMPLE_INDEX
from processors.layouts.packed import Packed
from processors.layouts.separate import separate_spec
from processors.pretraining_data import PretrainingData


@registry.register("training_data", "text_pairs")
class TextPairs(PretrainingData):
    """Records of texts a and b, and of c, a hard negative, where there is one; see PretrainingData."""

    def open(self, config, tokenizer):
        """Checks records, model and vocabulary (None where it is not known) against each other.

        Raises:
          InputError: they do not fit, or a record is damaged.
        """
        instance_records.check_vocabulary(self._files, self._manifest, tokenizer)
        spec = {**pair_spec(self._manifest.hard_negatives != 0), **EXAMPLE_INDEX}
        self.record_set = instance_records.existing_instances(self._files, self._manifest, spec, config)
        instance_records.check_length(self.record_set, self._settings.max_seq_length)
        negatives = self._manifest.hard_negatives
        known = "" if negatives is None else f", {negatives} with a hard negative"
        logging.info("%d pairs in %d file(s)%s", self.record_set.num_examples, len(self._files), known)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """Batches of exactly `batch_size` pairs, since each is a choice between all of its batch's responses."""
        return batches.whole_batches(self.record_set, batch_size, length_buckets, num_instances)


def pair_spec(has_third):
    """name -> Feature of texts a and b, and of c, which a record may lack."""
    # Each text is a first one: its records need not say so.
    alone = {**Packed.spec, "segment_ids": dataclasses.replace(Packed.spec["segment_ids"], absent=0)}
    spec = separate_spec(alone, ("a", "b", "c") if has_third else ("a", "b"))
    if has_third:
        spec["c_input_ids"] = dataclasses.replace(spec["c_input_ids"], absent=0)
    return spec
