"""FullTokenizer as operations of a TensorFlow graph: string [n] -> ids, equal to Python's for any text.

A text with a lone surrogate, which has no UTF-8, cannot come into a graph. Bytes that are no UTF-8 are dropped, as
`convert_to_unicode` does.
"""

import numpy as np
import tensorflow as tf
import tensorflow_text

from errors import InputError
from processors import code_points
from processors.code_points import CodePoints
from processors.wordpiece import MAX_WORD_CHARS, pieces_for_cpp

_MAX_WORD_BYTES = 4 * MAX_WORD_CHARS


class GraphTokenizer:
    """The same ids as a FullTokenizer's `encode_batch`.

    Args:
      tokenizer: a FullTokenizer.

    Raises:
      InputError: another kind of tokenizer.
    """

    def __init__(self, tokenizer):
        if tokenizer.kind != "wordpiece":
            raise InputError(
                f"a {tokenizer.kind} model cannot be put into a graph yet, only a WordPiece vocabulary (vocab.txt) "
                "can; use serving.Predictor"
            )
        self._words = GraphWords(tokenizer.do_lower_case)
        unknown = tokenizer.convert_ids_to_tokens([tokenizer.unk_id])[0]
        pieces = pieces_for_cpp(tokenizer.vocab, unknown)
        self._ids = tf.constant([tokenizer.vocab[piece] for piece in pieces], tf.int32)
        # It gets words, not texts: its own splitting knows another version of Unicode than Python's.
        self._wordpiece = tensorflow_text.FastWordpieceTokenizer(
            vocab=pieces, unknown_token=unknown, token_out_type=tf.int64, no_pretokenization=True,
            max_bytes_per_word=_MAX_WORD_BYTES,
        )  # fmt: skip

    def __call__(self, texts):
        """string [n] -> RaggedTensor int32 [n, tokens], no special tokens added."""
        words, characters = self._words(texts)
        too_long = tf.constant(b"x" * (_MAX_WORD_BYTES + 1))  # its limit is in bytes, BERT's in characters
        flat = tf.where(characters > MAX_WORD_CHARS, too_long, words.values)
        pieces = self._wordpiece.tokenize(flat)  # [words, pieces]
        splits = tf.gather(pieces.row_splits, words.row_splits)
        return tf.RaggedTensor.from_row_splits(tf.gather(self._ids, pieces.values), splits, validate=False)


class GraphWords:
    """BasicTokenizer: texts -> words and punctuation marks."""

    def __init__(self, do_lower_case):
        table = CodePoints(do_lower_case)
        self._do_lower_case = do_lower_case
        self._page_of, self._pages = tf.constant(table.page_of), tf.constant(table.pages)
        self._context = tf.constant(table.context)
        self._values, self._row_splits = tf.constant(table.values), tf.constant(table.row_splits.astype(np.int64))
        self._final_sigma_entry = table.entry(code_points.FINAL_SIGMA)

    def __call__(self, texts):
        """string [n] -> RaggedTensor of words, string [n, words]; and their characters, int64 [all words]."""
        decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="ignore")
        codes, rows = decoded.values, decoded.value_rowids()
        last_bits = (1 << code_points.PAGE_BITS) - 1
        page = tf.gather(self._page_of, tf.bitwise.right_shift(codes, code_points.PAGE_BITS))
        entries = tf.gather_nd(self._pages, tf.stack([page, codes & last_bits], axis=1))
        if self._do_lower_case:
            final = self._ends_word(codes, rows, entries)
            codes = tf.where(final, code_points.FINAL_SIGMA, codes)
            entries = tf.where(final, self._final_sigma_entry, entries)
        table = tf.RaggedTensor.from_row_splits(self._values, self._row_splits, validate=False)
        expanded = tf.gather(table, entries)  # [characters, values]
        source = expanded.value_rowids()
        rows, codes = tf.gather(rows, source), tf.gather(codes, source)
        values = expanded.values & ((1 << code_points.CLASS_SHIFT) - 1)
        values = tf.where(values == code_points.SELF, codes, values)
        if self._do_lower_case:
            values = _in_canonical_order(values, tf.bitwise.right_shift(expanded.values, code_points.CLASS_SHIFT), rows)
        return _split(values, rows, decoded.nrows())

    def _ends_word(self, codes, rows, entries):
        """bool: capital sigmas that end a word, as Unicode defines Final_Sigma."""
        context = tf.gather(self._context, entries)
        seen = tf.where(context != code_points.PASSED)[:, 0]
        in_row, cased = tf.gather(rows, seen), tf.gather(context, seen) == code_points.CASED
        same_row, no = in_row[1:] == in_row[:-1], tf.zeros([tf.minimum(tf.size(seen), 1)], tf.bool)
        after_cased = tf.concat([no, same_row & cased[:-1]], axis=0)
        before_cased = tf.concat([same_row & cased[1:], no], axis=0)
        final = (tf.gather(codes, seen) == code_points.CAPITAL_SIGMA) & after_cased & ~before_cased
        return tf.scatter_nd(seen[:, None], final, tf.shape(codes, tf.int64))


def _in_canonical_order(values, classes, rows):
    """Sorts each run of combining characters by their classes; what has class 0 stays and ends a run."""

    def sort():
        run = tf.cumsum(tf.cast(classes == 0, tf.int64)) + rows  # a text begins a run whatever it begins with
        return tf.gather(values, tf.argsort(run * 256 + tf.cast(classes, tf.int64), stable=True))

    return tf.cond(tf.reduce_any(classes > 0), sort, lambda: values)


def _split(values, rows, count):
    something = values != code_points.NOTHING
    values, rows = tf.boolean_mask(values, something), tf.boolean_mask(rows, something)
    is_text = values != code_points.BLANK
    first = tf.ones([tf.minimum(tf.size(values), 1)], tf.bool)
    begins = is_text & tf.concat([first, ~is_text[:-1] | (rows[1:] != rows[:-1])], axis=0)
    word = tf.cumsum(tf.cast(begins, tf.int64)) - 1
    characters = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(values, is_text), tf.boolean_mask(word, is_text),
        nrows=tf.reduce_sum(tf.cast(begins, tf.int64)), validate=False,
    )  # fmt: skip
    words = tf.strings.unicode_encode(characters, "UTF-8")
    row_of_word = tf.boolean_mask(rows, begins)
    ragged = tf.RaggedTensor.from_value_rowids(words, row_of_word, nrows=count, validate=False)
    return ragged, characters.row_lengths()
