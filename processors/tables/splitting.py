"""One file of rows into training, dev and test rows: by label and seed, whatever the order of the file."""

import collections
import dataclasses
import hashlib
import logging
import re

from bertline.errors import InputError
from bertline.processors.tables.rows import read_rows

log = logging.getLogger(__name__)

FILE = "split.tsv"  # in a run's output folder
SPLITS = ("train", "dev", "test")
_HEADER = ("split", "guid", "source", "digest")
_SCORE_BINS = 10


def digest(example):
    """What a row is known by, whatever its place in the file: 16 hexadecimal digits of its texts."""
    return hashlib.sha256(repr((example.text_a, example.text_b)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def assign(examples, fractions, seed):
    """The name of each row's split, list of str.

    Each class has its share of dev and test rows, to a row; of scores, each tenth of their range of ranks. Rows of the
    same texts stay together. One row of each label at least stays in train. The same rows in another order are split in
    the same way.

    Args:
      examples: list of InputExample.
      fractions: split, "dev" or "test", -> share of all rows, above 0 and in sum below 1; "train" gets the rest.
      seed: int.

    Raises:
      InputError: a share that would be no row.
    """
    units = _units(examples, seed)
    kept, chosen = _choose_kept(units), {}
    for split, fraction in fractions.items():
        open_units = [unit for unit in units if unit.key not in chosen and unit.key not in kept]
        for unit in _draw(units, open_units, fraction):
            chosen[unit.key] = split
        if split not in chosen.values():
            raise InputError(
                f"{examples[0].source}: --{split}_fraction={fraction} of {len(examples)} rows is no row; give a larger "
                "share or more rows"
            )
    found = ["train"] * len(examples)
    for unit in units:
        for row in unit.rows:
            found[row] = chosen.get(unit.key, "train")
    return found


# Rows of the same texts: `key` orders them, `labels` are all that they have, `stratum` is what they are drawn from.
_Unit = collections.namedtuple("_Unit", "key rows labels stratum")


def _units(examples, seed):
    """The units in the order of their keys, which are as good as random."""
    rows = {}
    for row, example in enumerate(examples):
        rows.setdefault(digest(example), []).append(row)
    keys = {name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest() for name in rows}
    names = sorted(rows, key=keys.get)
    if all(isinstance(example.label, float) for example in examples):
        by_score = sorted(names, key=lambda name: (examples[rows[name][0]].label, keys[name]))
        bins = {name: rank * _SCORE_BINS // len(names) for rank, name in enumerate(by_score)}
        return [_Unit(keys[name], rows[name], (), bins[name]) for name in names]
    labels = {
        name: tuple(sorted({one for row in rows[name] for one in _labels(examples[row].label)}, key=str))
        for name in names
    }
    return [_Unit(keys[name], rows[name], labels[name], labels[name]) for name in names]


def _labels(label):
    return label if isinstance(label, tuple) else (label,)


def _choose_kept(units):
    """Keys of units that stay in train, one for each label."""
    return set({label: unit.key for unit in units for label in unit.labels}.values())


def _draw(units, open_units, fraction):
    """The units of one split: of each stratum its share, rounded so that the sum is right."""
    sizes, available = collections.Counter(), {}
    for unit in units:
        sizes[unit.stratum] += len(unit.rows)
    for unit in open_units:
        available.setdefault(unit.stratum, []).append(unit)
    wanted = {stratum: sizes[stratum] * fraction for stratum in available}
    quota = {stratum: int(share) for stratum, share in wanted.items()}
    missing = round(sizes.total() * fraction) - sum(quota.values())
    for stratum in sorted(wanted, key=lambda name: (quota[name] - wanted[name], available[name][0].key))[:missing]:
        quota[stratum] += 1
    for stratum, found in available.items():
        left = quota[stratum]
        for unit in found:
            if left <= 0:
                break
            yield unit
            left -= len(unit.rows)


def read(path):
    """digest -> split, of a file of `Splitter.lines`. Raises InputError where it is none."""
    rows = read_rows(path)
    if tuple(rows[0]) != _HEADER or any(len(row) != len(_HEADER) or row[0] not in SPLITS for row in rows[1:]):
        raise InputError(f"{path}: not the {FILE} that was written; copy it again, or train anew")
    return {row[3]: row[0] for row in rows[1:]}


class Splitter:
    """Dev and test rows that are some of the training file's.

    Args:
      fractions: see `assign`; 0 for a split that has a file of its own.
      seed: int.

    Attributes:
      known: what `read` gives of an earlier choice, which then decides; None: there is none.

    Raises:
      InputError: fractions that leave no row.
    """

    def __init__(self, fractions, seed):
        given = ", ".join(f"--{split}_fraction={value}" for split, value in fractions.items())
        if not all(0 <= value < 1 for value in fractions.values()):
            raise InputError(f"{given}: numbers from 0 to below 1 are needed")
        if sum(fractions.values()) >= 1:
            raise InputError(f"{given}: no row is left to train on")
        self.fractions, self.known = {split: value for split, value in fractions.items() if value}, None
        self._seed, self._whole = seed, (None, [], [])  # path, examples, their splits

    @property
    def is_used(self):
        """Whether a file is split at all."""
        return bool(self.fractions or self.known)

    def takes(self, split, own_file):
        """Whether a split is a part of the training file.

        Args:
          own_file: the file that the split has of its own, or None.

        Raises:
          InputError: both are given.
        """
        if own_file and split in self.fractions:
            raise InputError(
                f"{own_file} has {split} rows, and --{split}_fraction={self.fractions[split]} takes them from the "
                "training file; leave one of them out"
            )
        return self.is_used and not own_file and split in ("train", *self.fractions, *(self.known or {}).values())

    def part(self, path, read_examples, split):
        """The examples of one split.

        Args:
          path: of the whole file. read_examples: (path, split) -> list of InputExample.

        Raises:
          InputError: there is none, or the rows are not those of an earlier choice.
        """
        if self._whole[0] != path:
            examples = read_examples(path, "train")
            self._whole = path, examples, self._splits(path, examples)
        found = [example for example, its in zip(*self._whole[1:]) if its == split]
        if not found:
            raise InputError(f"{path}: none of its rows is one of the {split} rows of {FILE}")
        return [dataclasses.replace(one, guid=re.sub(r"^train-(?=\d+$)", f"{split}-", one.guid)) for one in found]

    def _splits(self, path, examples):
        chosen = assign(examples, self.fractions, self._seed) if self.fractions else None
        how = f"--split_seed={self._seed}"
        if self.known is not None:
            recorded = [self.known.get(digest(example)) for example in examples]
            if chosen not in (None, recorded):
                raise InputError(
                    f"{path}: these rows and fractions are not those of {FILE} in the output folder; leave "
                    "--dev_fraction, --test_fraction and --split_seed out to go by it"
                )
            if None in recorded:
                log.warning("%s: %d rows are not in %s and are left out", path, recorded.count(None), FILE)
            chosen, how = recorded, FILE
        counts = ", ".join(f"{chosen.count(split)} {split}" for split in SPLITS)
        log.info("%s: %d rows, split by %s: %s", path, len(examples), how, counts)
        return chosen

    def lines(self):
        """The lines of split.tsv: which rows are in which split, and what they are known by; [] where none was read."""
        _, examples, splits = self._whole
        rows = [(split, example) for name in SPLITS for split, example in zip(splits, examples) if split == name]
        cells = ((split, example.guid, example.source or "", digest(example)) for split, example in rows)
        return ["\t".join(" ".join(str(cell).split()) for cell in row) for row in (_HEADER, *cells)] if rows else []
