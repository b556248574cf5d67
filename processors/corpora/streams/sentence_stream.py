"""Sentences between their boundaries, for language models that read in both directions.

A word that the vocabulary lacks is predicted as unknown; what a model reads of it are its own characters.

Source: https://github.com/allenai/bilm-tf, `bilm/data.py`.
"""

import collections
import itertools

import numpy as np

from bertline import registry
from bertline.errors import InputError
from bertline.options import Option
from bertline.processors.corpora.kind import CorpusKind
from bertline.processors.corpora.segments import Segments
from bertline.processors.layouts import templates
from bertline.processors.layouts.characters import LONGEST_WORD, character_ids
from bertline.processors.records.feature_spec import Feature
from bertline.processors.records.ragged import slots

INPUT_IDS, UNKNOWN = "input_ids", "unknown_character_ids"
SHUFFLED = "shuffle_sentences"  # an entry of the manifest; the records of earlier versions stay in their order


@registry.register("corpus", "sentence_stream")
class SentenceStream(CorpusKind):
    """A record for each sentence, of any length: words as the vocabulary's tokenizer cuts texts.

    Raises (from `features`):
      InputError: the vocabulary's tokenizer cuts texts otherwise.
    """

    form = "sentence_stream"
    objective = "bidirectional_lm"
    template = templates.SENTENCE
    needs_texts = True
    spec = {
        INPUT_IDS: Feature("int32", ("tokens",)),
        UNKNOWN: Feature("int32", ("unknowns", LONGEST_WORD), absent=0),
    }
    options = {
        "shuffle_sentences": Option(
            True, "Put the sentences in random order, a new one each epoch, as bilm-tf does; False: the corpus's."
        )
    }

    def __init__(self, tokenizer, max_seq_length, random_seed=12345, **given):
        super().__init__(tokenizer, max_seq_length, random_seed, **given)
        self.unknown_id, self.cut = tokenizer.unk_id, tokenizer.word_cutter()
        if self.unknown_id is None:
            raise tokenizer.missing_token("unk")

    def make(self, block, rng):
        """Segments, one of each sentence."""
        starts, ends = block.sentence_splits[:-1], block.sentence_splits[1:]
        return Segments(np.arange(len(starts) + 1), starts, ends, np.zeros_like(starts))

    def keys(self, block, count, rng):
        """See base class."""
        if self.shuffle_sentences:
            return super().keys(block, count, rng)
        return np.uint64(block.number << 32) + np.arange(count, dtype=np.uint64)

    def manifest_entries(self):
        """See base class."""
        return {**super().manifest_entries(), SHUFFLED: self.shuffle_sentences}

    def features(self, made, block, prepared, rng):
        """See base class."""
        lengths = made.ends - made.starts
        framed = self.frame.around(lengths)
        ids = block.ids[slots(made.starts, lengths)]
        framed.ids[framed.slots] = ids
        unknown = ids == self.unknown_id
        counts = np.bincount(np.repeat(np.arange(len(made)), lengths)[unknown], minlength=len(made))
        words = itertools.compress(self._words(made, block, lengths), unknown)
        characters = character_ids(list(words)).ravel()
        splits = LONGEST_WORD * np.concatenate([[0], np.cumsum(counts)])
        found = {INPUT_IDS: (framed.ids, framed.row_splits), UNKNOWN: (characters, splits)}
        longest = int(framed.sizes.max(initial=0))
        return found, collections.Counter(
            instances=len(made), tokens=len(framed.ids), unknown_words=int(unknown.sum()), max_length=longest
        )

    def _words(self, made, block, lengths):
        """The words of all sentences, as characters are read of them."""
        first = int(np.searchsorted(block.sentence_splits, made.starts[0])) if len(made) else 0
        for text, length in zip(block.texts[first : first + len(made)], lengths.tolist()):
            words = self.cut(text)
            if len(words) != length:
                raise InputError(
                    f"--vocab_file: its tokenizer makes {length} tokens of {len(words)} words ({text[:60]!r}); one "
                    "of whole words is needed: build_vocab.py --model_type=words --special_tokens=bilm"
                )
            yield from words

    @classmethod
    def summary_rows(cls, manifest):
        """See base class."""
        counts = manifest["statistics"]
        share = counts.get("unknown_words", 0) / max(1, counts["text_tokens"])
        return [("unknown words", f"{share:.2%} of the running text")]

    @classmethod
    def reader(cls, files, manifest, max_seq_length, **reading_options):
        """See base class."""
        from bertline.processors.corpora.streams.sentence_reader import SentenceReader

        return SentenceReader(files, manifest, max_seq_length, **reading_options)
