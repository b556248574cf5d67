"""`word_places` as operations of a TensorFlow graph."""

import functools

import numpy as np
import tensorflow as tf

from bertline.processors.tokenizers.rules.character_rules import is_cjk, is_mark, is_punctuation, is_removed

_LETTER, _BLANK, _REMOVED, _MARK, _ALONE = range(5)


class GraphWordPlaces:
    """string [n] -> words, string [n, words], and where each stands in its text, int32 [n, words]: first character, and
    the one after the last.

    All are RaggedTensors. Bytes that are no UTF-8 count as nothing.
    """

    def __init__(self):
        firsts, kinds = _kinds()
        self._firsts, self._kinds = tf.constant(firsts), tf.constant(kinds)

    def __call__(self, texts):
        decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="ignore")  # [n, characters]
        codes, rows, splits = decoded.values, decoded.value_rowids(), decoded.row_splits
        kinds = tf.gather(self._kinds, tf.searchsorted(self._firsts, codes, side="right") - 1)
        kept = tf.where(kinds != _REMOVED)[:, 0]
        kinds, rows = tf.gather(kinds, kept), tf.gather(rows, kept)
        begins = _begins(kinds, rows, kept)
        is_text = kinds != _BLANK
        word, place = tf.boolean_mask(tf.cumsum(tf.cast(begins, tf.int64)) - 1, is_text), tf.boolean_mask(kept, is_text)
        first, row_of_word = tf.boolean_mask(kept, begins), tf.boolean_mask(rows, begins)
        end = tf.math.unsorted_segment_max(place + 1, word, tf.size(first, tf.int64))
        characters = tf.ragged.range(first, end)
        words = tf.strings.unicode_encode(characters.with_values(tf.gather(codes, characters.values)), "UTF-8")
        begin_of_text = tf.gather(splits, row_of_word)
        return tuple(
            tf.RaggedTensor.from_value_rowids(values, row_of_word, nrows=decoded.nrows(), validate=False)
            for values in (words, tf.cast(first - begin_of_text, tf.int32), tf.cast(end - begin_of_text, tf.int32))
        )


def _begins(kinds, rows, places):
    """bool [characters], which begin a word, of those that are not removed."""
    no = tf.zeros([tf.minimum(tf.size(kinds), 1)], tf.bool)
    same_row = tf.concat([no, rows[1:] == rows[:-1]], axis=0)
    after_text = same_row & tf.concat([no, kinds[:-1] != _BLANK], axis=0)
    # A mark belongs to what it stands directly behind, and changes nothing for what comes after it.
    is_attached = (kinds == _MARK) & after_text & tf.concat([no, places[1:] == places[:-1] + 1], axis=0)
    carrier = tf.gather(kinds, tf.where(~is_attached)[:, 0])  # the kinds of all others
    carrier = tf.gather(carrier, tf.cumsum(tf.cast(~is_attached, tf.int32)) - 1)
    is_open = same_row & tf.concat([no, (carrier[:-1] == _LETTER) | (carrier[:-1] == _MARK)], axis=0)
    return (kinds != _BLANK) & ~is_attached & ((kinds == _ALONE) | ~is_open)


@functools.cache
def _kinds():
    """(first code point of each range, its kind), int32 arrays."""
    kinds = np.array([_kind(chr(code)) for code in range(0x110000)], np.int32)
    firsts = np.flatnonzero(np.diff(kinds, prepend=-1)).astype(np.int32)
    return firsts, kinds[firsts]


def _kind(char):
    if is_removed(char):
        return _REMOVED
    if char.isspace():
        return _BLANK
    if is_mark(char):
        return _MARK
    return _ALONE if is_punctuation(char) or is_cjk(char) else _LETTER
