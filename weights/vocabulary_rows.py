"""Gives a checkpoint rows for words that its vocabulary has got; every other weight stays as it is."""

import numpy as np

from bertline import registry
from bertline.errors import InputError
from bertline.weights import conversion, heads, load_save
from bertline.weights.open_model import UNUSED_ROWS_ALLOWED

_TABLE = "/word_embeddings"


class Checkpoint:
    """A model whose vocabulary is to grow; read at once, so that what does not fit is known before long work.

    Attributes:
      report: what was found in the checkpoint, a LoadReport.
    """

    def __init__(self, path, vocab_size):
        """`vocab_size` of the old vocabulary. Raises InputError: it is not the checkpoint's."""
        self._source = load_save.open_weights(path)
        self._encoder_class = registry.get("encoder", conversion.model_type(self._source))
        self._config = conversion.read_config(self._encoder_class, self._source)
        rows = self._rows = self._config.id_limits()["input_ids"][1]
        if not 0 <= rows - vocab_size < UNUSED_ROWS_ALLOWED:
            raise InputError(
                f"{path}: {rows} rows of word embeddings (vocab_size), --extend has {vocab_size} entries; give the "
                "vocabulary that belongs to the checkpoint"
            )
        self._model, self.report = conversion.read_model(
            conversion.build(self._encoder_class, self._config), self._source
        )

    def write(self, folder, new_rows, tokenizer):
        """Writes a Hugging Face folder in which each new row is the mean of the rows of the word's old pieces.

        Args:
          folder: made where it is missing.
          new_rows: id -> ids of the old pieces.
          tokenizer: of the new vocabulary; saved beside the weights.

        Returns:
          The largest difference of the encoder's output for old tokens, the folder read again.
        """
        size = max(self._rows, tokenizer.vocab_size)
        for name, array in self._model.named_weights().items():
            if name.endswith(_TABLE) or name in heads.rows_of_tokens():
                self._model.arrays[name] = _with_rows(np.asarray(array), size, new_rows)
        changes = {**self._model.labels, "vocab_size": size}
        load_save.save_huggingface(self._model, folder, tokenizer, changes)
        return self._difference(folder, new_rows)

    def _difference(self, folder, new_rows):
        again = load_save.open_weights(folder)
        encoder = conversion.build(self._encoder_class, conversion.read_config(self._encoder_class, again))
        load_save.load_weights(encoder, again, allow_missing=encoder.optional_weights)
        kept = np.setdiff1d(np.arange(self._rows), list(new_rows))
        return conversion.largest_differences(self._model.encoder, encoder, self._config, kept)["sequence_output"]


def _with_rows(array, size, new_rows):
    """`array` [old size, ...] -> [size, ...]; every row that is added is a new word's."""
    result = np.empty((size, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    for row, pieces in new_rows.items():
        result[row] = array[list(pieces)].mean(axis=0, dtype=np.float64)
    return result
