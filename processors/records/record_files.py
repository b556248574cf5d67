"""TFRecords: sharded, at true length, written by processes, reused where nothing that they depend on has changed."""

import concurrent.futures
import dataclasses
import hashlib
import json
import logging
import multiprocessing
import os

import numpy as np
import tensorflow as tf

from bertline.common import console
from bertline.common.files import replace_file
from bertline.common.progress import Progress
from bertline.errors import InputError
from bertline.processors.files.paths import find_files
from bertline.processors.records import manifests
from bertline.processors.records.feature_spec import (
    EXAMPLE_INDEX,
    PART,
    UNCUT_LENGTH,
    WINDOW_LENGTHS,
    ids_of,
    lengths_of,
    token_axes,
)
from bertline.processors.records.record_checks import Rules, id_limits, look_through

FORMAT_VERSION = 1
# A process costs seconds to start (it imports TensorFlow), which this many examples outweigh.
EXAMPLES_PER_PROCESS = 30_000
ROWS_BETWEEN_REPORTS = 1000


@dataclasses.dataclass(frozen=True)
class WindowCounts:
    """Windows of a split.

    Attributes:
      total: of all examples. most: of one. long: examples of more than one.
    """

    total: int = 0
    most: int = 0
    long: int = 0

    def __add__(self, other):
        return WindowCounts(self.total + other.total, max(self.most, other.most), self.long + other.long)


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """Files of records and the spec that reads them.

    Attributes:
      files: paths of the shards.
      spec: name -> Feature.
      num_examples: int.
      max_length: the longest text's number of tokens, special ones included.
      num_cut: rows that were cut to --max_seq_length, whose `uncut_length` says so; None where that is not known.
      max_uncut_length: `max_length` as it would be if no row had been cut; 0 where that is not known.
      windows: of rows that are made of windows; None where there are none, or that is not known.
      key: a hash of what the records were made from, or of their bytes where they were found.
      numbered: whether each record has its own `example_index`; otherwise its place in the files is its number.
      interleaved: whether training reads several files in turn; a row's number then says nothing of its place.
      has_padding: whether there are rows whose `is_real_example` is 0, by which the original filled up batches.
    """

    files: list
    spec: dict
    num_examples: int
    max_length: int
    key: str
    numbered: bool = True
    has_padding: bool = False
    interleaved: bool = False
    num_cut: int | None = None
    max_uncut_length: int = 0
    windows: WindowCounts | None = None


@dataclasses.dataclass(frozen=True)
class ExampleEncoder:
    """examples -> rows, dicts of arrays, by a layout and the labels; travels to the writing processes.

    Attributes:
      is_padded: whether records are as the original writes them: filled up with 0, with a mask. Batches are the same.

    Raises:
      InputError: the original has no records of that layout.
    """

    layout: object
    labels: object
    is_padded: bool = False

    def __post_init__(self):
        if self.is_padded and not self.layout.is_original:
            raise InputError(f"--pad_records: the original has no {self.layout.name} records; leave it out")

    @property
    def spec(self):
        parts = PART if self.layout.makes_parts else {}
        return {**self.layout.spec, **self.labels.spec, **EXAMPLE_INDEX, **parts, **UNCUT_LENGTH}

    def fingerprint(self):
        return [self.layout.fingerprint(), self.labels.problem_type, self.labels.names]

    def features(self, examples, first_index):
        spec = self.spec
        for index, (example, rows) in enumerate(zip(examples, self.layout.features(examples)), first_index):
            for part, row in enumerate(rows):
                place = {"example_index": np.int32(index), **({"part": np.int32(part)} if part else {})}
                row = {**row, **self.labels.encode(example.label, row), **place}
                yield {name: array for name, array in row.items() if name in spec}

    def record(self, features):
        """The bytes of a record of `features`."""
        return serialize(self._fill_up(features) if self.is_padded else features, self.spec)

    def _fill_up(self, features):
        width, [label] = self.layout.max_seq_length, self.labels.spec.values()
        sequences = {name: features[name] for name in self.layout.spec if name in features}
        sequences["input_mask"] = np.ones_like(features["input_ids"])
        filled = {name: np.pad(array, (0, width - len(array))) for name, array in sequences.items()}
        # Its readers need a label of every row: unlabelled ones have 0, as those that it writes.
        return {"label_ids": np.zeros(label.axes, label.dtype), **features, **filled, "is_real_example": np.int32(1)}


