"""What the files of a folder say of its SentencePiece model, as `transformers` reads them."""

import json
import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.files import folders
from bertline.processors.tokenizers.folder.tokenizer_folder import CONFIG_NAME, model_max_length

# Class, without the ending "Fast" -> its (do_lower_case, keep_accents) where no file says them.
_CLASSES = {"AlbertTokenizer": (True, False), "XLNetTokenizer": (False, False)}
_ADDED = "added_tokens.json"


class SentencePieceFolder:
    """What tokenizer_config.json and added_tokens.json say.

    Attributes:
      config_file: str, for messages.
      do_lower_case, keep_accents: bool, or None where nothing says it.
      model_max_length: int or None.

    Raises:
      InputError: a file is damaged, or the model is one of another tokenizer.
    """

    def __init__(self, folder):
        self._folder, self.config_file = folder, os.path.join(folder, CONFIG_NAME)
        config = self._read(CONFIG_NAME)
        name = config.get("tokenizer_class")
        if name is not None and str(name).removesuffix("Fast") not in _CLASSES:
            raise InputError(
                f"{self.config_file}: tokenizer_class {name}: SentencePiece models are read as by "
                f"{' or '.join(_CLASSES)}; this model needs another tokenizer"
            )
        if config.get("remove_space") is False:
            raise InputError(
                f"{self.config_file}: remove_space is false, true is needed; this model needs another tokenizer"
            )
        defaults = _CLASSES.get(str(name).removesuffix("Fast"), (None, None))
        self.do_lower_case, self.keep_accents = (
            default if config.get(key) is None else config[key]
            for key, default in zip(("do_lower_case", "keep_accents"), defaults)
        )
        self.model_max_length = model_max_length(config, self.config_file)
        self._decoder = config.get("added_tokens_decoder") or {}

    def _read(self, name):
        path = os.path.join(self._folder, name)
        return json_files.read(path, mend="mend or remove it") if folders.exists(path) else {}

    def check_added_tokens(self, vocab):
        """Raises InputError where a file adds a token that is no piece of the model.

        Args:
          vocab: the pieces of the model.
        """
        added = list(self._read(_ADDED))
        if isinstance(self._decoder, dict):
            added += [entry.get("content") if isinstance(entry, dict) else entry for entry in self._decoder.values()]
        for token in added:
            if token not in vocab:
                raise InputError(
                    f"{self._folder}: {CONFIG_NAME} or {_ADDED} adds {json.dumps(token)[:60]}, which is no piece of "
                    "the SentencePiece model; added tokens are read with WordPiece only"
                )
