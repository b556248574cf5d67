"""Word vectors of other programs: text files of word2vec, GloVe and fastText, or a numpy array beside a list of words.

A model of ours needs rows for what is no word; they come before all others.
"""

import dataclasses
import logging
import os

import numpy as np

from bertline import registry
from bertline.errors import InputError
from bertline.processors.files.folders import is_folder, is_remote, list_files
from bertline.processors.files.text_files import iterate_lines
from bertline.processors.tables.table_files import TableFile
from bertline.processors.tokenizers.folder.special_tokens import SPECIAL_TOKENS
from bertline.weights.reading.format import WeightFormat
from bertline.weights.reading.source import Tensor, WeightSource
from bertline.weights.reading.vector_lines import read_vectors

TEXTS = (".vec", ".vec.gz", ".txt", ".txt.gz")
ARRAY = ".npy"
LISTS = (".parquet", ".txt")
TABLE = "word_embeddings"
PAD, UNK = SPECIAL_TOKENS["pad_token"], SPECIAL_TOKENS["unk_token"]


@registry.register("weight_format", "word_vectors")
class WordVectors(WeightFormat):
    order = 75
    said_as = "a file of word vectors (.txt, .vec)"

    @staticmethod
    def fits(path, names):
        if names is None:
            return path.endswith((*TEXTS, ARRAY)) and bool(list_files(os.path.dirname(path) or "."))
        return _pair(names) is not None or len(_with(names, TEXTS[:2])) == 1

    @staticmethod
    def open(path):
        folder = path if is_folder(path) else os.path.dirname(path) or "."
        names = set(list_files(folder))
        if path == folder:
            path = os.path.join(folder, *(_pair(names) or _with(names, TEXTS[:2]))[:1])
        elif os.path.basename(path) not in names:
            raise InputError(f"{path}: no such file; {folder} has {', '.join(sorted(names)[:5])}")
        if not path.endswith(ARRAY):
            return VectorSource.of(path, *read_vectors(path))
        pair = _pair(names)
        if pair is None:
            raise InputError(
                f"{path}: an array without words; {folder} must have one array and one list of its words, a word a "
                f"line (.txt) or in the first column (.parquet), it has {', '.join(sorted(names)[:5])}"
            )
        return VectorSource.of(path, *_read_pair(*(os.path.join(folder, name) for name in pair)))


class VectorSource(WeightSource):
    """A table of vectors, for whichever encoder has one table of words."""

    @classmethod
    def of(cls, path, words, table):
        """words: list of V str. table: float32 [V, W]."""
        special = {PAD: lambda: np.zeros(table.shape[1], np.float32), UNK: lambda: table.mean(axis=0, dtype=np.float64)}
        special = {token: row for token, row in special.items() if token not in set(words)}

        def read():
            return np.concatenate([*(row()[None].astype(np.float32) for row in special.values()), table])

        words = [*special, *words]
        shape = (len(words), table.shape[1])
        config = {"model_type": "static_vectors", "vocab_size": shape[0], "width": shape[1], "layout": "plain"}
        tensors = {TABLE: Tensor(TABLE, shape, read)}
        return cls(path, f"word vectors {path}", tensors, config=config, words=words)

    def canonical(self, model):
        """The table under the name that it has in the model; under its own where that has none or several."""
        names = [name for name in getattr(model, "encoder", model).named_weights() if name.endswith(f"/{TABLE}")]
        return {names[0] if len(names) == 1 else TABLE: self.tensors[TABLE]}

    def wrapper(self, model):
        return ""

    def for_vocabulary(self, words):
        """The source of a table with a row for each of `words`; one without a vector has that of unknown words."""
        place = {word: row for row, word in enumerate(self.words)}
        rows, table = [place.get(word, place[UNK]) for word in words], self.tensors[TABLE]
        logging.info("%s has vectors of %d of %d tokens", self.path, len(place.keys() & set(words)), len(words))
        tensor = Tensor(TABLE, (len(words), table.shape[1]), lambda: table.read()[rows])
        config = {**self.config, "vocab_size": len(words)}
        return dataclasses.replace(self, tensors={TABLE: tensor}, config=config, words=list(words))


def _with(names, endings):
    return sorted(name for name in names if name.endswith(endings))


def _pair(names):
    """(array, list of its words) in a folder that has one of each; None."""
    arrays, lists = _with(names, ARRAY), _with(names, LISTS)
    return (*arrays, *lists) if len(arrays) == len(lists) == 1 else None


def _read_pair(array, words_file):
    table = _read_array(array)
    if words_file.endswith(".parquet"):
        words = [row[0] for row in TableFile(words_file).rows()]
    else:
        words = list(iterate_lines(words_file))
    wrong = next((at for at, word in enumerate(words) if not isinstance(word, str) or not word), None)
    if wrong is not None:
        raise InputError(f"{words_file}: {words[wrong]!r} in row {wrong + 1}, a word is needed in the first column")
    if len(words) != len(table):
        raise InputError(f"{words_file}: {len(words)} words, {array} has {len(table)} rows; do they belong together?")
    if len(set(words)) != len(words):
        raise InputError(f"{words_file}: {len(words) - len(set(words))} words come again; each needs a row of its own")
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise InputError(f"{array}: row {row} (of {words[row]!r}) has what is no finite number; take the file anew")
    return words, table


def _read_array(path):
    """float32 [V, W]."""
    if is_remote(path):
        raise InputError(f"{path}: an array is read from this machine's disk; copy the folder here")
    try:
        table = np.load(path, allow_pickle=False)
    except Exception as error:  # a damaged header is parsed as Python, which raises of many kinds
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a readable array of numpy ({reason}); copy the file again") from error
    if not isinstance(table, np.ndarray) or table.ndim != 2 or table.dtype.kind != "f" or not table.size:
        what = f"{table.dtype} {list(table.shape)}" if isinstance(table, np.ndarray) else type(table).__name__
        raise InputError(f"{path}: {what}; floating-point numbers [words, width] are needed")
    return table.astype(np.float32, copy=False)