def serialize(features, spec):
    """A dict of arrays as the bytes of a tf.train.Example; names and kinds of list are the original's.

    A feature with two named axes is a list of arrays; their lengths are a feature beside it.
    """
    example = tf.train.Example()
    for name, array in features.items():
        feature = example.features.feature[name]
        if name in spec and len(spec[name].named_axes) == 2:
            example.features.feature[lengths_of(name)].int64_list.value.extend(map(len, array))
            array = np.concatenate(array) if len(array) else ()
        is_float = name in spec and spec[name].dtype == "float32"
        (feature.float_list if is_float else feature.int64_list).value.extend(np.ravel(array).tolist())
    return example.SerializeToString()


def content_key(examples, encoder):
    """A hash of all that the records depend on: texts, labels, vocabulary, settings, format."""
    digest = hashlib.sha256(json.dumps([FORMAT_VERSION, encoder.fingerprint()]).encode())
    for example in examples:
        digest.update(repr(example.content()).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def write_records(examples, encoder, folder, split, num_processes=None):
    """Writes the records of a split, or finds those of an earlier run that are the same.

    Args:
      examples: list of InputExample.
      encoder: an ExampleEncoder.
      folder: where `<split>-<key>-<shard>-of-<shards>.tfrecord` and the manifest `<split>-<key>.manifest.json` go.
      num_processes: processes that write, one shard each; None takes what the number of examples is worth.

    Returns:
      A RecordSet.

    Raises:
      InputError: there is no example, or the folder cannot be written.
    """
    if not examples:
        raise InputError(f"the {split} split has no example")
    key = content_key(examples, encoder)
    prefix = os.path.join(folder, f"{split}-{key}" + ("-padded" if encoder.is_padded else ""))
    manifest = _read_manifest(prefix, len(examples))
    if manifest is None:
        manifest = _write_shards(examples, encoder, prefix, num_processes)
        manifests.write(prefix + manifests.SUFFIX, manifest)
        logging.info("wrote %d %s records, %d shard(s)", len(examples), split, len(manifest["files"]))
    else:
        logging.info("reusing %d %s records of %s", manifest["num_examples"], split, folder)
    files = [os.path.join(folder, name) for name in manifest["files"]]
    num_cut, max_uncut_length = manifest["num_cut"], manifest["max_uncut_length"] or 0
    if num_cut:
        logging.warning(
            "%d of %d %s rows are cut to %s; the longest has %d tokens",
            num_cut,
            manifest["num_examples"],
            split,
            encoder.layout.limit,
            max_uncut_length,
        )
    return RecordSet(
        files,
        encoder.spec,
        manifest["num_examples"],
        manifest["max_length"],
        key,
        num_cut=num_cut,
        max_uncut_length=max_uncut_length,
        windows=_window_counts(manifest),
    )


def _window_counts(manifest):
    numbers = [manifest.get(f"{field.name}_windows") for field in dataclasses.fields(WindowCounts)]
    return None if None in numbers or not numbers[0] else WindowCounts(*numbers)


def _read_manifest(prefix, num_examples):
    """The manifest, or None where it is absent, damaged, of another number of examples, or a shard is not as long as it
    says.
    """
    path = prefix + manifests.SUFFIX
    if not os.path.exists(path):
        path = manifests.earlier_name(path)
    if not os.path.exists(path):
        return None
    try:
        # Earlier versions did not count what was cut.
        counts = {"num_examples": int, "max_length": int, "num_cut": (int, None), "max_uncut_length": (int, None)}
        counts |= {f"{field.name}_windows": (int, None) for field in dataclasses.fields(WindowCounts)}
        manifest = manifests.read(path, counts)
    except InputError as error:
        logging.warning("%s; they are made now", error)
        return None
    if manifest["num_examples"] != num_examples:
        logging.warning("%s: num_examples is not %d; the records are made anew", path, num_examples)
        return None
    for name, size in manifest["files"].items():
        shard = os.path.join(os.path.dirname(path), name)
        if not os.path.exists(shard) or os.path.getsize(shard) != size:
            logging.warning("%s is not the %d bytes that were written; the records are made anew", shard, size)
            return None
    return manifest


def _write_shards(examples, encoder, prefix, num_processes):
    if num_processes is None:
        num_processes = min(len(os.sched_getaffinity(0)), len(examples) // EXAMPLES_PER_PROCESS)
    count = max(1, min(num_processes, len(examples)))
    starts = [len(examples) * i // count for i in range(count + 1)]
    parts = [
        (examples[start:end], encoder, start, f"{prefix}-{i:05d}-of-{count:05d}.tfrecord")
        for i, (start, end) in enumerate(zip(starts[:-1], starts[1:]))
    ]
    with Progress("records", len(examples), "row", leave=False) as progress:
        if count == 1:
            totals = [_write_shard(*parts[0], progress.show)]
        else:
            # Forking a process that runs TensorFlow's threads can hang; a fork server has none.
            context = multiprocessing.get_context("forkserver")
            with concurrent.futures.ProcessPoolExecutor(count, context, console.import_tensorflow) as pool:
                totals = []
                for end, total in zip(starts[1:], pool.map(_write_shard, *zip(*parts))):
                    totals.append(total)
                    progress.show(end)
    lengths, uncut_lengths, num_cut, windows = zip(*totals)
    counted = dataclasses.asdict(sum(windows, WindowCounts()))
    return {
        "files": {os.path.basename(path): os.path.getsize(path) for *_, path in parts},
        "num_examples": len(examples),
        "max_length": max(lengths),
        "num_cut": sum(num_cut),
        "max_uncut_length": max(uncut_lengths),
        **({f"{name}_windows": number for name, number in counted.items()} if counted["total"] else {}),
    }


def _write_shard(examples, encoder, first_index, path, report=None):
    """(the longest text's length, that of the longest before it was cut, number of rows that were cut, WindowCounts).

    report: called now and then with the number of rows that are written.
    """
    spec, longest, longest_uncut, num_cut, windows = encoder.spec, 0, 0, 0, WindowCounts()
    try:
        with replace_file(path) as unfinished, tf.io.TFRecordWriter(unfinished) as writer:
            for count, features in enumerate(encoder.features(examples, first_index), 1):
                length = max(len(features.get(name, ())) for name in map(ids_of, token_axes(spec)))
                longest, num_cut = max(longest, length), num_cut + ("uncut_length" in features)
                longest_uncut = max(longest_uncut, int(features.get("uncut_length", length)))
                count_here = len(features.get(WINDOW_LENGTHS, ()))
                windows += WindowCounts(count_here, count_here, int(count_here > 1))
                writer.write(encoder.record(features))
                if report and count % ROWS_BETWEEN_REPORTS == 0:
                    report(count)
    except tf.errors.OpError as error:
        raise InputError(f"{path}: cannot be written: {error.message.splitlines()[0]}") from None
    return longest, longest_uncut, num_cut, windows


def existing_records(pattern, spec, config, needs_labels=False, num_labels=None):
    """A RecordSet of files that somebody else wrote, the original among them.

    Args:
      pattern: comma-separated names or glob patterns.
      spec: name -> Feature.
      config: the encoder's, whose tables every id must be in.
      needs_labels: whether a record without `label_ids` is an error.
      num_labels: number of classes; None where `label_ids` is no class.

    Raises:
      InputError: no file, no record, or what `look_through` finds.
    """
    files = sorted(find_files(pattern, "*.tfrecord", leave_out=manifests.BOOKKEEPING))
    limits = {**id_limits(spec, config), "label_ids": ("the number of labels", num_labels)}
    found = look_through(files, Rules(spec, limits, frozenset({"label_ids"} if needs_labels else ())))
    if not found.num_examples:
        raise InputError(f"{pattern}: no record in {len(files)} file(s); at least one is needed")
    return RecordSet(
        files,
        spec,
        found.num_examples,
        found.max_length,
        found.digest,
        numbered=False,
        has_padding=found.num_padding > 0,
    )
