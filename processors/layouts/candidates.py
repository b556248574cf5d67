"""A query and its candidates: a pair for each of them, all in one row."""

import dataclasses

import numpy as np

from bertline import registry
from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.layouts.base import Layout
from bertline.processors.layouts.separate import separate_spec

ENTRY = "num_candidates"  # of config.json


def prefixes(num_candidates):
    """What the names of each candidate's features begin with."""
    return [f"c{number}" for number in range(num_candidates)]


def saved_number(config):
    """`num_candidates` of a config.json; None where it says none. Raises InputError for what cannot be."""
    said = config.get(ENTRY)
    if said is not None and (type(said) is not int or said < 2):
        raise InputError(f"{ENTRY} is {json_files.excerpt(said)}; a whole number from 2 on is needed")
    return said


@registry.register("layout", "candidates")
class CandidateRows(Layout):
    """`c0_input_ids`, `c1_input_ids`, ...: the query and a candidate each, as the encoder reads a pair.

    A query of more candidates is several rows. A row with fewer lacks the features of the rest. `first` and `count`
    say which candidates a row has.

    Args:
      own: the encoder's own layout. num_candidates: of a row.
    """

    name = "candidates"
    makes_parts = is_over_own = stacks_texts = True

    def __init__(self, own, num_candidates=8):
        if any(axis != "tokens" for feature in own.spec.values() for axis in feature.named_axes):
            raise InputError(
                f"candidates: the layout {own.name} of this encoder has rows of parts, which are of single texts; "
                'leave the parts with a "prefix" out of the configuration'
            )
        self.own, self.num_candidates = own, num_candidates
        self.tokenizer, self.max_seq_length = own.tokenizer, own.max_seq_length
        first, *others = prefixes(num_candidates)
        self.spec = separate_spec(own.spec, [first])
        for name, feature in separate_spec(own.spec, others).items():
            self.spec[name] = dataclasses.replace(feature, absent=feature.absent or 0)

    @property
    def limit(self):
        """See base class."""
        return f"{self.own.limit} for a query with a candidate"

    def check(self, examples):
        self.own.check([InputExample(one.guid, one.query, one.candidates[0], None, one.source) for one in examples])

    def config_entries(self):
        return {**self.own.config_entries(), ENTRY: self.num_candidates}

    @classmethod
    def saved_options(cls, config, max_seq_length):
        said = saved_number(config)
        return {} if said is None else {ENTRY: said}

    def fingerprint(self):
        return [self.name, self.num_candidates, *self.own.fingerprint()]

    def features(self, examples):
        """Yields a list of rows per RankedQuery."""
        pairs = [InputExample(one.guid, one.query, text) for one in examples for text in one.candidates]
        found = (row for [row] in self.own.features(pairs))
        for one in examples:
            own = [next(found) for _ in one.candidates]
            yield [
                self._row(own[first : first + self.num_candidates], first)
                for first in range(0, len(own), self.num_candidates)
            ]

    def _row(self, pairs, first):
        uncut = [row.pop("uncut_length") for row in pairs if "uncut_length" in row]
        row = {f"c{number}_{name}": array for number, pair in enumerate(pairs) for name, array in pair.items()}
        row |= {"first": first, "count": len(pairs)}
        return {**row, "uncut_length": np.int32(max(uncut))} if uncut else row
