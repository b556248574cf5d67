"""Data of objectives that tell a text's own response from those of others."""

import dataclasses
import logging

import registry
from processors import batches, instance_records
from processors.feature_spec import EXAMPLE_INDEX
from processors.layouts import Packed, separate_spec

SHUFFLE_BUFFER = 20_000  # instances; create_pretraining_data.py has mixed them in larger blocks already


@registry.register("training_data", "text_pairs")
class TextPairs:
    """Records of create_pretraining_data.py: texts a and b, and c, a hard negative, where there is one.

    Args:
      pattern: names and glob patterns, comma-separated.
      settings: max_seq_length.

    Attributes:
      vocab_file: the vocabulary that the records were made with, where it is known and still there; else None.
      record_set: a RecordSet, after `open`.

    Raises:
      InputError: no such file, or files that do not belong together.
    """

    def __init__(self, pattern, settings):
        self._files = instance_records.find_files(pattern)
        self._manifest, self._settings = instance_records.read_manifest(self._files), settings
        self.vocab_file = self._manifest.present_vocab_file()

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

    def train_batches(self, batch_size, seed, length_buckets=None):
        """See processors.batches.train_batches; an epoch is every pair once."""
        return batches.train_batches(self.record_set, batch_size, seed, length_buckets, shuffle_buffer=SHUFFLE_BUFFER)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """Batches of exactly `batch_size` pairs, since each is a choice between all of its batch's responses."""
        return batches.whole_batches(self.record_set, batch_size, length_buckets, num_instances)


def pair_spec(has_third):
    """name -> Feature of texts a and b, and of c, which a record may lack."""
    spec = separate_spec(Packed.spec, ("a", "b", "c") if has_third else ("a", "b"))
    if has_third:
        spec["c_input_ids"] = dataclasses.replace(spec["c_input_ids"], default=0)
    return spec
