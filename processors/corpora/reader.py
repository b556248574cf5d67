"""How records of a corpus become batches: what the readers of all kinds share."""

from bertline.errors import InputError
from bertline.processors.corpora.making import instance_records
from bertline.processors.layouts import base as layouts
from bertline.processors.records import batches, record_checks
from bertline.processors.records.feature_spec import EXAMPLE_INDEX

SHUFFLE_BUFFER = 20_000  # instances; create_pretraining_data.py has mixed them in larger blocks already


class CorpusReader:
    """Records of one kind, to train on or to evaluate on.

    Args:
      files: paths. manifest: what is known of them, an `instance_records.Manifest`.
      max_seq_length: longest sequence allowed, in tokens.
      spec: name -> Feature.

    Attributes:
      vocab_file: the vocabulary that the records were made with, where it is known and still there; else None.
      record_set: a RecordSet, after `open`.
    """

    def __init__(self, files, manifest, max_seq_length, spec=None):
        self._files, self._manifest, self._max_seq_length, self._spec = files, manifest, max_seq_length, spec
        self.vocab_file = manifest.present_vocab_file()

    def open(self, config, tokenizer):
        """Checks records, model and vocabulary against each other.

        Args:
          config: the encoder's.
          tokenizer: None where no vocabulary is known.

        Raises:
          InputError: they do not fit, or a record is damaged.
        """
        self._open(self._spec, config, tokenizer)

    def _open(self, spec, config, tokenizer):
        instance_records.check_vocabulary(self._files, self._manifest, tokenizer)
        self._check_reads_ids(config)
        spec = {**spec, **EXAMPLE_INDEX}
        limits = self.limits(spec, config)
        self.record_set = instance_records.existing_instances(self._files, self._manifest, spec, limits)
        instance_records.check_length(self.record_set, self._max_seq_length)

    def _check_reads_ids(self, config):
        """Raises InputError for an encoder that reads more than ids of shared tokens: records have nothing else."""
        if config.rows_apart() or not layouts.get(config.layout).packs_ids:
            raise InputError(
                f"{self._files[0]}: these records have ids of tokens alone, and the encoder reads more: words, or rows "
                'of its parts; leave parts with characters, or with a "prefix", out of the configuration'
            )

    @staticmethod
    def limits(spec, config):
        """Name -> (what sets the limit, the number that values must be below): ids are in the encoder's tables."""
        return record_checks.id_limits(spec, config)

    def epochs(self, rows):
        """How many times so many rows of batches go through the data, a float; None where it is not known."""
        return rows / self.record_set.num_examples

    def train_batches(self, batch_size, seed, length_buckets=None):
        """See bertline.processors.records.batches.train_batches; an epoch is every instance once."""
        return batches.train_batches(self.record_set, batch_size, seed, length_buckets, shuffle_buffer=SHUFFLE_BUFFER)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """Batches of as many tokens as `batch_size` of the longest sequences have.

        Args:
          num_instances: how many, from the first on.
          length_buckets, static: for static shapes: batches of `batch_size` rows, see
            bertline.processors.records.batches.
        """
        return batches.evaluation_batches(
            self.record_set,
            batch_size * self._max_seq_length,
            length_buckets,
            batch_size if static else None,
            num_instances,
        )
