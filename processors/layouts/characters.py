"""Layouts that give the characters of each word beside its tokens, as they stand in the text.

Source: the bytes of bilm-tf, https://github.com/allenai/bilm-tf, `UnicodeCharsVocabulary`, without its end of sentence.
"""

import numpy as np

from bertline import registry
from bertline.errors import InputError
from bertline.processors.layouts.packed import Packed, Plain
from bertline.processors.layouts.pieces import pieces_of
from bertline.processors.records.feature_spec import Feature
from bertline.processors.tagging.word_offsets import split_words

LONGEST_WORD = 50  # numbers of a word, its begin and end included
PADDING, BEGIN, END, NUM_CHARACTERS = 0, 257, 258, 259  # the byte b is b + 1


def character_ids(words):
    """int32 [words, LONGEST_WORD]: BEGIN, the bytes of the word in UTF-8, END, then padding; long words are cut."""
    found = np.full([len(words), LONGEST_WORD], PADDING, np.int32)
    for row, word in zip(found, words):
        found_bytes = np.frombuffer(word.encode("utf-8", "replace")[: LONGEST_WORD - 2], np.uint8)
        row[: len(found_bytes) + 2] = [BEGIN, *(found_bytes.astype(np.int32) + 1), END]
    return found


class WithCharacters:
    """A layout whose rows have `character_ids` int32 [tokens, 50] too, padding at special tokens.

    Each piece of a word has the characters of the whole word.
    """

    packs_ids = False

    def pack_words(self, pieces, words):
        """See Packed."""
        # Places of pieces are packed first, as negative numbers, which no id of a special token is.
        count = len(pieces.ids)
        rows = self.pack((-1 - np.arange(count), np.array([0, count])))
        return self._with_characters(rows, pieces, words)

    def _with_characters(self, rows, pieces, words):
        places = rows.values["input_ids"]
        is_piece, place = places < 0, np.maximum(-1 - places, 0)
        characters = character_ids(words)
        if len(pieces.ids):
            word_of_piece = np.repeat(np.arange(len(words)), np.diff(pieces.splits))
            rows.values["input_ids"] = np.where(is_piece, pieces.ids[place], places).astype(np.int32)
            characters = np.where(is_piece[:, None], characters[word_of_piece[place]], PADDING)
        else:
            characters = np.full([len(places), LONGEST_WORD], PADDING, np.int32)
        rows.values["character_ids"] = characters
        return rows

    def rows(self, texts, second_texts=None):
        """Rows of many texts, whose words are found by rules. Raises InputError for pairs."""
        if second_texts and any(second_texts):
            raise InputError(f"the layout {self.name} reads single texts; leave the second text out")
        words = [[text[start:end] for start, end in split_words(text)] for text in texts]
        pieces = pieces_of(self.tokenizer, [word for row in words for word in row], self.max_seq_length)
        ends = np.cumsum([0, *map(len, words)])
        rows = self.pack((-1 - np.arange(len(pieces.ids)), pieces.splits[ends]))
        return self._with_characters(rows, pieces, [word for row in words for word in row])

    def graph_form(self):
        """See Layout."""
        raise InputError(f"the layout {self.name} cannot be put into a graph: it reads the characters of words")


SPEC = {"character_ids": Feature("int32", ("tokens", LONGEST_WORD))}


@registry.register("layout", "plain_characters")
class PlainCharacters(WithCharacters, Plain):
    """`plain`, with the characters of words."""

    name, is_original, spec = "plain_characters", False, {**Plain.spec, **SPEC}


@registry.register("layout", "packed_characters")
class PackedCharacters(WithCharacters, Packed):
    """`packed`, with the characters of words."""

    name, is_original, spec = "packed_characters", False, {**Packed.spec, **SPEC}
