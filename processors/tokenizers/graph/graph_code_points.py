"""The table of `bertline.processors.tokenizers.rules.code_points` as operations of a TensorFlow graph."""

import numpy as np
import tensorflow as tf

from bertline.processors.tokenizers.rules import code_points


class GraphCodePoints:
    """Puts what a table says in the place of each code point.

    Args:
      table: code_points.CodePoints.
    """

    def __init__(self, table):
        self._page_of, self._pages = tf.constant(table.page_of), tf.constant(table.pages)
        self._values, self._row_splits = tf.constant(table.values), tf.constant(table.row_splits.astype(np.int64))
        self._context, self._final_sigma = tf.constant(table.context), table.final_sigma
        self._final_sigma_entry = table.entry(code_points.FINAL_SIGMA)

    def __call__(self, codes, rows):
        """What becomes of texts.

        Args:
          codes: int32 [characters], the code points of all texts, in order.
          rows: int64 [characters], the text of each.

        Returns:
          int32 [values], code points, with BLANK and NOTHING as the table has them; int32 [values], their combining
          classes; int64 [values], the text of each.
        """
        last_bits = (1 << code_points.PAGE_BITS) - 1
        page = tf.gather(self._page_of, tf.bitwise.right_shift(codes, code_points.PAGE_BITS))
        entries = tf.gather_nd(self._pages, tf.stack([page, codes & last_bits], axis=1))
        if self._final_sigma:
            final = self._ends_word(codes, rows, entries)
            codes = tf.where(final, code_points.FINAL_SIGMA, codes)
            entries = tf.where(final, self._final_sigma_entry, entries)
        table = tf.RaggedTensor.from_row_splits(self._values, self._row_splits, validate=False)
        expanded = tf.gather(table, entries)  # [characters, values]
        source = expanded.value_rowids()
        rows, codes = tf.gather(rows, source), tf.gather(codes, source)
        values = expanded.values & ((1 << code_points.CLASS_SHIFT) - 1)
        values = tf.where(values == code_points.SELF, codes, values)
        return values, tf.bitwise.right_shift(expanded.values, code_points.CLASS_SHIFT), rows

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
