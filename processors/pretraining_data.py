"""What all kinds of pre-training data share: files of create_pretraining_data.py, their manifest, training batches."""

from processors import batches, instance_records

SHUFFLE_BUFFER = 20_000  # instances; create_pretraining_data.py has mixed them in larger blocks already


class PretrainingData:
    """Base of the classes in `processors.training_data`, which add `open` and `evaluation_batches`.

    Args:
      pattern: names and glob patterns, comma-separated.
      settings: what the subclass reads of PretrainingSettings.

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

    def train_batches(self, batch_size, seed, length_buckets=None):
        """See processors.batches.train_batches; an epoch is every instance once."""
        return batches.train_batches(self.record_set, batch_size, seed, length_buckets, shuffle_buffer=SHUFFLE_BUFFER)
