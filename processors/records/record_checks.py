"""Looks at every record of files that others may have written: kinds of numbers, lengths, ids, masks.

Records are parsed and looked at by the thousand; one that does not fit is named with its file and number.
"""

import dataclasses
import functools
import hashlib
import logging
import math
import re
import time

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from bertline.errors import InputError
from bertline.processors.records.feature_spec import Feature, axes_of, ids_of, mask_of, token_axes

RECORDS_AT_ONCE = 1024
SECONDS_BETWEEN_LINES = 10.0
_NUMBERS_SHOWN = 12
# What TensorFlow raises for records that it cannot parse; its message may quote bytes that are no text.
_UNREADABLE = (tf.errors.OpError, UnicodeDecodeError)
_IS_REAL = {"is_real_example": Feature("int32", absent=1)}  # 0: a row by which the original filled up a batch


@dataclasses.dataclass(frozen=True)
class Rules:
    """What every record must be like.

    Attributes:
      spec: name -> Feature.
      limits: name -> (what sets the limit, the number that ids must be below, or None).
      required: names of features that may be absent by the spec and are needed all the same.
    """

    spec: dict
    limits: dict = dataclasses.field(default_factory=dict)
    required: frozenset = frozenset()

    def needs(self, name):
        """Whether a record must have the feature."""
        return name in self.required or self.spec[name].absent is None


@dataclasses.dataclass(frozen=True)
class Summary:
    """What files hold.

    Attributes:
      num_examples: rows that are real. num_padding: rows by which the original filled up batches.
      max_length: tokens of the longest text.
      digest: a hash of the records.
    """

    num_examples: int
    num_padding: int
    max_length: int
    digest: str


def look_through(files, rules, records_hashed=None):
    """The Summary of files, each record of which keeps the rules.

    Args:
      records_hashed: how many records of each file the digest is of; None: all, in which case nothing else is in it.
        Otherwise the number of all records is.

    Raises:
      InputError: a corrupted or truncated file (named, with the offset), or a record that breaks a rule.
    """
    count, padding, longest, digest = 0, 0, 0, hashlib.sha256()
    said = time.monotonic()
    for path in files:
        read = 0
        for records, features in _parts(path, rules.spec):
            real = features["is_real_example"].firsts(default=1) != 0
            fault = _first_fault(features, real, rules)
            if fault:
                row, say = fault
                raise InputError(f"{path}, record {read + row + 1}: {say(row, records[row])}")
            lengths = [features[ids_of(axis)].lengths for axis in token_axes(rules.spec)]
            longest = max([longest, *(int((of_axis * real).max()) for of_axis in lengths)])
            count, padding = count + int(real.sum()), padding + int((~real).sum())
            for record in records[: None if records_hashed is None else max(0, records_hashed - read)]:
                digest.update(record)
            read += len(records)
            if time.monotonic() - said > SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                logging.info("checked %d records", count + padding)
    if records_hashed is not None:
        digest.update(str(count + padding).encode())
    return Summary(count, padding, longest, digest.hexdigest()[:16])


def id_limits(spec, config):
    """Name -> (what sets the limit, the number that ids must be below), of what the encoder looks up in a table."""
    limits = {kind: (f"the model's {field}", limit) for kind, (field, limit) in config.id_limits().items()}
    # The longest last: bert_input_ids of a part rather than the input_ids that all share.
    kinds = sorted(limits, key=len)
    return {name: limits[kind] for name in spec for kind in kinds if name.endswith(kind)}


@dataclasses.dataclass(frozen=True)
class _Column:
    """One feature of n records: values [total], splits [n + 1]."""

    values: np.ndarray
    splits: np.ndarray

    @functools.cached_property
    def lengths(self):
        return np.diff(self.splits)

    def row(self, number):
        return self.values[self.splits[number] : self.splits[number + 1]]

    def firsts(self, default):
        """The first number of each record, [n]."""
        found = np.full(len(self.splits) - 1, default, self.values.dtype)
        there = self.lengths > 0
        found[there] = self.values[self.splits[:-1][there]]
        return found

    def any_of(self, wrong):
        """bool [total] -> bool [n], whether any number of a record is."""
        return self.sums(wrong) > 0 if wrong.any() else np.zeros(len(self.lengths), bool)

    def sums(self, values):
        """[total] -> the sum of each record, int64 [n]."""
        return np.diff(np.append(0, np.cumsum(values, dtype=np.int64))[self.splits])


def _parts(path, spec):
    """Yields (records, list of bytes; name -> _Column) of a file, some at a time."""
    spec, types = {**_IS_REAL, **spec}, {"int32": tf.int64, "float32": tf.float32}
    kinds = {name: tf.io.RaggedFeature(types[one.dtype], row_splits_dtype=tf.int64) for name, one in spec.items()}

    @tf.autograph.experimental.do_not_convert
    def parse(records):
        return records, tf.io.parse_example(records, kinds)

    parts = (
        tf.data.TFRecordDataset(path).batch(RECORDS_AT_ONCE).map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
    )
    try:
        for records, features in parts:
            columns = {name: _Column(one.values.numpy(), one.row_splits.numpy()) for name, one in features.items()}
            yield records.numpy(), columns
    except _UNREADABLE:
        # One by one, which takes longer and finds the record.
        for number, record in enumerate(check_records(path), 1):
            read_example(record, spec, f"{path}, record {number}")
            try:
                parse([record])
            except _UNREADABLE as error:
                raise _no_example(record, f"{path}, record {number}") from error
        raise


