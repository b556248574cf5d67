"""The vocabulary of bilm-tf: a word a line, <S>, </S> and <UNK> first, then the most frequent words.

Source: https://github.com/allenai/bilm-tf, `Vocabulary` of `bilm/data.py`.
"""

import os

from bertline import registry
from bertline.errors import InputError
from bertline.processors.files import folders, text_files
from bertline.processors.tokenizers.folder.tokenizer_folder import CONFIG_NAME, VOCAB_NAME
from bertline.processors.tokenizers.tokenizer import Tokenizer
from bertline.processors.tokenizers.words import WordSettings, WordTokenizer

SPECIAL = ("<S>", "</S>", "<UNK>")
SETTINGS = WordSettings(split="white_space", special_tokens=tuple(zip(("start", "end", "unk"), SPECIAL)))
OPTIONS = "options.json"


@registry.register("tokenizer", "bilm_words")
class BilmWords(Tokenizer):
    """Finds and checks such a vocabulary, by itself or in a folder of ELMo; what it loads is a WordTokenizer.

    A folder without vocab.txt has the three special words: ELMo makes every other word of its characters.
    """

    order = 12
    kind = "bilm_words"

    @staticmethod
    def fits(path, names):
        if names is not None:
            return CONFIG_NAME not in names and any(name.endswith(OPTIONS) for name in names)
        return path.endswith(".txt") and _begins_with_special(path)

    @classmethod
    def load(cls, path, names, do_lower_case=None):
        if do_lower_case:
            raise InputError(f"{path}: words of bilm-tf keep their case; leave --do_lower_case out, or say False")
        file = path if names is None else os.path.join(path, VOCAB_NAME)
        if names is not None and VOCAB_NAME not in names:
            return WordTokenizer(SPECIAL, SETTINGS, file)
        words = [line.strip() for line in text_files.read_lines(file)]
        check(words, file)
        return WordTokenizer(words, SETTINGS, file)


def check(words, file):
    """Raises InputError for a vocabulary that lacks a special word, or has a word twice or none in a line."""
    missing = [word for word in SPECIAL if word not in words]
    if missing:
        raise InputError(f"{file}: no {' and no '.join(missing)}; a vocabulary of bilm-tf begins with all three")
    seen = {}
    for line, word in enumerate(words, 1):
        if not word or word in seen:
            what = f"{word!r}, which line {seen[word]} has too" if word else "no word"
            raise InputError(f"{file}:{line}: {what}; each line needs a word of its own")
        seen[word] = line


def _begins_with_special(path):
    if not folders.exists(path):
        return False
    try:
        first = {line.strip() for line, _ in zip(text_files.iterate_lines(path), SPECIAL)}
    except InputError:  # whoever reads it as a vocabulary says so
        return False
    return first == set(SPECIAL)
