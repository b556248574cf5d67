"""Vectors to files: the original's JSON lines, or arrays in HDF5 and NPZ. What is written meanwhile is a PartFolder's.

HDF5 and NPZ hold the same arrays, by these names:
  values: float [rows, W], or [rows, L, W] of several layers that are not mixed. Sentences: one row a text.
  offsets: int64 [n + 1], not for sentences: text i has the rows offsets[i]:offsets[i + 1].
  lines: int64 [n], the number of each text's line, from 0.
  tokens: uint8, not for sentences: UTF-8 of the tokens or words of all rows, each followed by a line end.
  settings: JSON, what the vectors were made with; in HDF5 an attribute of the file.

Whoever appends needs to know that a file is still what was written: HDF5 has a checksum as an attribute, NPZ has its
own, and beside lines there is one in a file of its own, since a line says nothing but vectors.
"""

import contextlib
import gzip
import itertools
import json
import os
import zipfile
import zlib

import h5py
import numpy as np

from bertline.common import json_files
from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.serving.encoder.vector_options import BY_TEXT
from bertline.serving.files.decimals import join_rows

NAMES = ("lines", "values", "counts", "tokens")  # of a PartFolder's files; JsonLines has the first alone
_UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    MemoryError,
    OverflowError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
)
_BYTES_AT_ONCE = 1 << 24


def make_writer(path, kind, options, dtype):
    """The JsonLines or Arrays for a file.

    Args:
      kind: one of vector_options.FORMATS. options: VectorOptions. dtype: name of the values' type in the file.
    """
    if kind == "jsonl":
        return JsonLines(path.endswith(".gz"))
    return (ArraysByText if kind in BY_TEXT else Arrays)(kind, options, dtype)


class JsonLines:
    """A line for each text: {"linex_index", "features": [{"token", "layers": [{"index", "values"}]}]}.

    `token` is a word or the whole text where these are the unit; `index` a list of layers where they are mixed.
    """

    def __init__(self, compressed=False):
        self._compressed = compressed

    def lines(self, vectors, labels, indices, first_line):
        """The lines of some texts, list of str with line ends.

        Args:
          vectors: a TextVectors, whose values have the dtype to be written.
          labels: list of str, one for each row of it.
          indices: what to call the layers.
        """
        rows, count, width = vectors.values.shape
        numbers = join_rows(vectors.values.reshape(rows * count, width))
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
        made = _read_made(path, settings)
        try:
            with (gzip.open if self._compressed else open)(path, "rb") as file:
                count = _count_lines(file, path, None if made else _check_line)
        except _UNREADABLE as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{path}: --append: it cannot be read ({error}); move it away to write a new one"
            ) from None
        checksum = 0
        with open(path, "rb") as file:
            while data := file.read(_BYTES_AT_ONCE):
                checksum = zlib.crc32(data, checksum)
                part.append("lines", data)
        if made and made["checksum"] != f"{checksum:08x}":
            raise _change_error(
                path, f"move it away to write a new one, or remove {made_file(path)} to append all the same"
            )
        return count

    def finish(self, part, path, settings):
        if not os.path.exists(part.file("lines")):
            return  # a job that was killed has moved them
        checksum = 0
        with open(part.file("lines"), "rb") as file:
            while data := file.read(_BYTES_AT_ONCE):
                checksum = zlib.crc32(data, checksum)
        with replace_file(made_file(path)) as temporary, open(temporary, "w", encoding="utf-8") as file:
            json.dump({"checksum": f"{checksum:08x}", "settings": settings}, file, indent=1)
        os.replace(part.file("lines"), path)


def made_file(path):
    """The file beside JSON lines that says what they were made with, and their checksum."""
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.made.json")


def _read_made(path, settings):
    """What `made_file` says; None where there is none, as beside a file of the original."""
    if not os.path.exists(made_file(path)):
        return None
    mend = "remove it to append all the same"
    made = json_files.read(made_file(path), mend=mend)
    if not isinstance(made.get("settings"), dict) or not isinstance(made.get("checksum"), str):
        raise InputError(f"{made_file(path)}: not what extract_features.py writes; {mend}")
    _check_settings(path, made["settings"], settings)
    return made


def _count_lines(file, path, check=None):
    """The number of lines; check: (line, number from 0, path) -> None."""
    count, last = 0, b"\n"
    for line in file:
        if check:
            check(line, count, path)
        count, last = count + 1, line
    if not last.endswith(b"\n"):
        raise InputError(f"{path}: line {count} is not whole; --append needs a finished file")
    return count


def _check_line(line, number, path):
    """Raises InputError for a line that is none of this format, or not in its place."""
    if not line.endswith(b"\n"):
        return  # which is said
    mend = "--append needs a file of extract_features.py"
    value = json_files.parse(line.rstrip(), path, mend=mend, line=number + 1)
    if not isinstance(value.get("features"), list) or value.get("linex_index") != number:
        raise InputError(f"{path}:{number + 1}: features and linex_index {number} are needed; {mend}")


def _check_settings(path, before, settings):
    if before != settings:
        raise InputError(f"{path}: --append: it was made with other settings: {_difference(before, settings)}")


