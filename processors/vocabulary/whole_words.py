"""A vocabulary of the most frequent words, for our tokenizer of words."""

import os

from bertline.errors import InputError
from bertline.processors.tokenizers import bilm_words
from bertline.processors.tokenizers.words import WordSettings, WordTokenizer
from bertline.processors.vocabulary.wordpiece import first_entries
from bertline.processors.vocabulary.words import BasicWords, CutWords

# Name -> (the first entries, the roles that are not known by these names everywhere).
SPECIAL = {"bert": (first_entries(0), ()), "bilm": (list(bilm_words.SPECIAL), bilm_words.SETTINGS.special_tokens)}


def settings_of(special, split, do_lower_case):
    """The WordSettings of a tokenizer; special: one of SPECIAL."""
    return WordSettings(split, do_lower_case, strip_accents=do_lower_case, special_tokens=special[1])


def splitter(settings):
    """What `count_words` splits lines with, for WordSettings."""
    if settings.split == WordSettings.split:
        return BasicWords(settings.do_lower_case)
    return CutWords(WordTokenizer(["[UNK]"], settings).cut)


def train(counts, vocab_size, min_frequency, special=SPECIAL["bert"]):
    """The entries, list of str: special tokens, then words, the most frequent first.

    Args:
      counts: collections.Counter of words.
      vocab_size: entries at most.
      min_frequency: how often a word occurs at least.
      special: one of SPECIAL.

    Raises:
      InputError: no word has a place.
    """
    first = special[0]
    kept = [(-count, word) for word, count in counts.items() if count >= min_frequency and word not in first]
    words = [word for _, word in sorted(kept)[: max(0, vocab_size - len(first))]]
    if not words:
        raise InputError(
            f"--vocab_size={vocab_size}, --min_frequency={min_frequency}: no word beside the special tokens; "
            "raise the first or lower the second"
        )
    return [*first, *words]


def save(entries, path, settings):
    """Writes the vocabulary and, beside it, tokenizer_config.json; returns its WordTokenizer."""
    folder, name = os.path.split(path)
    tokenizer = WordTokenizer(entries, settings, path)
    os.makedirs(folder or ".", exist_ok=True)
    tokenizer.save(folder, vocab_name=name)
    return tokenizer
