"""Vectors that ELMo makes of words, in a file: what `dump_token_embeddings` of bilm-tf writes.

bilm-tf reads it as `embedding_weight_file`. A weights.hdf5 of words has the same data set, so it is such a file, too.

Source: `dump_token_embeddings` of https://github.com/allenai/bilm-tf, `bilm/model.py`.
"""

import h5py
import numpy as np

from bertline.errors import InputError

DATA_SET = "embedding"


def read(path, num_words, width):
    """float32 [num_words, width], a row for each word of a vocabulary.

    Raises:
      InputError: the file cannot be read, or is of another vocabulary or model.
    """
    try:
        with h5py.File(path) as file:
            found = file.get(DATA_SET)
            if not isinstance(found, h5py.Dataset) or found.dtype.kind != "f":
                raise InputError(f"{path}: no data set {DATA_SET!r} of numbers; dump_token_embeddings writes one")
            if found.shape != (num_words, width):
                raise InputError(
                    f"{path}: {DATA_SET} has shape {found.shape}, {(num_words, width)} is needed: the words of "
                    "--vocab_file and the model's projection_dim; give the files that belong together"
                )
            return found[...].astype(np.float32)
    except (OSError, RuntimeError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: cannot be read as HDF5 ({reason}); copy the file again") from error