def _first_fault(columns, real, rules):
    """(number, function of its bytes to what is wrong) of the first record that breaks a rule; None where none does."""
    first = None
    for name in rules.spec:
        for wrong, say in _faults(name, columns, rules):
            wrong = wrong & real  # rows that fill up a batch keep no rule
            if wrong.any() and (first is None or wrong.argmax() < first[0]):
                first = int(wrong.argmax()), say
    return first


def _faults(name, columns, rules):
    """Yields (bool [n], which records break a rule about the feature; function of number and bytes to what is said)."""
    feature, column = rules.spec[name], columns[name]
    if rules.needs(name):
        yield column.lengths == 0, functools.partial(_say_missing, name)
    yield _of_another_length(name, feature, columns, rules.spec)
    if feature.named_axes and name == mask_of(feature.axes[0]):
        yield _odd_mask(name, column)
    setting, limit = rules.limits.get(name, (None, None))
    if limit is not None:
        yield _out_of_range(name, column, np.full(len(column.lengths), limit), setting)
    if feature.points_into:
        number = _num_tokens(feature.points_into, columns)
        yield _out_of_range(name, column, number, f"the number of tokens in {ids_of(feature.points_into)}")
    if feature.dtype == "float32" and rules.needs(name):
        yield _no_number(name, column, 0.0 if name.endswith("weights") else -math.inf)


def _say_missing(name, _, record):
    found = sorted(other for other, numbers in read_example(record, {}, "").items() if numbers)
    return f"no {name}; it has {', '.join(found) or 'nothing'}"


def _of_another_length(name, feature, columns, spec):
    found, most = columns[name].lengths, feature.numbers
    if feature.named_axes:
        first = axes_of(spec)[feature.axes[0]]
        needed = columns[first].lengths // spec[first].numbers * feature.numbers
    else:
        needed = columns[feature.at_most].lengths if feature.at_most else np.full_like(found, most)
    too_many = found > most if feature.at_most else np.zeros_like(found, bool)

    def say(row, _):
        return f"{name} has {found[row]} numbers; {f'at most {most}' if too_many[row] else needed[row]} are needed"

    return too_many | ((found > 0) & (found != needed)), say


def _odd_mask(name, column):
    """Masks are ones, one at least, then zeros."""
    odd = (column.values != 0) & (column.values != 1)
    before = np.append(1, column.values[:-1])
    before[column.splits[:-1][column.lengths > 0]] = 1
    wrong = column.any_of(odd | (column.values > before)) | ((column.lengths > 0) & (column.firsts(1) == 0))

    def say(row, _):
        values = column.row(row)
        other = values[(values != 0) & (values != 1)]
        found = f"has {other[0]}" if len(other) else f"is {' '.join(map(str, values[:_NUMBERS_SHOWN]))}"
        return f"{name} {found}; ones, one at least, then zeros are needed"

    return wrong, say


def _out_of_range(name, column, limits, setting):
    """`limits`: int [n]."""
    values = column.values

    def say(row, _):
        wrong = next(i for i in column.row(row) if not 0 <= i < limits[row])
        return f"{name} has {wrong}; 0 to {limits[row] - 1} are allowed ({setting} is {limits[row]})"

    return column.any_of((values < 0) | (values >= np.repeat(limits, column.lengths))), say


def _no_number(name, column, lowest):
    """Not finite, or below `lowest`."""
    fine = np.isfinite(column.values) & (column.values >= lowest)

    def say(row, _):
        wrong = next(x for x in column.row(row) if not lowest <= x < math.inf)
        return f"{name} has {wrong:g}; finite numbers{' from 0 on' if lowest == 0 else ''} are needed"

    return column.any_of(~fine), say


def _num_tokens(axis, columns):
    """int64 [n]: the real tokens of a text of each record."""
    found, mask = columns[ids_of(axis)].lengths, columns.get(mask_of(axis))
    return found if mask is None else np.where(mask.lengths > 0, mask.sums(mask.values), found)


# One record, and the files themselves.


def read_example(record, spec, where):
    """name -> list of numbers, for the features that a record has. Raises InputError that begins with `where`."""
    try:
        features = tf.train.Example.FromString(record).features.feature
    except DecodeError as error:
        raise _no_example(record, where) from error
    values = {}
    for name, feature in features.items():
        kind = "float_list" if name in spec and spec[name].dtype == "float32" else "int64_list"
        found = feature.WhichOneof("kind")
        if name in spec and found not in (None, kind):
            raise InputError(f"{where}: {name} is a {found}; this task needs {kind}")
        values[name] = getattr(feature, found or kind).value
    return values


def _no_example(record, where):
    return InputError(f"{where}: not a tf.train.Example of {len(record)} bytes; records of examples are needed")


def check_records(path):
    """Yields the serialized records of a file. Raises InputError that names file and offset where it is broken."""
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path):
            count += 1
            yield record.numpy()
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
        found = re.search(r"(corrupted|truncated) record at (\d+)", str(error))
        what = f"{found[1]} record at byte {found[2]}" if found else "not a TFRecord file"
        raise InputError(f"{path}: {what}, after {count} whole records; write the file anew") from error
    except tf.errors.OpError as error:
        why = error.message.rpartition("; ")[2].partition(" [Op:")[0]
        raise InputError(f"{path}: cannot be read: {why}; a readable file of records is needed") from error


def find_corruption(record_set):
    """Raises InputError for the first broken file of a set; returns where all are whole."""
    for path in record_set.files:
        for _ in check_records(path):
            pass
