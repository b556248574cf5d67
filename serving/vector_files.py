"""Vectors to files: the original's JSON lines, or arrays in HDF5 and NPZ. What is written meanwhile is a PartFolder's.

HDF5 and NPZ hold the same arrays, by these names:
  values: float [rows, W], or [rows, L, W] of several layers that are not mixed. Sentences: one row a text.
  offsets: int64 [n + 1], not for sentences: text i has the rows offsets[i]:offsets[i + 1].
  lines: int64 [n], the number of each text's line, from 0.
  tokens: uint8, not for sentences: UTF-8 of the tokens or words of all rows, each followed by a line end.
  settings: JSON, what the vectors were made with; in HDF5 an attribute of the file.
"""

import contextlib
import gzip
import json
import os
import zipfile
import zlib

import h5py
import numpy as np

from errors import InputError
from files import replaced
from serving.decimals import joined_rows

NAMES = ("lines", "values", "counts", "tokens")  # of a PartFolder's files; JsonLines has the first alone
_UNREADABLE = (OSError, EOFError, KeyError, ValueError, zlib.error, zipfile.BadZipFile)


def make_writer(path, kind, options, dtype):
    """The JsonLines or Arrays for a file.

    Args:
      kind: one of vector_options.FORMATS. options: VectorOptions. dtype: name of the values' type in the file.
    """
    return JsonLines(path.endswith(".gz")) if kind == "jsonl" else Arrays(kind, options, dtype)


class JsonLines:
    """A line for each text: {"linex_index", "features": [{"token", "layers": [{"index", "values"}]}]}.

    `token` is a word or the whole text where these are the unit; `index` a list of layers where they are mixed.
    """

    def __init__(self, compressed=False):
        self._compressed = compressed

    def lines(self, vectors, labels, indices, first_line):
        """The lines of some texts, list of str with line ends.

        Args:
          vectors: a Vectors, whose values have the dtype to be written.
          labels: list of str, one for each row of it.
          indices: what to call the layers.
        """
        rows, count, width = vectors.values.shape
        numbers = joined_rows(vectors.values.reshape(rows * count, width))
        heads = [f'{{"index": {json.dumps(index)}, "values": [' for index in indices]
        features = []
        for row, label in enumerate(labels):
            layers = [head + numbers[row * count + i] + "]}" for i, head in enumerate(heads)]
            features.append(f'{{"token": {json.dumps(label)}, "layers": [{", ".join(layers)}]}}')
        bounds = zip(vectors.offsets[:-1], vectors.offsets[1:])
        return [
            f'{{"linex_index": {first_line + i}, "features": [{", ".join(features[start:end])}]}}\n'
            for i, (start, end) in enumerate(bounds)
        ]

    def add(self, part, vectors, labels, indices, first_line):
        data = "".join(self.lines(vectors, labels, indices, first_line)).encode()
        part.append("lines", gzip.compress(data, 6, mtime=0) if self._compressed else data)

    def load(self, part, path, settings):
        """Begins with what is in a file; returns the number of its texts."""
        del settings  # lines do not say what they were made with
        count, last = 0, b"\n"
        try:
            with (gzip.open if self._compressed else open)(path, "rb") as file:
                for line in file:
                    count, last = count + 1, line
        except _UNREADABLE as error:
            raise InputError(
                f"{path}: --append: it cannot be read ({error}); move it away to write a new one"
            ) from None
        if not last.endswith(b"\n"):
            raise InputError(f"{path}: line {count} is not whole; --append needs a finished file")
        with open(path, "rb") as file:
            while data := file.read(1 << 24):
                part.append("lines", data)
        return count

    def finish(self, part, path, settings):
        del settings
        if os.path.exists(part.file("lines")):  # else a job that was killed has moved them
            os.replace(part.file("lines"), path)


class Arrays:
    """The arrays of an HDF5 or NPZ file; see the module."""

    def __init__(self, kind, options, dtype):
        self._kind, self._options, self._dtype = kind, options, np.dtype(dtype)
        self._ragged = options.unit != "sentence"

    def add(self, part, vectors, labels, indices, first_line):
        del indices
        part.append("values", vectors.values.tobytes())
        part.append("lines", np.arange(first_line, first_line + len(vectors.cut), dtype=np.int64).tobytes())
        if self._ragged:
            part.append("counts", np.diff(vectors.offsets).tobytes())
            part.append("tokens", "".join(f"{label}\n" for label in labels).encode())

    def load(self, part, path, settings):
        """Begins with what is in a file; returns the number of its texts."""
        with self._opened(path) as (arrays, before):
            if before != settings:
                raise InputError(f"{path}: --append: it was made with other settings: {_difference(before, settings)}")
            for name in ("values", "lines", *(("tokens",) if self._ragged else ())):
                for start in range(0, len(arrays[name]), 1 << 16):
                    part.append(name, arrays[name][start : start + (1 << 16)].tobytes())
            if self._ragged:
                part.append("counts", np.diff(arrays["offsets"][:]).tobytes())
            return len(arrays["lines"])

    def finish(self, part, path, settings):
        arrays = {"lines": _mapped(part.file("lines"), np.int64)}
        rows = len(arrays["lines"])
        if self._ragged:
            counts = _mapped(part.file("counts"), np.int64)
            arrays["offsets"] = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
            arrays["tokens"] = _mapped(part.file("tokens"), np.uint8)
            rows = arrays["offsets"][-1]
        values = _mapped(part.file("values"), self._dtype)
        shape = (rows, self._options.num_states, -1) if self._options.num_states > 1 else (rows, -1)
        arrays["values"] = values.reshape(shape) if rows else values.reshape([0] * len(shape))
        with replaced(path) as temporary:
            if self._kind == "npz":
                with open(temporary, "wb") as file:
                    np.savez(file, **arrays, settings=np.array(json.dumps(settings)))
                return
            with h5py.File(temporary, "w") as file:
                file.attrs["settings"] = json.dumps(settings)
                for name, array in arrays.items():
                    file.create_dataset(name, data=array)

    @contextlib.contextmanager
    def _opened(self, path):
        """name -> array, and the settings."""
        try:
            if self._kind == "hdf5":
                with h5py.File(path) as file:
                    yield file, json.loads(file.attrs["settings"])
            else:
                with np.load(path) as file:
                    yield {name: file[name] for name in file.files}, json.loads(str(file["settings"]))
        except _UNREADABLE as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: --append: no {self._kind} file of this script ({error})") from None


def _mapped(path, dtype):
    """The array in a file of plain numbers, which may be empty."""
    try:
        return np.memmap(path, dtype, "r") if os.path.getsize(path) else np.zeros(0, dtype)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; remove the folder to start anew") from None


def _difference(before, now):
    name = next(name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name))
    return f"{name} {before.get(name)!r} there, {now.get(name)!r} here"
