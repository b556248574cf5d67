"""FullTokenizer as operations of a TensorFlow graph: string [n] -> ids, equal to Python's for any text."""

import tensorflow as tf
import tensorflow_text

from processors import code_points
from processors.graph_code_points import GraphCodePoints
from processors.wordpiece import MAX_WORD_CHARS, pieces_for_cpp

_MAX_WORD_BYTES = 4 * MAX_WORD_CHARS


class GraphWordPiece:
    """The same ids as a FullTokenizer's `encode_batch`.

    Args:
      tokenizer: a FullTokenizer.
    """

    resources = ()

    def __init__(self, tokenizer):
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
        self._do_lower_case = do_lower_case
        self._replaced = GraphCodePoints(code_points.basic_tokenizer(do_lower_case))

    def __call__(self, texts):
        """string [n] -> RaggedTensor of words, string [n, words]; and their characters, int64 [all words]."""
        decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="ignore")
        values, classes, rows = self._replaced(decoded.values, decoded.value_rowids())
        if self._do_lower_case:
            values = _in_canonical_order(values, classes, rows)
        return _split(values, rows, decoded.nrows())


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
