"""What every kind of corpus data is: records made of a stream of documents, and batches made of the records.

Records are made by processes that import neither TensorFlow nor keras; what needs them is imported inside `reader`.
"""

import numpy as np

from bertline import options as option_rules
from bertline.options import Option
from bertline.processors.layouts import templates

# What manifests of records without masks say of masks: earlier versions look for it.
NO_MASKS = {"max_predictions_per_seq": 20, "dynamic_masking": False, "masking": "token", "masked_lm_prob": 0.15}


class CorpusKind:
    """Base of what is registered as "corpus". An object of it makes records; it is pickled, and has no tokenizer.

    Attributes:
      options: name -> Option of what making takes: attributes of the object, flags of create_pretraining_data.py.
      reading_options: name -> Option of what reading takes: arguments of the reader, flags of run_pretraining.py.
      objective: the registered name of what learns from it, for the command that is shown.
      form: what its records look like. Kinds of one form are read alike, and what learns from one learns from all.
      can_be_mixed: whether records of another kind of its form may be read beside these: what is learned is the same.
      entries: name -> type of what its manifests say beside what all do, see `manifests.read`.
      must_agree: those of the entries that are the same in all manifests that are read together.
      spec: name -> Feature of its records, for the reader that the base class gives.
      template: the special tokens of its sequences; `frame` has their ids.
      columns: it reads lines of so many tab-separated texts, ints; None: documents of sentences.
      lines_are_texts: whether a line is a text as it is, however many sentences it has.
      dupe_factor: how many times it goes through the corpus, with other chances each time.
      needs_texts: whether a Block keeps its texts.

    Args:
      tokenizer: see `bertline.processors.tokenization`.
      max_seq_length: tokens of a sequence, special ones included.
      random_seed: int.
      given: name -> value of its options; the others have their defaults.
    """

    options = {"split_sentences": Option(False, "Lines are raw text: find its sentences; wrapped lines are joined.")}
    reading_options = {}
    objective = form = spec = columns = None
    can_be_mixed = lines_are_texts = split_sentences = needs_texts = False
    entries, must_agree = {}, ()
    template = templates.BERT
    dupe_factor = 1

    def __init__(self, tokenizer, max_seq_length, random_seed=12345, **given):
        own = option_rules.of(type(self))
        if unknown := given.keys() - own.keys():
            raise TypeError(f"{type(self).__name__} has no option {', '.join(sorted(unknown))}")
        vars(self).update(option_rules.values_for(type(self), given))
        self.max_seq_length, self.random_seed = max_seq_length, random_seed
        self.frame = self.template.on(tokenizer)

    @property
    def useful_processes(self):
        """How many processes have enough to do: reading and tokenizing, which the parent does, feeds so many."""
        return max(2, self.dupe_factor)

    def prepare(self, block):
        """What is the same for all duplicates of a Block, and a dict of counts; `features` gets it."""
        return None, {}

    def make(self, block, rng):
        """The instances of a Block, one duplicate of them: `segments.Segments`, or another with its interface.

        Args:
          rng: numpy Generator, for what is random about them.
        """
        raise NotImplementedError

    def keys(self, block, count, rng):
        """uint64 [count], by which the records of a block are put in order; random ones shuffle the corpus."""
        return rng.integers(1 << 64, size=count, dtype=np.uint64)

    def features(self, made, block, prepared, rng):
        """Some of the instances that were made -> name -> (values, splits), and a Counter of what they are.

        The Counter has `instances`, `tokens` and `max_length` at least.
        """
        raise NotImplementedError

    def merge(self, records):
        """All records in the order of their keys -> those that are written: what is counted may be summed here.

        Args:
          records: iterable of bytes; they need not fit into memory.
        """
        return records

    def manifest_entries(self):
        """What the manifest says of the records of this kind alone, a dict."""
        return NO_MASKS

    @classmethod
    def num_sequences(cls, counts):
        """How many sequences the tokens of all records are in."""
        return counts["instances"]

    @classmethod
    def summary_rows(cls, manifest):
        """(name, value) of what the person who waited is told of this kind."""
        return [("masked", "nothing")]

    @classmethod
    def training_flags(cls, settings):
        """What a run on the records must say, str; settings: name -> value of create_pretraining_data.py."""
        return f"--objective={cls.objective}"

    @classmethod
    def reader(cls, files, manifest, max_seq_length, **reading_options):
        """A `reader.CorpusReader` of records of this kind."""
        from bertline.processors.corpora.reader import CorpusReader

        return CorpusReader(files, manifest, max_seq_length, cls.spec)
