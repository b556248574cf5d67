"""Tokenizers: WordPiece exactly as in BERT, SentencePiece as in ALBERT and XLNet; saved and loaded with their casing.

Source: google-research/bert, tokenization.py, whose public names are kept.
"""

import collections
import hashlib
import json
import os

from errors import InputError
from files import replaced
from processors import folders, text_files
from processors.normalization import BasicTokenizer, convert_to_unicode, whitespace_tokenize
from processors.sentence_pieces import SentencePieceTokenizer
from processors.wordpiece import BatchWordpiece, WordpieceTokenizer

__all__ = [
    "BasicTokenizer",
    "FullTokenizer",
    "SentencePieceTokenizer",
    "WordpieceTokenizer",
    "check_casing",
    "convert_by_vocab",
    "convert_ids_to_tokens",
    "convert_to_unicode",
    "convert_tokens_to_ids",
    "load_tokenizer",
    "load_vocab",
    "printable_text",
    "whitespace_tokenize",
]

VOCAB_NAME = "vocab.txt"
CONFIG_NAME = "tokenizer_config.json"


def printable_text(text):
    """Returns `text` as str for print or log."""
    return convert_to_unicode(text)


def load_vocab(vocab_file):
    """Returns the ordered dict token -> id of a vocabulary file, one token a line; of equal lines the last counts.

    Raises:
      InputError: the file is missing, empty or not UTF-8 text.
    """
    return collections.OrderedDict((line.strip(), i) for i, line in enumerate(text_files.read_lines(vocab_file)))


def convert_by_vocab(vocab, items):
    """Converts a sequence of tokens or ids with the given dict; KeyError for what it lacks."""
    return [vocab[item] for item in items]


def convert_tokens_to_ids(vocab, tokens):
    return convert_by_vocab(vocab, tokens)


def convert_ids_to_tokens(inv_vocab, ids):
    return convert_by_vocab(inv_vocab, ids)


class FullTokenizer:
    """BERT's tokenizer: words and punctuation marks, then word pieces.

    `[MASK]` and the like inside a text are no special tokens: they become "[", "mask", "]". A lone surrogate stays in
    its word, which is then [UNK]. Both as in the original.

    Attributes:
      vocab_file: str, where the vocabulary was read from.
      vocab, inv_vocab: dicts token -> id, id -> token.
      vocab_size: int, lines of the vocabulary file: one more than the largest id.
      do_lower_case: bool; True also strips accents.
      cls_id, sep_id, unk_id: int; pad_id: 0 where there is no [PAD], as in the original; mask_id: InputError where
        there is no [MASK].
    """

    kind = "wordpiece"

    def __init__(self, vocab_file, do_lower_case=True):
        """Raises InputError: the file is missing, empty, no UTF-8 text, or lacks [UNK], [CLS] or [SEP]."""
        self._lines = [line.strip() for line in text_files.read_lines(vocab_file)]
        self.vocab_file = os.fspath(vocab_file)
        self.vocab = collections.OrderedDict((token, i) for i, token in enumerate(self._lines))
        self.inv_vocab = dict(enumerate(self._lines))  # where a line occurs twice, both ids have it
        self.vocab_size = len(self._lines)
        self.do_lower_case = bool(do_lower_case)
        self.cls_id, self.sep_id, self.unk_id = (self._special(token) for token in ("[CLS]", "[SEP]", "[UNK]"))
        self.pad_id = self.vocab.get("[PAD]", 0)
        self.basic_tokenizer = BasicTokenizer(do_lower_case)
        self.wordpiece_tokenizer = WordpieceTokenizer(self.vocab)
        self._batch = BatchWordpiece(self.vocab, self.do_lower_case)

    def _special(self, token):
        if token not in self.vocab:
            raise InputError(
                f"{self.vocab_file}: no {token} among {self.vocab_size} lines; a BERT vocabulary, one "
                "token a line with [UNK], [CLS] and [SEP], is needed"
            )
        return self.vocab[token]

    @property
    def mask_id(self):
        return self._special("[MASK]")

    def tokenize(self, text):
        """Returns the tokens (str) of one text, without special tokens."""
        return [
            piece for word in self.basic_tokenizer.tokenize(text) for piece in self.wordpiece_tokenizer.tokenize(word)
        ]

    def convert_tokens_to_ids(self, tokens):
        return convert_by_vocab(self.vocab, tokens)

    def convert_ids_to_tokens(self, ids):
        return convert_by_vocab(self.inv_vocab, ids)

    def encode_batch(self, texts):
        """The ids of many texts, equal to `convert_tokens_to_ids(tokenize(text))` of each, in one C++ call.

        Args:
          texts: list of str.

        Returns:
          ids int32 [total] and row_splits int64 [n + 1]; text i has ids[row_splits[i]:row_splits[i + 1]].
        """
        return self._batch.encode(texts)

    def fingerprint(self):
        """A sha256, hex, of everything the ids depend on: kind, casing, vocabulary."""
        content = json.dumps([self.kind, self.do_lower_case, self._lines])
        return hashlib.sha256(content.encode()).hexdigest()

    def save(self, folder, model_max_length=512, vocab_name=VOCAB_NAME):
        """Writes the vocabulary and tokenizer_config.json into `folder`, in Hugging Face's layout and names."""
        with replaced(os.path.join(folder, vocab_name)) as path, open(path, "wb") as file:
            file.writelines(f"{token}\n".encode() for token in self._lines)
        config = {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.do_lower_case,
            "strip_accents": None,
            "tokenize_chinese_chars": True,
            "model_max_length": model_max_length,
        }
        with replaced(os.path.join(folder, CONFIG_NAME)) as path, open(path, "w", encoding="utf-8") as file:
            json.dump(config, file, indent=2)


