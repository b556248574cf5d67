"""Reading of masked sequences: with the masks that they have, or masked anew each time they are drawn."""

import logging

from bertline.errors import InputError
from bertline.processors.corpora.making import instance_records
from bertline.processors.corpora.masked.dynamic_masking import MASKINGS, DynamicMasking
from bertline.processors.corpora.masked.sequences import dynamic_spec, masked_lm_spec
from bertline.processors.corpora.reader import CorpusReader
from bertline.processors.layouts import templates
from bertline.processors.records import batches


class MaskedReader(CorpusReader):
    """Records of create_pretraining_data.py, ours or the original's; see CorpusReader.

    Args:
      max_predictions_per_seq: of one sequence, int.
      masking, masked_lm_prob: of records without masks; None: as they were made for.
    """

    def __init__(self, files, manifest, max_seq_length, max_predictions_per_seq=20, masking=None, masked_lm_prob=None):
        super().__init__(files, manifest, max_seq_length)
        self._is_masked = instance_records.has_feature(files[0], "masked_lm_positions")
        self._limit, self._is_told = max_predictions_per_seq, bool(masking or masked_lm_prob)
        self._kind = masking or manifest.entry("masking", "token")
        self._masked_lm_prob = masked_lm_prob or manifest.entry("masked_lm_prob", 0.15)
        self._masking = None

    def open(self, config, tokenizer):
        """See base class."""
        made_with, where = self._manifest.entry("max_predictions_per_seq", 0), self._files[0]
        if self._is_masked and made_with > self._limit:
            raise InputError(
                f"{where}: made with --max_predictions_per_seq={made_with}, this is {self._limit}; raise it"
            )
        self._open(masked_lm_spec(self._limit) if self._is_masked else dynamic_spec(), config, tokenizer)
        if not self._is_masked:
            self._masking = self._dynamic_masking(tokenizer)
        elif self._is_told:
            logging.warning("%s: has its masks already; --masking and --masked_lm_prob play no part there", where)
        kind = "with their masks" if self._is_masked else f"masked as they are drawn ({self._kind})"
        logging.info("%d instances in %d file(s), %s", self.record_set.num_examples, len(self._files), kind)

    @staticmethod
    def limits(spec, config):
        """See base class."""
        found = CorpusReader.limits(spec, config)
        return {
            **found,
            "masked_lm_positions": ("the model's max_position_embeddings", config.max_length),
            "next_sentence_labels": ("the number of answers", 2),
            **({"masked_lm_ids": found["input_ids"]} if "input_ids" in found else {}),
        }

    def _dynamic_masking(self, tokenizer):
        if tokenizer is None:
            raise InputError(f"{self._files[0]}: has no masks, so --vocab_file is needed to make them")
        if self._kind not in MASKINGS:
            raise InputError(f"--masking={self._kind}: one of {', '.join(MASKINGS)} is needed")
        if self._kind != "token" and not instance_records.has_feature(self._files[0], "word_starts"):
            raise InputError(
                f"{self._files[0]}: does not say where words begin, which --masking={self._kind} needs; make the data "
                f"with --masking={self._kind}"
            )
        special = [*templates.BERT.on(tokenizer).ids, tokenizer.pad_id]

        def make_masking(seed):
            return DynamicMasking(
                tokenizer.mask_id,
                tokenizer.vocab_size,
                special,
                self._limit,
                self._masked_lm_prob,
                self._kind,
                next(iter(self._manifest.counts("settings", "max_ngram", 3)), 3),
                seed,
            )

        return make_masking

    def train_batches(self, batch_size, seed, length_buckets=None):
        """See base class."""
        return self._mask(super().train_batches(batch_size, seed, length_buckets), seed)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """See base class; the same masks each time."""
        return self._mask(super().evaluation_batches(batch_size, num_instances, length_buckets, static), 0)

    def _mask(self, drawn, seed):
        return drawn.enumerate().map(batches.as_it_is(self._masking(seed))).prefetch(4) if self._masking else drawn
