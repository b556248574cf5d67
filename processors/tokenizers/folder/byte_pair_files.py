"""Vocabulary and merges of byte pairs on disk: two files, or the tokenizer.json in which `transformers` 5 puts both."""

import os

from bertline.common import json_files
from bertline.errors import InputError
from bertline.processors.files import folders, text_files
from bertline.processors.tokenizers.folder import tokenizer_json
from bertline.processors.tokenizers.folder.special_tokens import added_token

END_OF_WORD = "</w>"
# How tokenizer.json says what is done to a text before pairs are joined, by the form of the pieces.
_STEPS = {
    "bytes": {"normalizer": None, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}},
    "characters": {
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    },
}
_MODEL = {"type": "BPE", "continuing_subword_prefix": "", "byte_fallback": False, "ignore_merges": False}


def form_of(merges):
    """ "characters" where pieces show the ends of words, else "bytes"."""
    return "characters" if any(second.endswith(END_OF_WORD) for _, second in merges) else "bytes"


def read_files(vocab_file, merges_file):
    """(dict piece -> id, list of pairs of pieces) of vocab.json and merges.txt.

    Raises:
      InputError: one is missing or damaged; the message has the line.
    """
    if not folders.exists(merges_file):
        raise InputError(f"{merges_file}: no such file; {os.path.basename(vocab_file)} needs its merges beside it")
    vocab, merges = _check(vocab_file, json_files.read(vocab_file)), []
    for number, line in enumerate(text_files.iterate_lines(merges_file), 1):
        if number > 1 or not line.startswith("#version"):
            merges.append(_pair(f"{merges_file}:{number}", line))
    return vocab, merges


def read_json(path):
    """The same of a tokenizer.json; tokens that were added to the vocabulary are in it.

    Raises:
      InputError: the file is damaged, or does something else to texts than GPT-1's and GPT-2's.
    """
    return tokenizer_json.read_as(_parse, path)


def _parse(path, content):
    model = content.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("merges"), list):
        raise InputError(f"{path}: no model with merges in it; a tokenizer of byte pairs is needed")
    merges = [_pair(f"{path}: merge {number}", one) for number, one in enumerate(model["merges"])]
    _check_same(path, "model", {name: value for name, value in model.items() if value is not None}, _MODEL)
    for step, wanted in _STEPS[form_of(merges)].items():
        _check_same(path, step, content.get(step), wanted)
    if (content.get("post_processor") or {}).get("special_tokens"):
        raise InputError(f"{path}: post_processor puts tokens around texts, which templates do here; it has to be null")
    added = [added_token(path, entry, entry.get("id")) for entry in content.get("added_tokens") or ()]
    return _check(path, {**(model.get("vocab") or {}), **{token.content: token.id for token in added}}), merges


def _check(path, vocab):
    numbers = list(vocab.values())
    if not vocab or set(map(type, numbers)) != {int} or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise InputError(f"{path}: pieces and their numbers, each once, are needed; copy the file again")
    return vocab


def _pair(where, entry):
    """Two pieces, of a line or a list."""
    pair = tuple(entry.split(" ") if isinstance(entry, str) else entry) if isinstance(entry, (str, list)) else ()
    if len(pair) != 2 or not all(isinstance(piece, str) and piece for piece in pair):
        raise InputError(f"{where}: {str(entry)[:40]!r}; two pieces with a blank between them are needed")
    return pair


def _check_same(path, name, found, wanted):
    """Raises InputError for a field that another tokenizer has; one that is absent is as it is wanted."""
    if wanted is None or not isinstance(found, dict):
        wrong = found != wanted and (name, found)
    else:
        wrong = next(
            ((f"{name}.{key}", found[key]) for key in wanted if found.get(key, wanted[key]) != wanted[key]), None
        )
    if wrong:
        raise InputError(
            f"{path}: {wrong[0]} is {str(wrong[1])[:60]}, which neither GPT-1's tokenizer nor GPT-2's has; this model "
            "needs another tokenizer"
        )