def casing(tokens):
    """What a vocabulary shows of its casing: "cased", "uncased" or None where it shows too little.

    Of the released ones, 39% of the cased vocabulary's tokens that have case at all hold an upper-case letter; of the
    uncased and of the Chinese one, none does. Bracketed tokens ([CLS], <S>) do not count.
    """
    with_case = [token for token in tokens if token.lower() != token.upper() and not _is_bracketed(token)]
    upper = sum(token != token.lower() for token in with_case)
    if upper and upper >= 0.05 * len(with_case):
        return "cased"
    return "uncased" if not upper and len(with_case) >= 26 else None


def _is_bracketed(token):
    return token.removeprefix("##")[:1] in ("[", "<") and token[-1:] in ("]", ">")


def check_casing(tokenizer, do_lower_case=None):
    """Compares a casing with what the vocabulary shows, in the spirit of the original's check of checkpoint names.

    Args:
      tokenizer: a FullTokenizer, or the name of a vocabulary file.
      do_lower_case: bool; None: the tokenizer's own.

    Raises:
      InputError: lower-casing for a cased vocabulary, or none for an uncased one.
    """
    if isinstance(tokenizer, SentencePieceTokenizer):
        return  # its model may fold the case by itself
    if isinstance(tokenizer, (str, os.PathLike)):
        where, vocab = tokenizer, load_vocab(tokenizer)
    else:
        where, vocab = tokenizer.vocab_file, tokenizer.vocab
        do_lower_case = tokenizer.do_lower_case if do_lower_case is None else do_lower_case
    found = casing(vocab)
    if found is not None and do_lower_case != (found == "uncased"):
        upper = "has tokens with" if found == "cased" else "has no"
        raise InputError(
            f"{where}: the vocabulary is {found} ({upper} upper-case letters), --do_lower_case="
            f"{do_lower_case} does not fit it; use --do_lower_case={not do_lower_case}"
        )


def load_tokenizer(folder_or_file, do_lower_case=None):
    """Loads the tokenizer of a folder (ours, or Hugging Face's), or one of a vocabulary or *.model file by itself.

    The casing is that of tokenizer_config.json (beside the file), else the given one, else what the vocabulary shows.

    Raises:
      InputError: nothing to load, a casing that contradicts the saved one (or the vocabulary, where none is saved), or
        saved settings that BERT's tokenizer does not have.
    """
    path = os.fspath(folder_or_file)
    names = folders.list_files(path)
    if names:
        path = os.path.join(path, _vocabulary_name(path, names))
    elif not folders.exists(path):
        raise InputError(f"{path}: no such file or folder; give a vocab.txt, a *.model, or a folder with one")
    config_file = os.path.join(os.path.dirname(path), CONFIG_NAME)
    config = _read_config(config_file) if folders.exists(config_file) else {}
    saved = config.get("do_lower_case")
    if saved is not None and do_lower_case is not None and saved != do_lower_case:
        raise InputError(
            f"{config_file}: do_lower_case is {saved}, --do_lower_case={do_lower_case} was asked for; "
            f"use --do_lower_case={saved}, or another vocabulary"
        )
    do_lower_case = saved if saved is not None else do_lower_case
    if path.endswith(".model"):
        return SentencePieceTokenizer(path, bool(do_lower_case), config.get("keep_accents"))
    if do_lower_case is None:
        do_lower_case = casing(load_vocab(path)) != "cased"
    if config.get("strip_accents") not in (None, do_lower_case) or config.get("tokenize_chinese_chars") is False:
        raise InputError(
            f"{config_file}: strip_accents={config.get('strip_accents')}, tokenize_chinese_chars="
            f"{config.get('tokenize_chinese_chars')}: BERT's tokenizer strips accents when it "
            "lower-cases and always splits Chinese characters; this model needs another tokenizer"
        )
    tokenizer = FullTokenizer(path, do_lower_case)
    if saved is None:  # a saved casing is what the weights were trained with, whatever the vocabulary looks like
        check_casing(tokenizer)
    return tokenizer


def _vocabulary_name(folder, names):
    for name in [VOCAB_NAME, "spiece.model", *(name for name in names if name.endswith(".model"))]:
        if name in names:
            return name
    hint = "tokenizer.json alone is not read: " if "tokenizer.json" in names else ""
    raise InputError(
        f"{folder}: no {VOCAB_NAME} and no *.model among {len(names)} files; {hint}put the model's vocabulary there"
    )


def _read_config(path):
    try:
        config = json.loads("\n".join(text_files.read_lines(path)))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: not JSON ({error}); mend or remove it") from None
    if not isinstance(config, dict):
        raise InputError(f"{path}: a JSON object is needed, found {type(config).__name__}; mend or remove it")
    return config
