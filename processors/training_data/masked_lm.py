"""Data of masked language models: instances with their masks, or masked anew each time they are drawn."""

import logging

import registry
from errors import InputError
from processors import batches, instance_records, templates
from processors.dynamic_masking import MASKINGS, DynamicMasking
from processors.feature_spec import EXAMPLE_INDEX
from processors.instances.masked import dynamic_spec, masked_lm_spec
from processors.pretraining_data import PretrainingData


@registry.register("training_data", "masked_lm")
class MaskedLMData(PretrainingData):
    """Records of create_pretraining_data.py, ours or the original's; see PretrainingData.

    Args:
      settings: max_seq_length, max_predictions_per_seq, masked_lm_prob and masking, the last two for records without
        masks (None: as they were made for).
    """

    def __init__(self, pattern, settings):
        super().__init__(pattern, settings)
        self._is_masked = instance_records.has_feature(self._files[0], "masked_lm_positions")
        self._masking = None

    def open(self, config, tokenizer):
        """Checks records, model and vocabulary against each other.

        Args:
          config: the encoder's.
          tokenizer: None where no vocabulary is known.

        Raises:
          InputError: they do not fit, or a record is damaged.
        """
        settings, manifest, where = self._settings, self._manifest, self._files[0]
        instance_records.check_vocabulary(self._files, manifest, tokenizer)
        limit = settings.max_predictions_per_seq
        if self._is_masked and (manifest.max_predictions_per_seq or 0) > limit:
            raise InputError(
                f"{where}: made with --max_predictions_per_seq={manifest.max_predictions_per_seq}, this is {limit}; "
                "raise it"
            )
        spec = {**(masked_lm_spec(limit) if self._is_masked else dynamic_spec()), **EXAMPLE_INDEX}
        self.record_set = instance_records.existing_instances(self._files, manifest, spec, config)
        instance_records.check_length(self.record_set, settings.max_seq_length)
        if not self._is_masked:
            self._masking = self._dynamic_masking(config, tokenizer)
        elif settings.masking or settings.masked_lm_prob:
            logging.warning("%s: has its masks already; --masking and --masked_lm_prob play no part there", where)
        kind = "with their masks" if self._is_masked else f"masked as they are drawn ({self._masking_kind()})"
        logging.info("%d instances in %d file(s), %s", self.record_set.num_examples, len(self._files), kind)

    def _dynamic_masking(self, config, tokenizer):
        if tokenizer is None:
            raise InputError(f"{self._files[0]}: has no masks, so --vocab_file is needed to make them")
        kind = self._masking_kind()
        if kind not in MASKINGS:
            raise InputError(f"--masking={kind}: one of {', '.join(MASKINGS)} is needed")
        if kind != "token" and not instance_records.has_feature(self._files[0], "word_starts"):
            raise InputError(
                f"{self._files[0]}: does not say where words begin, which --masking={kind} needs; make the data with "
                f"--masking={kind}"
            )
        special = [*templates.BERT.on(tokenizer).ids, tokenizer.pad_id]

        def masking(seed):
            return DynamicMasking(
                tokenizer.mask_id, tokenizer.vocab_size, special, self._settings.max_predictions_per_seq,
                self._settings.masked_lm_prob or self._manifest.masked_lm_prob, kind, self._manifest.max_ngram, seed,
            )  # fmt: skip

        return masking

    def _masking_kind(self):
        return self._settings.masking or self._manifest.masking

    def train_batches(self, batch_size, seed, length_buckets=None):
        """See processors.batches.train_batches; an epoch is every instance once."""
        return self._masked(super().train_batches(batch_size, seed, length_buckets), seed)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """Batches of as many tokens as `batch_size` of the longest sequences have; the same masks each time.

        Args:
          num_instances: how many, from the first on.
          length_buckets, static: for static shapes: batches of `batch_size` rows, see processors.batches.
        """
        drawn = batches.evaluation_batches(
            self.record_set, batch_size * self._settings.max_seq_length, length_buckets, batch_size if static else None,
            num_instances,
        )  # fmt: skip
        return self._masked(drawn, 0)

    def _masked(self, drawn, seed):
        return drawn.enumerate().map(batches.as_it_is(self._masking(seed))).prefetch(4) if self._masking else drawn
