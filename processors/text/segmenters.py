"""Words of languages that are written without blanks, for whole-word masks: jieba, or any function text -> words.

Source: Cui et al. 2019, https://arxiv.org/abs/1906.08101 (whole word masking for Chinese BERT).
"""

import importlib
import os
import sys

import numpy as np

from bertline.errors import InputError

# A word of the segmenter that is only a part of one of BERT's ("caf", "é") is joined to so many that follow.
_MOST_JOINED = 4
_CACHED_WORDS = 200_000


def load(name):
    """The function text -> list of words of "jieba" or "package.module:function".

    Raises:
      InputError: it cannot be imported.
    """
    module_name, _, function_name = ("jieba:lcut" if name == "jieba" else name).partition(":")
    if not function_name:
        raise InputError(f"--segmenter={name}: 'jieba' or package.module:function is needed, as mytools.words:cut")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except ModuleNotFoundError as error:
        hint = "pip install jieba (`make chinese` in a clone)" if error.name == "jieba" else "is it on the PYTHONPATH?"
        raise InputError(f"--segmenter={name}: there is no module {error.name!r}; {hint}") from None
    except (AttributeError, ValueError, ImportError) as error:
        raise InputError(f"--segmenter={name}: {error}") from None
    if module_name == "jieba":
        import logging

        logging.getLogger("jieba").setLevel(logging.WARNING)  # it tells how it builds its dictionary
    return function


class SegmentedWords:
    """Where words begin among the tokens of a block; travels to processes, and loads the segmenter there.

    Args:
      name: see `load`.
      tokenizer: a Tokenizer that cuts words.

    Raises:
      InputError: its tokens may reach over two words of a segmenter.
    """

    def __init__(self, name, tokenizer):
        if not tokenizer.cuts_words:
            raise InputError(
                f"--segmenter={name}: a WordPiece vocabulary (vocab.txt) is needed, this is {tokenizer.kind}"
            )
        self._name, self._tokenizer = name, tokenizer
        self._segment, self._cache = None, {}

    def __getstate__(self):
        return {**self.__dict__, "_segment": None, "_cache": {}}

    def starts(self, block, continues):
        """Which tokens begin a word.

        Args:
          block: a Block with texts.
          continues: bool [vocab_size], used for sentences whose tokens are not those of the segmenter's words.

        Returns:
          bool [tokens], and the number of such sentences.
        """
        self._segment = self._segment or load(self._name)
        starts, missed, ids = ~continues[block.ids], 0, block.ids.tolist()
        splits = block.sentence_splits.tolist()
        for text, begin, end in zip(block.texts, splits, splits[1:]):
            words = self._lengths(text, ids[begin:end])
            if words is None:
                missed += 1
                continue
            starts[begin:end] = False
            starts[begin + np.cumsum([0, *words[:-1]])] = True
        return starts, missed

    def _lengths(self, text, ids):
        """How many tokens each word of a text has, list of int above 0; None where tokens and words do not fit."""
        words = [str(word) for word in self._segment(text)]
        found, at, place, fewest, returns = [], 0, 0, 1, 0
        while at < len(words):
            for end in range(at + fewest, min(at + _MOST_JOINED, len(words)) + 1):
                length = self._match("".join(words[at:end]), ids, place)
                if length is not None:
                    break
            else:
                returns += 1
                if not found or returns > len(words):
                    return None
                at, end, length = found.pop()  # "un" is a token too, before "##able": it takes more words
                place, fewest = place - length, end - at + 1
                continue
            found.append((at, end, length))
            at, place, fewest = end, place + length, 1
        return [length for _, _, length in found if length] if place == len(ids) else None

    def _match(self, word, ids, place):
        """How many tokens a word has, where these are what `ids` has at a place; else None."""
        pieces = self._ids(word)
        return len(pieces) if ids[place : place + len(pieces)] == pieces else None

    def _ids(self, word):
        ids = self._cache.get(word)
        if ids is None:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            ids = self._cache[word] = self._tokenizer.convert_tokens_to_ids(self._tokenizer.tokenize(word))
        return ids
