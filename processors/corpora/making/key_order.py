"""Records in the order of their keys, however many there are: what memory does not hold is on disk, by leading bits.

Random keys make it a shuffle of the whole corpus, as the original does in memory, that depends on nothing but the keys.
"""

import os
import tempfile

import numpy as np

from bertline.errors import InputError

BYTES_IN_MEMORY = 32 << 20
_BITS = 6  # of the key, that a level sorts by: 64 files
_LEVELS = 64 // _BITS


class KeyOrder:
    """Takes records with keys, gives them back sorted.

    Args:
      folder: where files are made where needed; they have no name, so that nothing is left whatever happens.
      bytes_in_memory: int, of records.
    """

    def __init__(self, folder, bytes_in_memory=BYTES_IN_MEMORY, level=0):
        self._folder, self._limit, self._level = folder, bytes_in_memory, level
        self._keys, self._records, self._bytes = [], [], 0
        self._files = None

    def add(self, keys, records):
        """Takes records (list of bytes) with their keys (uint64 [records])."""
        self._keys.append(keys)
        self._records += records
        self._bytes += sum(map(len, records))
        if self._bytes > self._limit and self._level < _LEVELS:
            self._spill()

    def records(self):
        """Yields all records, equal keys in the order in which they came; the files are gone afterwards."""
        if self._files is None:
            keys = np.concatenate(self._keys) if self._keys else np.zeros(0, np.uint64)
            for i in np.argsort(keys, kind="stable").tolist():
                yield self._records[i]
            return
        if self._keys:
            self._spill()
        for file in filter(None, self._files):
            with file:
                bucket = KeyOrder(self._folder, self._limit, self._level + 1)
                for keys, records in _read(file):
                    bucket.add(keys, records)
                yield from bucket.records()

    def _spill(self):
        keys = np.concatenate(self._keys)
        buckets = keys >> np.uint64(64 - _BITS * (self._level + 1)) & np.uint64((1 << _BITS) - 1)
        order = np.argsort(buckets, kind="stable")
        splits = np.searchsorted(buckets[order], np.arange((1 << _BITS) + 1)).tolist()
        try:
            if self._files is None:
                os.makedirs(self._folder, exist_ok=True)
                self._files = [None] * (1 << _BITS)
            for bucket, (start, end) in enumerate(zip(splits, splits[1:])):
                if start < end:
                    self._files[bucket] = self._files[bucket] or tempfile.TemporaryFile(dir=self._folder)
                    chosen = order[start:end]
                    _write(self._files[bucket], keys[chosen], [self._records[i] for i in chosen.tolist()])
        except OSError as error:
            raise InputError(f"{self._folder}: instances cannot be stored here: {error.strerror or error}") from error
        self._keys, self._records, self._bytes = [], [], 0


def _write(file, keys, records):
    sizes = np.array([len(record) for record in records], np.int64)
    file.write(np.array([len(keys), sizes.sum()], np.int64).tobytes())
    file.write(keys.tobytes())
    file.write(sizes.tobytes())
    file.write(b"".join(records))


def _read(file):
    """Yields what was written: (keys, records)."""
    file.seek(0)
    while head := file.read(16):
        count, size = np.frombuffer(head, np.int64).tolist()
        keys = np.frombuffer(file.read(8 * count), np.uint64)
        ends = np.cumsum(np.frombuffer(file.read(8 * count), np.int64)).tolist()
        body = file.read(size)
        yield keys, [body[start:end] for start, end in zip([0, *ends], ends)]
