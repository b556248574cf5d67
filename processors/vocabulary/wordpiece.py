"""Trains a WordPiece vocabulary for our tokenizer.

Source: the Rust library `tokenizers`, whose trainer joins the most frequent pair of pieces again and again (Sennrich et
al. 2016, https://arxiv.org/abs/1508.07909), as Google's own, which was never released, is said to do.
"""

import dataclasses
import itertools
import os

from bertline.common.files import replace_file
from bertline.errors import InputError
from bertline.processors.tokenizers.rules.normalization import is_cjk, is_punctuation
from bertline.processors.tokenizers.rules.wordpiece import MAX_WORD_CHARS, WordpieceTokenizer
from bertline.processors.tokenizers.wordpiece import FullTokenizer
from bertline.processors.vocabulary.alphabet import alphabet

SPECIAL_TOKENS = ("[UNK]", "[CLS]", "[SEP]", "[MASK]")
_REPEATED_AT_ONCE = 10_000


def first_entries(num_unused):
    """[PAD], then the unused ones, then the other special tokens: the released vocabularies have 99 unused there."""
    return ["[PAD]", *(f"[unused{i}]" for i in range(num_unused)), *SPECIAL_TOKENS]


def train(counts, vocab_size, min_frequency=2, num_unused=0, limit_alphabet=None, character_coverage=1.0):
    """Special tokens, then every character alone and as a continuation, then pieces in the order they were found.

    Args:
      counts: word -> how often it occurs; words as BasicTokenizer makes them.
      vocab_size: entries at most; fewer where the text has no more pieces of `min_frequency`.
      min_frequency: how often a piece must occur to be made.
      num_unused: places for [unused0] and so on between [PAD] and [UNK].
      limit_alphabet, character_coverage: see `alphabet`; words with other characters are [UNK].

    Returns:
      The entries, list of str, the same in every run.

    Raises:
      InputError: the characters alone need more than `vocab_size` places.
    """
    characters = sorted(alphabet(counts, limit_alphabet, character_coverage))
    # A punctuation mark and an ideograph are words by themselves and continue none.
    continuing = [char for char in characters if not is_punctuation(char) and not is_cjk(char)]
    fixed = [*first_entries(num_unused), *characters, *(f"##{char}" for char in continuing)]
    if len(fixed) > vocab_size:
        raise InputError(
            f"--vocab_size={vocab_size}: the {len(characters)} characters of the corpus and the special tokens alone "
            f"need {len(fixed)} entries; raise it, or leave rare characters out by --character_coverage=0.9995 or "
            "--limit_alphabet"
        )
    known = set(characters)
    usable = {word: count for word, count in counts.items() if len(word) <= MAX_WORD_CHARS and known.issuperset(word)}
    vocabulary = _learn(usable, vocab_size, min_frequency, fixed)
    _check_agreement(vocabulary, usable)
    return vocabulary


def _learn(counts, vocab_size, min_frequency, fixed):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    # All characters are given as special tokens: the trainer would number those it meets in the order of a hash table,
    # which differs between runs, and prefer the lower number where two pairs are equally frequent.
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=fixed, show_progress=False
    )
    tokenizer.train_from_iterator(_repeat(counts), trainer)
    ids = tokenizer.get_vocab(with_added_tokens=False)
    return sorted(ids, key=ids.get)


def _repeat(counts):
    """The trainer counts words itself."""
    for word, count in counts.items():
        whole, rest = divmod(count, _REPEATED_AT_ONCE)
        yield from itertools.repeat(f"{word} " * _REPEATED_AT_ONCE, whole)
        yield f"{word} " * rest


def _check_agreement(vocabulary, words):
    """Raises RuntimeError where `tokenizers` would split a word in another way than our tokenizer."""
    from tokenizers import models

    ids = {token: i for i, token in enumerate(vocabulary)}
    theirs = models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_CHARS)
    ours = WordpieceTokenizer(ids)
    for word in words:
        expected, found = [token.value for token in theirs.tokenize(word)], ours.tokenize(word)
        if found != expected or found == ["[UNK]"]:
            raise RuntimeError(f"{word!r} becomes {found}, by the library that trained the vocabulary {expected}")


def save(vocabulary, path, do_lower_case=True, settings=None):
    """Writes the vocabulary and, beside it, the other files of a tokenizer; returns its FullTokenizer.

    `settings`: TokenizerSettings of which all but the vocabulary are taken, the casing too.
    """
    with replace_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{entry}\n" for entry in vocabulary)
    tokenizer = FullTokenizer(path, do_lower_case)
    if settings is not None:
        tokens = tokenizer.settings.tokens
        kept = tuple(token for token in settings.added_tokens if tokens[token.id] == token.content)
        tokenizer = FullTokenizer(path, settings=dataclasses.replace(settings, tokens=tokens, added_tokens=kept))
    folder, name = os.path.split(path)
    tokenizer.save(folder, vocab_name=name)
    return tokenizer