def _change_error(path, mend):
    return InputError(f"{path}: --append: it is not what was written, its checksum is another one; {mend}")


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
        with self._open(path) as (arrays, before, checksum):
            _check_settings(path, before, settings)
            count = self._check_shapes(arrays, path)
            found = 0
            for name in self._names():
                for start in range(0, len(arrays[name]), 1 << 16):
                    data = arrays[name][start : start + (1 << 16)].tobytes()
                    found = zlib.crc32(data, found)
                    if name != "offsets":
                        part.append(name, data)
            if self._ragged:
                part.append("counts", np.diff(arrays["offsets"][:]).tobytes())
            if checksum is not None and checksum != f"{found:08x}":
                raise _change_error(path, "move it away to write a new one")
            return count

    def _names(self):
        return ("lines", "values", *(("offsets", "tokens") if self._ragged else ()))

    def _check_shapes(self, arrays, path):
        """The number of texts. Raises InputError for arrays that are not what `finish` writes."""
        kinds = {"lines": np.dtype(np.int64), "offsets": np.dtype(np.int64), "tokens": np.dtype(np.uint8)}
        ranks = {"values": 3 if self._options.num_states > 1 else 2}
        for name in self._names():
            kind, rank = kinds.get(name, self._dtype), ranks.get(name, 1)
            found = arrays[name]
            if found.dtype != kind or len(found.shape) != rank:
                raise InputError(
                    f"{path}: --append: {name}: {kind} of {rank} axes is needed, found {found.dtype} of "
                    f"{len(found.shape)}; move it away to write a new one"
                )
        count, rows = len(arrays["lines"]), len(arrays["values"])
        whole = np.array_equal(arrays["lines"][:], np.arange(count))
        if self._ragged:
            offsets, ends = arrays["offsets"][:], np.count_nonzero(arrays["tokens"][:] == ord("\n"))
            whole &= len(offsets) == count + 1 and offsets[0] == 0 and offsets[-1] == rows == ends
            whole &= bool(np.all(np.diff(offsets) >= 0))
        else:
            whole &= rows == count
        if not whole:
            raise InputError(f"{path}: --append: its arrays do not fit together; move it away to write a new one")
        return count

    def finish(self, part, path, settings):
        arrays = self.arrays_of(part)
        with replace_file(path) as temporary:
            if self._kind == "npz":
                with open(temporary, "wb") as file:
                    np.savez(file, **arrays, settings=np.array(json.dumps(settings)))
                return
            with h5py.File(temporary, "w") as file:
                file.attrs["settings"] = json.dumps(settings)
                file.attrs["checksum"] = self._checksum(arrays)
                for name, array in arrays.items():
                    file.create_dataset(name, data=array)

    def _checksum(self, arrays):
        found = 0
        for name in self._names():
            for start in range(0, len(arrays[name]), 1 << 16):
                found = zlib.crc32(arrays[name][start : start + (1 << 16)].tobytes(), found)
        return f"{found:08x}"

    def arrays_of(self, part):
        """name -> array of all texts, mapped from the files."""
        arrays = {"lines": _map_array(part.file("lines"), np.int64)}
        rows = len(arrays["lines"])
        if self._ragged:
            counts = _map_array(part.file("counts"), np.int64)
            arrays["offsets"] = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
            arrays["tokens"] = _map_array(part.file("tokens"), np.uint8)
            rows = arrays["offsets"][-1]
        values = _map_array(part.file("values"), self._dtype)
        shape = (rows, self._options.num_states, -1) if self._options.num_states > 1 else (rows, -1)
        arrays["values"] = values.reshape(shape) if rows else values.reshape([0] * len(shape))
        return arrays

    @contextlib.contextmanager
    def _open(self, path):
        """name -> array, the settings, and the checksum, None where the file has none or one of its own."""
        try:
            if self._kind == "hdf5":
                with h5py.File(path) as file:
                    arrays = {name: file[name] for name in self._names()}
                    if not all(isinstance(one, h5py.Dataset) for one in arrays.values()):
                        raise KeyError("something else stands where an array is needed")
                    checksum = file.attrs.get("checksum")
                    yield arrays, _settings_in(file.attrs["settings"], path), checksum
            else:
                with np.load(path) as file:
                    arrays = {name: file[name] for name in self._names()}
                    yield arrays, _settings_in(str(file["settings"]), path), None
        except _UNREADABLE as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: --append: no {self._kind} file of this script ({error})") from None


class ArraysByText(Arrays):
    """HDF5 with an array for each text, under the number of its line: [words, W], or [L, words, W] of several layers.

    "allennlp" has `sentence_to_index` beside them, JSON: a text as its words with blanks between them -> its number.

    Source: `dump_bilm_embeddings` of bilm-tf, https://github.com/allenai/bilm-tf; the command `elmo` of AllenNLP.
    """

    def finish(self, part, path, settings):
        arrays = self.arrays_of(part)
        values, offsets = arrays["values"], arrays["offsets"]
        with replace_file(path) as temporary, h5py.File(temporary, "w") as file:
            file.attrs["settings"] = json.dumps(settings)
            for number, (start, end) in enumerate(itertools.pairwise(offsets)):
                rows = values[start:end]
                file.create_dataset(str(number), data=rows.swapaxes(0, 1) if rows.ndim == 3 else rows)
            if self._kind == "allennlp":
                words = arrays["tokens"].tobytes().decode().split("\n")
                texts = (" ".join(words[start:end]) for start, end in itertools.pairwise(offsets))
                found = {text: str(number) for number, text in enumerate(texts)}
                kept = file.create_dataset("sentence_to_index", (1,), dtype=h5py.string_dtype())
                kept[0] = json.dumps(found)


def _settings_in(text, path):
    return json_files.parse(text, f"{path}: settings", mend="move it away to write a new one")


def _map_array(path, dtype):
    """The array in a file of plain numbers, which may be empty."""
    try:
        return np.memmap(path, dtype, "r") if os.path.getsize(path) else np.zeros(0, dtype)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; remove the folder to start anew") from None


def _difference(before, now):
    none = object()  # null is a value
    name = next(name for name in sorted(before.keys() | now.keys()) if before.get(name, none) != now.get(name, none))
    there, here = (repr(one[name]) if name in one else "unknown" for one in (before, now))
    return f"{name} {there} there, {here} here"
