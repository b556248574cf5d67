"""Words to word pieces, longest match first: short texts in Python, many in one C++ call with the same answer.

Source: the definition in google-research/bert, tokenization.py, class WordpieceTokenizer; the C++ algorithm is
"Fast WordPiece Tokenization" (Song et al., 2021) of tensorflow-text.
"""

import itertools

import numpy as np

from bertline.processors.tokenizers.folder.added_tokens import AddedToken
from bertline.processors.tokenizers.rules import normalization
from bertline.processors.tokenizers.rules.character_rules import ORIGINAL

MAX_WORD_CHARS = ORIGINAL.max_word_chars
_CHARS_PER_CALL = 1 << 20  # the C++ side needs ten times as much memory; larger calls are no faster
_CHARS_IN_PYTHON = 384  # up to here Python takes less time than the call by itself


class WordpieceTokenizer:
    """Greedy longest-match-first pieces of words; `vocab` maps piece -> id."""

    def __init__(self, vocab, unk_token="[UNK]", max_input_chars_per_word=MAX_WORD_CHARS):
        self.vocab = vocab
        self.unk_token = unk_token
        self.max_input_chars_per_word = max_input_chars_per_word
        self._longest_piece = max(map(len, vocab), default=0)

    def tokenize(self, text):
        """Returns the pieces of every word of `text` (str, or words separated by white space)."""
        pieces = []
        for word in normalization.convert_to_unicode(text).split():
            pieces.extend(self._pieces(word))
        return pieces

    def _pieces(self, word):
        if len(word) > self.max_input_chars_per_word:
            return [self.unk_token]
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            # No piece is longer than the longest of the vocabulary: the original tries those too, in vain.
            for end in range(min(len(word), start + self._longest_piece), start, -1):
                if prefix + word[start:end] in self.vocab:
                    break
            else:
                return [self.unk_token]
            pieces.append(prefix + word[start:end])
            start = end
        return pieces


class BatchWordpiece:
    """Many texts to ids in one call of tensorflow-text's FastWordpieceTokenizer, equal to the Python classes.

    Of equal vocabulary entries the last one's id counts, as in the original.

    Args:
      basic: BasicTokenizer.
      wordpiece: WordpieceTokenizer.
      added: AddedTokens, or None.
    """

    def __init__(self, basic, wordpiece, added=None):
        self._basic, self._wordpiece, self._added = basic, wordpiece, added
        self._vocab, self._max_word_chars = wordpiece.vocab, wordpiece.max_input_chars_per_word
        self._fast_form = normalization.FastForm(basic, self._max_word_chars)
        self._tokenizer = None

    def __getstate__(self):
        return {**self.__dict__, "_tokenizer": None}  # a C++ object: built anew where it is needed

    def _build(self):
        import tensorflow as tf
        import tensorflow_text

        unknown = self._wordpiece.unk_token
        pieces = pieces_for_cpp(self._vocab, unknown, self._basic)
        self._ids = np.array([self._vocab[piece] for piece in pieces], np.int32)
        with tf.device("/CPU:0"):
            # Its limit is in bytes: right for ASCII, and FastForm keeps other long words away.
            self._tokenizer = tensorflow_text.FastWordpieceTokenizer(
                vocab=pieces, unknown_token=unknown, token_out_type=tf.int64, max_bytes_per_word=self._max_word_chars
            )

    def encode(self, texts):
        """Returns ids int32 [total] and row_splits int64 [n + 1]; text i has ids[row_splits[i]:row_splits[i + 1]]."""
        if sum(map(len, texts)) <= _CHARS_IN_PYTHON:
            rows = [self.encode_one(text) for text in texts]
            ids = np.fromiter(itertools.chain.from_iterable(rows), np.int32)
            return ids, np.cumsum([0, *map(len, rows)])
        if self._tokenizer is None:
            self._build()
        parts = [self._encode_together(some) for some in _groups(list(texts))]
        starts = np.cumsum([0, *(len(ids) for ids, _ in parts)])
        row_splits = [splits[:-1] + start for (_, splits), start in zip(parts, starts)]
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([*row_splits, starts[-1:]])

    def _encode_together(self, texts):
        import tensorflow as tf  # here, so that flag errors and `tokenize` do not wait for it

        forms = list(map(self._fast_form, texts))
        for i in self._added.places(texts, forms) if self._added else ():
            forms[i] = None
        exact = [i for i, form in enumerate(forms) if form is None]
        for i in exact:
            forms[i] = b""
        with tf.device("/CPU:0"):
            ragged = self._tokenizer.tokenize(forms)
            ids, row_splits = self._ids[ragged.values.numpy()], ragged.row_splits.numpy()
        return self._with_exact(texts, exact, ids, row_splits) if exact else (ids, row_splits)

    def _with_exact(self, texts, exact, ids, row_splits):
        rows = [self.encode_one(texts[i]) for i in exact]
        lengths = np.zeros(len(texts), np.int64)
        lengths[exact] = [len(row) for row in rows]
        ids = np.insert(ids, np.repeat(row_splits[:-1], lengths), np.concatenate(rows).astype(np.int32))
        row_splits = row_splits.copy()
        row_splits[1:] += np.cumsum(lengths)
        return ids, row_splits

    def encode_one(self, text):
        """The ids of one text, list of int, by the Python classes."""
        parts = self._added.parts(normalization.convert_to_unicode(text)) if self._added else (text,)
        if len(parts) == 1:
            return self._ids_of(parts[0])
        return list(itertools.chain.from_iterable(map(self._ids_of, parts)))

    def _ids_of(self, part):
        if isinstance(part, AddedToken):
            return [part.id]
        vocab, wordpiece = self._vocab, self._wordpiece
        return [vocab[piece] for word in self._basic.tokenize(part) for piece in wordpiece.tokenize(word)]

    def tokenize(self, text):
        """The tokens of one text, list of str."""
        parts = self._added.parts(normalization.convert_to_unicode(text)) if self._added else (text,)
        pieces = ([part.content] if isinstance(part, AddedToken) else self._pieces(part) for part in parts)
        return list(itertools.chain.from_iterable(pieces))

    def _pieces(self, text):
        return [piece for word in self._basic.tokenize(text) for piece in self._wordpiece.tokenize(word)]


def _groups(texts):
    """`texts` in runs of about `_CHARS_PER_CALL`."""
    start = chars = 0
    for i, text in enumerate(texts, 1):
        chars += len(text)
        if chars >= _CHARS_PER_CALL or i == len(texts):
            yield texts[start:i]
            start, chars = i, 0


def pieces_for_cpp(vocab, unk_token, basic):
    """The vocabulary without entries that no word can hold, some of which the C++ side would match all the same.

    They are the blank ones, those with a blank or a punctuation mark inside, and "[CLS]" and its like.

    Args:
      vocab: pieces.
      unk_token: str.
      basic: the BasicTokenizer that makes the words.
    """
    return [piece for piece in vocab if piece == unk_token or _can_occur(piece, basic)]


def _can_occur(piece, basic):
    """Whether a word made by the BasicTokenizer can hold this vocabulary entry."""
    core = piece.removeprefix("##")
    if not core or any(char.isspace() for char in core):
        return False
    apart = basic.tokenize_chinese_chars
    alone = any(basic.rules.is_punctuation(char) or (apart and basic.rules.is_cjk(char)) for char in core)
    return not alone or (len(core) == 1 and core == piece)
