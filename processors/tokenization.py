"""Tokenizers: WordPiece exactly as in BERT, SentencePiece as in ALBERT and XLNet; saved and loaded with their casing.

Source: google-research/bert, tokenization.py, whose public names are kept.
"""

import collections
import hashlib
import json
import os

from errors import InputError
from files import replaced
from processors import folders, text_files, tokenizer_json
from processors.added_tokens import AddedTokens
from processors.character_rules import ORIGINAL
from processors.normalization import BasicTokenizer, convert_to_unicode, whitespace_tokenize
from processors.sentence_piece_folder import SentencePieceFolder
from processors.sentence_pieces import MAX_LENGTH, SentencePieceTokenizer
from processors.special_tokens import SPECIAL_TOKENS
from processors.tokenizer import Tokenizer
from processors.tokenizer_folder import CONFIG_NAME, VOCAB_NAME, TokenizerFolder
from processors.tokenizer_settings import TokenizerSettings
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


class FullTokenizer(Tokenizer):
    """BERT's tokenizer: words and punctuation marks, then word pieces.

    By the original's rules, which a vocabulary by itself has, `[MASK]` and the like inside a text are no special
    tokens: they become "[", "mask", "]". In a folder of Hugging Face's they are, and texts become what `transformers`
    makes of them. A lone surrogate stays in its word, which is then [UNK], as in the original.

    Attributes:
      vocab_file: str, where the vocabulary was read from.
      vocab, inv_vocab: dicts token -> id, id -> token, added tokens included.
      vocab_size: int: one more than the largest id.
      settings: TokenizerSettings.
      added_tokens: AddedTokens that texts are cut at, or None.
      do_lower_case: bool; True also strips accents, unless the settings say otherwise.
      cls_id, sep_id, unk_id: int; pad_id: 0 where there is no [PAD], as in the original; mask_id: InputError where
        there is no [MASK].
      second_segment_id: int, segment_ids of a pair's second text: 1, unless a model was made otherwise.
      model_max_length: int, tokens of the longest text that the model is meant for; None where no file says it.
    """

    kind = "wordpiece"

    def __init__(self, vocab_file, do_lower_case=True, settings=None):
        """`settings`: TokenizerSettings, which say everything; by default the original's, with the file's lines.

        Raises:
          InputError: the file is missing, empty, no UTF-8 text, or lacks [UNK], [CLS] or [SEP].
        """
        if settings is None:
            lines = tuple(line.strip() for line in text_files.read_lines(vocab_file))
            settings = TokenizerSettings(lines, bool(do_lower_case))
        self.settings, self.vocab_file = settings, os.fspath(vocab_file)
        self.vocab = settings.ids
        # Where a line occurs twice, both ids have it.
        self.inv_vocab = dict(enumerate(settings.tokens)) | {token.id: token.content for token in settings.added_tokens}
        self.vocab_size = max(self.inv_vocab) + 1
        self.do_lower_case, self.second_segment_id = settings.do_lower_case, settings.second_segment_id
        self.model_max_length = settings.model_max_length
        self.cls_id, self.sep_id = self._special("cls_token"), self._special("sep_token")
        self.unk_id = self._special("unk_token")
        self.pad_id = self.vocab.get(settings.special_tokens.get("pad_token"), 0)
        self.basic_tokenizer = BasicTokenizer(
            settings.do_lower_case, settings.strip_accents, settings.tokenize_chinese_chars, settings.rules
        )
        unknown = settings.special_tokens["unk_token"]
        self.wordpiece_tokenizer = WordpieceTokenizer(settings.base_ids, unknown, settings.word_chars)
        added = AddedTokens(settings.whole_tokens, self.basic_tokenizer) if settings.whole_tokens else None
        self.added_tokens = added
        self._batch = BatchWordpiece(self.basic_tokenizer, self.wordpiece_tokenizer, added)

    def _special(self, role):
        token = self.settings.special_tokens.get(role, SPECIAL_TOKENS[role])
        if token not in self.vocab:
            raise InputError(
                f"{self.vocab_file}: no {token} among {self.vocab_size} tokens; a BERT vocabulary, one "
                "token a line with [UNK], [CLS] and [SEP], is needed"
            )
        return self.vocab[token]

    @property
    def mask_id(self):
        return self._special("mask_token")

    def tokenize(self, text):
        """Returns the tokens (str) of one text, without special tokens around it."""
        return self._batch.tokenize(text)

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
        """A sha256, hex, of everything the ids depend on: kind, casing, vocabulary, what is not as in the original."""
        settings = self.settings.beyond_the_original()
        content = [self.kind, self.do_lower_case, self.settings.tokens, *([settings] if settings else [])]
        content = json.dumps(content, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def save(self, folder, model_max_length=None, vocab_name=VOCAB_NAME):
        """Writes vocab.txt, tokenizer.json and tokenizer_config.json into `folder`, as Hugging Face has them.

        tokenizer.json belongs to VOCAB_NAME and is written beside no other. `model_max_length`: by default the
        tokenizer's own, else 512.
        """
        with replaced(os.path.join(folder, vocab_name)) as path, open(path, "wb") as file:
            file.writelines(token.replace("\n", " ").encode() + b"\n" for token in self.settings.tokens)
        if vocab_name == VOCAB_NAME:
            tokenizer_json.write(os.path.join(folder, tokenizer_json.NAME), self.settings)
        config = self.settings.to_config(model_max_length or self.model_max_length or MAX_LENGTH)
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
    `processors.tokenizer_folder` tells which other settings of a folder are honoured.

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
    if path.endswith(".model"):
        return _load_sentence_pieces(path, do_lower_case)
    name = os.path.basename(path)
    found = TokenizerFolder(os.path.dirname(path), VOCAB_NAME if name == tokenizer_json.NAME else name)
    if not names and name == VOCAB_NAME and found.differing_line:
        raise InputError(
            f"{path}:{found.differing_line}: another token than in {tokenizer_json.NAME} beside it; name the one that "
            "belongs to the model, and move the other away"
        )
    _check_asked(found.config_file, found.do_lower_case, do_lower_case)
    casing_of_file = found.do_lower_case if found.do_lower_case is not None else do_lower_case
    if casing_of_file is None:
        # `transformers` lower-cases where no file says whether to.
        casing_of_file = found.rules is not ORIGINAL or casing(found.tokens) != "cased"
    tokenizer = FullTokenizer(found.vocab_file, settings=found.settings(casing_of_file))
    if found.do_lower_case is None:
        check_casing(tokenizer)  # a saved casing is that of the weights, whatever the vocabulary looks like
    return tokenizer


def _load_sentence_pieces(path, do_lower_case):
    found = SentencePieceFolder(os.path.dirname(path))
    _check_asked(found.config_file, found.do_lower_case, do_lower_case)
    lower = do_lower_case if found.do_lower_case is None else found.do_lower_case
    tokenizer = SentencePieceTokenizer(path, bool(lower), found.keep_accents, found.model_max_length)
    found.check_added_tokens(tokenizer.vocab)
    return tokenizer


def _check_asked(config_file, saved, asked):
    if saved is not None and asked is not None and saved != asked:
        raise InputError(
            f"{config_file}: do_lower_case is {saved}, --do_lower_case={asked} was asked for; "
            f"use --do_lower_case={saved}, or another vocabulary"
        )


def _vocabulary_name(folder, names):
    models = [name for name in names if name.endswith(".model")]
    for name in (VOCAB_NAME, "spiece.model", *models, tokenizer_json.NAME):
        if name in names:
            return name
    raise InputError(
        f"{folder}: no {VOCAB_NAME}, {tokenizer_json.NAME} or *.model among {len(names)} files; put the model's "
        "vocabulary there"
    )
