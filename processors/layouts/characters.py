"""Layouts that give the characters of each word beside its tokens, as they stand in the text.

Source: the bytes of bilm-tf, https://github.com/allenai/bilm-tf, `UnicodeCharsVocabulary`, without its end of sentence.
"""

import numpy as np

from bertline import registry
from bertline.processors.layouts.of_words import OfWords
from bertline.processors.layouts.packed import Packed, Plain
from bertline.processors.records.feature_spec import Feature

LONGEST_WORD = 50  # numbers of a word, its begin and end included
PADDING, BEGIN, END, NUM_CHARACTERS = 0, 257, 258, 259  # the byte b is b + 1
# The words that stand around a sentence have one of these in the place of bytes.
BEGIN_OF_SENTENCE, END_OF_SENTENCE = 259, 260


def character_ids(words):
    """int32 [words, LONGEST_WORD]: BEGIN, the bytes of the word in UTF-8, END, then padding; long words are cut."""
    found = np.full([len(words), LONGEST_WORD], PADDING, np.int32)
    for row, word in zip(found, words):
        found_bytes = np.frombuffer(word.encode("utf-8", "replace")[: LONGEST_WORD - 2], np.uint8)
        row[: len(found_bytes) + 2] = [BEGIN, *(found_bytes.astype(np.int32) + 1), END]
    return found


def characters_of_vocabulary(tokenizer):
    """The characters of each word of a tokenizer's vocabulary and of the boundaries in it, int16 [V, LONGEST_WORD]."""
    words = tokenizer.convert_ids_to_tokens(range(tokenizer.vocab_size))
    found = character_ids(words).astype(np.int16)
    for role, boundary in (("start", BEGIN_OF_SENTENCE), ("end", END_OF_SENTENCE)):
        found[tokenizer.special_id(role)] = [BEGIN, boundary, END] + [PADDING] * (LONGEST_WORD - 3)
    return found


class WithCharacters(OfWords):
    """A layout whose rows have `character_ids` int32 [tokens, 50] too, padding at special tokens.

    Each piece of a word has the characters of the whole word.
    """

    def with_words(self, rows, words, word_of_slot):
        """See Packed."""
        characters = character_ids([*words, ""])
        characters[-1] = PADDING
        rows.values["character_ids"] = characters[word_of_slot]
        return rows


SPEC = {"character_ids": Feature("int32", ("tokens", LONGEST_WORD))}


@registry.register("layout", "plain_characters")
class PlainCharacters(WithCharacters, Plain):
    """`plain`, with the characters of words."""

    name, is_original, spec = "plain_characters", False, {**Plain.spec, **SPEC}


@registry.register("layout", "packed_characters")
class PackedCharacters(WithCharacters, Packed):
    """`packed`, with the characters of words."""

    name, is_original, spec = "packed_characters", False, {**Packed.spec, **SPEC}
