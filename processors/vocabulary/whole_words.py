"""A vocabulary of the most frequent words, for our tokenizer of words."""

import os

from bertline.errors import InputError
from bertline.processors.tokenizers.words import WordSettings, WordTokenizer
from bertline.processors.vocabulary.wordpiece import first_entries


def train(counts, vocab_size, min_frequency):
    """The entries, list of str: special tokens by BERT's names, then words, the most frequent first.

    Args:
      counts: collections.Counter of words.
      vocab_size: entries at most.
      min_frequency: how often a word occurs at least.

    Raises:
      InputError: no word has a place.
    """
    special = first_entries(0)
    kept = [(-count, word) for word, count in counts.items() if count >= min_frequency and word not in special]
    words = [word for _, word in sorted(kept)[: max(0, vocab_size - len(special))]]
    if not words:
        raise InputError(
            f"--vocab_size={vocab_size}, --min_frequency={min_frequency}: no word beside the special tokens; "
            "raise the first or lower the second"
        )
    return [*special, *words]


def save(entries, path, do_lower_case):
    """Writes the vocabulary and, beside it, tokenizer_config.json; returns its WordTokenizer."""
    folder, name = os.path.split(path)
    tokenizer = WordTokenizer(entries, WordSettings("basic", do_lower_case, strip_accents=do_lower_case), path)
    os.makedirs(folder or ".", exist_ok=True)
    tokenizer.save(folder, vocab_name=name)
    return tokenizer
