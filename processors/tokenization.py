"""Which tokenizer a folder or a file is of, and the public names of the original's tokenization.

Source: google-research/bert, tokenization.py, whose public names are kept.
"""

import collections
import itertools
import os

from bertline import registry
from bertline.errors import InputError
from bertline.processors.files import folders, text_files
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer, convert_to_unicode, whitespace_tokenize
from bertline.processors.tokenizers.rules.wordpiece import WordpieceTokenizer
from bertline.processors.tokenizers.sentencepiece import SentencePieceTokenizer
from bertline.processors.tokenizers.tokenizer import Tokenizer
from bertline.processors.tokenizers.wordpiece import FullTokenizer, casing, compare_casing

__all__ = [
    "BasicTokenizer",
    "FullTokenizer",
    "SentencePieceTokenizer",
    "WordpieceTokenizer",
    "casing",
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


def check_casing(tokenizer, do_lower_case=None):
    """Compares a casing with what the vocabulary shows, in the spirit of the original's check of checkpoint names.

    Args:
      tokenizer: a Tokenizer, or the name of a vocabulary file.
      do_lower_case: bool; None: the tokenizer's own.

    Raises:
      InputError: lower-casing for a cased vocabulary, or none for an uncased one.
    """
    if isinstance(tokenizer, (str, os.PathLike)):
        compare_casing(tokenizer, load_vocab(tokenizer), do_lower_case)
    else:
        tokenizer.check_casing(do_lower_case)


def load_tokenizer(folder_or_file, do_lower_case=None):
    """Loads the tokenizer of a folder (ours, or Hugging Face's), or one of a vocabulary or *.model file by itself.

    The registered kinds are asked, in the order that they declare. The casing is that of tokenizer_config.json (beside
    the file), else the given one, else what the vocabulary shows.

    Raises:
      InputError: nothing to load, or files that the tokenizer refuses.
    """
    path = os.fspath(folder_or_file)
    names = set(folders.list_files(path)) if folders.is_folder(path) else None
    if names is None and not folders.exists(path):
        raise InputError(f"{path}: no such file or folder; give a vocab.txt, a *.model, or a folder with one")
    for kind in _kinds():
        if kind.fits(path, names):
            return kind.load(path, names, do_lower_case)
    *most, last = [kind.said_as for kind in reversed(list(_kinds())) if kind.said_as]
    raise InputError(
        f"{path}: no {', '.join(most)} or {last} among {len(names or ())} files; put the model's vocabulary there"
    )


def tokenizer_of_words(words, where, do_lower_case=None):
    """The tokenizer of a list of words, by id, that came with weights.

    Args:
      where: str, for messages.
      do_lower_case: None: what the words show.
    """
    from bertline.processors.tokenizers.words import WordSettings, WordTokenizer

    lower = casing(words) == "uncased" if do_lower_case is None else do_lower_case
    return WordTokenizer(words, WordSettings(do_lower_case=lower), where)


def vocabulary_names():
    """Names of files by which a folder is known to have a vocabulary, the commonest first; nothing is imported."""
    names = registry.literals("tokenizer", "file_names")
    return list(itertools.chain.from_iterable(names[kind] for kind in reversed(_in_order())))


def _in_order():
    orders = registry.literals("tokenizer", "order")
    return sorted(registry.names("tokenizer"), key=lambda name: orders.get(name, Tokenizer.order))


def _kinds():
    """All that is registered, those that are asked first at the front; each is imported when it is its turn."""
    return (registry.get("tokenizer", name) for name in _in_order())
