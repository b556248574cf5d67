"""What kinds of masked sequences share: which tokens are hidden, and what a record has of it.

Source: google-research/bert, create_pretraining_data.py, whose flags and feature names these are.
"""

import collections
import logging
import math

import numpy as np

from bertline.errors import InputError
from bertline.options import Option
from bertline.processors.corpora.kind import CorpusKind
from bertline.processors.corpora.masked import masking, sequences
from bertline.processors.text import segmenters

log = logging.getLogger(__name__)


class MaskedKind(CorpusKind):
    """Base: subclasses make Segments of a block, whose tokens are hidden here, or while training."""

    form = "masked"
    objective = "masked_lm"
    entries = {"max_predictions_per_seq": int, "masking": str, "masked_lm_prob": float, "dynamic_masking": bool}
    must_agree = ("max_predictions_per_seq", "dynamic_masking", "masking")
    pad_records = False
    options = {
        "do_whole_word_mask": Option(False, "Mask all tokens of a word together; the same as --masking=whole_word."),
        "max_predictions_per_seq": Option(20, "Maximum number of masked LM predictions per sequence.", above=0),
        "dupe_factor": Option(10, "Number of times to go over the input, with different masks each time.", above=0),
        "masked_lm_prob": Option(0.15, "Masked LM probability.", least=0, most=1),
        "short_seq_prob": Option(
            0.1, "Probability of creating sequences which are shorter than the maximum length.", least=0, most=1
        ),
        "masking": Option(
            "token",
            "What is masked together: token, whole_word, ngram or span.",
            choices=("token", "whole_word", "ngram", "span"),
        ),
        "max_ngram": Option(3, "For --masking=ngram: most neighbouring words to mask together.", above=0),
        "dynamic_masking": Option(False, "Store instances unmasked; run_pretraining.py masks them anew each time."),
        "pad_records": Option(
            False, "Write records as the original does, filled up to --max_seq_length and --max_predictions_per_seq."
        ),
        "segmenter": Option(
            None, "What finds the words of Chinese: jieba, or package.module:function from a text to a list of words."
        ),
    }
    reading_options = {
        "max_predictions_per_seq": Option(
            20, "Most masked tokens of a sequence. Must match create_pretraining_data.py.", above=0, as_trained=False
        ),
        "masking": Option(
            None,
            "For records of --dynamic_masking: token, whole_word, ngram or span; by default as they were made for.",
            choices=("token", "whole_word", "ngram", "span"),
            as_trained=False,
        ),
        "masked_lm_prob": Option(
            None,
            "For records of --dynamic_masking: share of the tokens to mask; by default as they were made for.",
            float,
            above=0,
            least=0,
            most=1,
            as_trained=False,
        ),
    }

    def __init__(self, tokenizer, max_seq_length, random_seed=12345, **given):
        super().__init__(tokenizer, max_seq_length, random_seed, **given)
        if self.do_whole_word_mask and self.masking == "token":
            self.masking = "whole_word"
        self._check()
        self.needs_texts = bool(self.segmenter)
        self.hidden = (
            None
            if self.dynamic_masking
            else masking.Masking(
                self.masking,
                self.masked_lm_prob,
                self.max_predictions_per_seq,
                tokenizer.mask_id,
                tokenizer.vocab_size,
                self.max_ngram,
            )
        )
        self._continues = None if self.masking == "token" else tokenizer.continuations()
        self._segmented = segmenters.SegmentedWords(self.segmenter, tokenizer) if self.segmenter else None

    def _check(self):
        if self.pad_records and self.dynamic_masking:
            raise InputError("--pad_records is for readers of the original, which need masks; leave it out")
        if self.segmenter:
            segmenters.load(self.segmenter)
            if self.masking == "token":
                raise InputError(
                    "--segmenter finds words, --masking=token has no use for them; give --masking=whole_word"
                )
        if self.dynamic_masking and self.dupe_factor > 1:
            log.info(
                "--dynamic_masking draws new masks each time: with --dupe_factor=1 the files are as good, and small"
            )

    @property
    def useful_processes(self):
        """See base class. A segmenter is slow, and has use for all."""
        return math.inf if self.segmenter else super().useful_processes

    def prepare(self, block):
        """See base class: where words begin, bool [tokens of the block]."""
        if self._segmented is not None:
            starts, missed = self._segmented.starts(block, self._continues)
            return starts, {"unsegmented_sentences": missed}
        return (np.ones(len(block.ids), bool) if self._continues is None else ~self._continues[block.ids]), {}

    def features(self, made, block, prepared, rng):
        """See base class."""
        framed = sequences.assemble(made, block.ids, prepared, self.frame)
        found = {"input_ids": (framed.input_ids, framed.splits), "segment_ids": (framed.segment_ids, framed.splits)}
        counts = collections.Counter(
            instances=len(made),
            tokens=int(framed.splits[-1]),
            predictions=0,
            max_length=int(np.diff(framed.splits).max(initial=0)),
        )
        if made.labels is not None:
            found["next_sentence_labels"] = made.labels, np.arange(len(made) + 1)
            counts["labels_1"] = int(made.labels.sum())
        if self.hidden is not None:
            masked = masking.mask_sequences(framed, self.hidden, rng)
            counts["predictions"] = len(masked.labels)
            found |= sequences.masked_features(masked, framed.splits)
            if self.pad_records:
                found = sequences.pad_features(found, self.max_seq_length, self.max_predictions_per_seq)
        elif self._continues is not None:
            found["word_starts"] = framed.word_starts, framed.splits
        return found, counts

    def manifest_entries(self):
        """See base class."""
        return {name: getattr(self, name) for name in self.entries}

    @classmethod
    def summary_rows(cls, manifest):
        """See base class."""
        counts = collections.Counter(manifest["statistics"])
        rows = []
        if "labels_1" in counts:
            rows.append(("random or swapped", f"{counts['labels_1'] / counts['instances']:.1%} of the pairs"))
        share = f"{counts['predictions'] / counts['tokens']:.2%} of the tokens"
        rows.append(("masked", f"{'while training' if manifest['dynamic_masking'] else share} ({manifest['masking']})"))
        if missed := counts["unsegmented_sentences"]:
            share = missed / counts["sentences"]
            rows.append(("not segmented", f"{share:.2%} of the sentences: tokens and the segmenter's words do not fit"))
        return rows

    @classmethod
    def training_flags(cls, settings):
        """See base class."""
        return f"--max_predictions_per_seq={settings['max_predictions_per_seq']}"

    @classmethod
    def reader(cls, files, manifest, max_seq_length, **reading_options):
        """See base class."""
        from bertline.processors.corpora.masked.reader import MaskedReader

        return MaskedReader(files, manifest, max_seq_length, **reading_options)
