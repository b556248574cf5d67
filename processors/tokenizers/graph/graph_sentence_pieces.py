"""SentencePieceTokenizer as operations of a TensorFlow graph: string [n] -> ids, equal to Python's.

The C++ of tensorflow-text finds the pieces; what Python does before and after that is done here.

One thing is beyond it. Where a unigram model finds two ways equally likely, "...." as "." and "..." or the other way
round, rounding decides, and since its release 0.2.2 the package `sentencepiece` rounds otherwise than the release in
tensorflow-text 2.21: the same pieces may come in another order. Up to 0.2.1, and in BPE, nothing differs.
"""

import unicodedata

import tensorflow as tf
import tensorflow_text

from bertline.processors.tokenizers.graph.graph_code_points import GraphCodePoints
from bertline.processors.tokenizers.rules import code_points
from bertline.processors.tokenizers.rules.code_points import CodePoints
from bertline.processors.tokenizers.sentencepiece import UNDERLINE


def _re2_class(has_property):
    """A class, in RE2's syntax, of the characters for which `has_property(char)`."""
    members = [c for c in range(code_points.CODE_POINTS) if has_property(chr(c))]
    return "[" + "".join(f"\\x{{{c:x}}}" for c in members) + "]"


# Python's own properties: RE2 knows another version of Unicode, and has no class like str.isdigit.
_WHITE_SPACE = _re2_class(str.isspace) + "+"
_NUMBER_WITH_COMMA = "(?s).*" + _re2_class(str.isdigit) + ","


class GraphSentencePieces:
    """The same ids as a SentencePieceTokenizer's `encode_batch`.

    Args:
      tokenizer: a SentencePieceTokenizer.

    Attributes:
      resources: what a SavedModel has to keep hold of.
    """

    def __init__(self, tokenizer):
        self._prepared = GraphPreparation(tokenizer.do_lower_case, tokenizer.keep_accents)
        # Pieces, not ids: an unknown piece may be a number with a comma, and has its text in that form only.
        self._processor = tensorflow_text.SentencepieceTokenizer(model=tokenizer.model, out_type=tf.string)
        self.resources = (self._processor,)

    def __call__(self, texts):
        """string [n] -> RaggedTensor int32 [n, tokens], no special tokens added."""
        rows = self._processor.tokenize(self._prepared(texts))  # [n, pieces]
        is_number = tf.strings.regex_full_match(rows.values, _NUMBER_WITH_COMMA)
        pieces, row_splits = tf.cond(
            tf.reduce_any(is_number),
            lambda: self._numbers_split(rows, is_number),
            lambda: (rows.values, rows.row_splits),
        )
        return tf.RaggedTensor.from_row_splits(self._processor.string_to_id(pieces), row_splits, validate=False)

    def _numbers_split(self, rows, is_number):
        """As SentencePieceTokenizer._split_number: (pieces string [all], row_splits int64 [n + 1])."""
        pieces = rows.values
        numbers = tf.boolean_mask(pieces, is_number)
        stems = tf.strings.regex_replace(numbers, f"{UNDERLINE}|,$", "")
        parts = self._processor.tokenize(stems)  # [numbers, parts]
        # The parts of what began no word begin none either.
        goes_on = ~tf.strings.regex_full_match(numbers, f"(?s){UNDERLINE}.*")
        is_first = tf.range(tf.size(parts.values, tf.int64)) == tf.gather(parts.row_starts(), parts.value_rowids())
        bare = tf.where(
            is_first & tf.gather(goes_on, parts.value_rowids()),
            tf.strings.regex_replace(parts.values, f"^{UNDERLINE}", ""),
            parts.values,
        )
        parts = tf.ragged.boolean_mask(parts.with_values(bare), parts.with_values(bare != ""))
        parts = tf.concat([parts, tf.fill([tf.size(numbers), 1], ",")], axis=1)
        # Behind the pieces as they are come the parts of the numbers among them, and each piece takes its own.
        choices = tf.concat([tf.RaggedTensor.from_tensor(pieces[:, None]), parts], axis=0)
        place = tf.where(
            is_number, tf.size(pieces) + tf.cumsum(tf.cast(is_number, tf.int32)) - 1, tf.range(tf.size(pieces))
        )
        split = tf.gather(choices, place)  # [pieces, parts]
        return split.values, tf.gather(split.row_splits, rows.row_splits)


class GraphPreparation:
    """`sentencepiece.prepare_text` in a graph: what a model gets to see of a text.

    Args:
      do_lower_case, keep_accents: bool, as of a SentencePieceTokenizer.
    """

    def __init__(self, do_lower_case, keep_accents):
        tables = [] if keep_accents else [CodePoints(_without_accents, final_sigma=False)]
        tables += [CodePoints(_lower, final_sigma=True)] if do_lower_case else []
        self._replaced = [GraphCodePoints(table) for table in tables]

    def __call__(self, texts):
        """string [n] -> string [n], which is UTF-8."""
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
        texts = tf.strings.strip(tf.strings.regex_replace(texts, _WHITE_SPACE, " "))
        texts = tf.strings.regex_replace(tf.strings.regex_replace(texts, "``", '"'), "''", '"')
        if not self._replaced:
            return texts
        decoded = tf.strings.unicode_decode(texts, "UTF-8")
        codes, rows = decoded.values, decoded.value_rowids()
        for replaced in self._replaced:
            codes, _, rows = replaced(codes, rows)
        return tf.strings.unicode_encode(
            tf.RaggedTensor.from_value_rowids(codes, rows, nrows=decoded.nrows(), validate=False), "UTF-8"
        )


def _without_accents(char):
    """NFKD. It also puts marks into an order, but leaves all others where they are, and no mark stays."""
    kept = (one for one in unicodedata.normalize("NFKD", char) if not unicodedata.combining(one))
    return _values(kept, char), code_points.OTHER


def _lower(char):
    if code_points.is_unassigned(char):  # most are: saves the time of asking for the context
        return (code_points.SELF,), code_points.OTHER
    return _values(char.lower(), char), code_points.sigma_context(char)


def _values(text, char):
    return tuple(code_points.SELF if one == char else ord(one) for one in text)
