"""FullTokenizer as operations of a TensorFlow graph: string [n] -> ids, equal to Python's for any text."""

import tensorflow as tf
import tensorflow_text

from bertline.errors import InputError
from bertline.processors.tokenizers.graph.graph_code_points import GraphCodePoints
from bertline.processors.tokenizers.rules import code_points
from bertline.processors.tokenizers.rules.wordpiece import pieces_for_cpp

_BYTES = 4  # of the longest character


class GraphWordPiece:
    """The same ids as a FullTokenizer's `encode_batch`: string [n] -> RaggedTensor int32 [n, tokens].

    Args:
      tokenizer: a FullTokenizer.

    Attributes:
      resources: what a SavedModel has to keep hold of.

    Raises:
      InputError: an added token that no graph can find.
    """

    def __init__(self, tokenizer):
        basic, wordpiece = tokenizer.basic_tokenizer, tokenizer.wordpiece_tokenizer
        self._words = GraphWords(basic)
        pieces = pieces_for_cpp(wordpiece.vocab, wordpiece.unk_token, basic)
        self._ids = tf.constant([wordpiece.vocab[piece] for piece in pieces], tf.int32)
        self._max_word_chars = wordpiece.max_input_chars_per_word
        # It gets words, not texts: its own splitting knows another version of Unicode than Python's.
        self._wordpiece = tensorflow_text.FastWordpieceTokenizer(
            vocab=pieces,
            unknown_token=wordpiece.unk_token,
            token_out_type=tf.int64,
            no_pretokenization=True,
            max_bytes_per_word=_BYTES * self._max_word_chars,
        )
        added = tokenizer.added_tokens
        cut = GraphAddedTokens(added, basic, self._pieces) if added else None
        self._encoded, self.resources = (cut, cut.resources) if cut else (self._pieces, ())

    def __call__(self, texts):
        return self._encoded(texts)

    def _pieces(self, texts):
        words, characters = self._words(texts)
        # Its limit is in bytes, BERT's in characters.
        too_long = tf.constant(b"x" * (_BYTES * self._max_word_chars + 1))
        flat = tf.where(characters > self._max_word_chars, too_long, words.values)
        pieces = self._wordpiece.tokenize(flat)  # [words, pieces]
        splits = tf.gather(pieces.row_splits, words.row_splits)
        return tf.RaggedTensor.from_row_splits(tf.gather(self._ids, pieces.values), splits, validate=False)


class GraphAddedTokens:
    """AddedTokens: string [n] -> RaggedTensor int32 [n, tokens]: texts are cut at them, and the rest is encoded.

    Args:
      added: bertline.processors.tokenizers.folder.added_tokens.AddedTokens.
      basic: BasicTokenizer.
      encoded: texts without added tokens -> ids, of the same form.

    Attributes:
      resources: what a SavedModel has to keep hold of.

    Raises:
      InputError: a token that counts as a single word only, or begins or ends with white space.
    """

    def __init__(self, added, basic, encoded):
        for token in (*added.as_it_is.values(), *added.folded.values()):
            if token.single_word or token.content != token.content.strip():
                raise InputError(
                    f"the added token {token.content!r} (single_word, or with a blank at an end) cannot be put into a "
                    "graph; use serving.Predictor or serving.TextEncoder"
                )
        self._encoded, self.resources = encoded, []
        if added.folded:
            normalized, cut = GraphNormalized(basic), self._cut(added.folded, encoded)
            self._encoded = lambda texts: cut(normalized(texts))
        if added.as_it_is:
            self._encoded = self._cut(added.as_it_is, self._encoded)

    def __call__(self, texts):
        # Bytes that are no UTF-8 go first, since a token may come together over them. The C++ side would end a text at
        # U+0000, which is removed as U+FFFD is.
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="ignore")
        return self._encoded(tf.strings.regex_replace(texts, r"\x{0}", "\ufffd"))

    def _cut(self, tokens, encoded):
        """The function texts -> ids that cuts at contents, the leftmost first and the longest of those.

        tokens: content -> AddedToken.
        """
        # Of alternatives RE2 takes the first that fits: so the longer ones come first.
        pattern = "|".join(map(_quote, sorted(tokens, key=len, reverse=True)))
        ids = [token.id for token in tokens.values()]
        initial = tf.lookup.KeyValueTensorInitializer(list(tokens), ids, tf.string, tf.int32)
        table = tf.lookup.StaticHashTable(initial, default_value=-1)
        self.resources.append(table)

        def call(texts):
            parts = tensorflow_text.regex_split(texts, pattern, pattern)  # [n, parts]
            own = table.lookup(parts.values)
            is_own = own >= 0
            count = tf.cast(is_own, tf.int64)
            others = encoded(tf.where(is_own, "", parts.values))  # [all parts, tokens]; none where it is an added token
            own = tf.RaggedTensor.from_row_lengths(tf.boolean_mask(own, is_own), count, validate=False)
            found = tf.concat([others, own], axis=1)
            splits = tf.gather(found.row_splits, parts.row_splits)
            return tf.RaggedTensor.from_row_splits(found.values, splits, validate=False)

        return call


def _quote(text):
    """A pattern of RE2 that fits this text and nothing else."""
    return "".join(char if char.isalnum() or ord(char) > 127 else f"\\x{{{ord(char):x}}}" for char in text)


class GraphNormalized:
    """BasicTokenizer.normalize: texts -> texts."""

    def __init__(self, basic):
        self._strip_accents = basic.strip_accents
        self._replaced = GraphCodePoints(code_points.basic_tokenizer(basic, split=False))

    def __call__(self, texts):
        """string [n] -> string [n]."""
        values, rows, count = _replace(texts, self._replaced, self._strip_accents)
        something = values != code_points.NOTHING
        characters = tf.RaggedTensor.from_value_rowids(
            tf.boolean_mask(values, something), tf.boolean_mask(rows, something), nrows=count, validate=False
        )
        return tf.strings.unicode_encode(characters, "UTF-8")


class GraphWords:
    """BasicTokenizer: texts -> words and punctuation marks."""

    def __init__(self, basic):
        self._strip_accents = basic.strip_accents
        self._replaced = GraphCodePoints(code_points.basic_tokenizer(basic))

    def __call__(self, texts):
        """string [n] -> RaggedTensor of words, string [n, words]; and their characters, int64 [all words]."""
        return _split(*_replace(texts, self._replaced, self._strip_accents))


def _replace(texts, replaced, in_order):
    """int32 [values] and int64 [values], the text of each; and the number of texts."""
    decoded = tf.strings.unicode_decode(texts, "UTF-8", errors="ignore")
    values, classes, rows = replaced(decoded.values, decoded.value_rowids())
    if in_order:
        values = _in_canonical_order(values, classes, rows)
    return values, rows, decoded.nrows()


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
        tf.boolean_mask(values, is_text),
        tf.boolean_mask(word, is_text),
        nrows=tf.reduce_sum(tf.cast(begins, tf.int64)),
        validate=False,
    )
    words = tf.strings.unicode_encode(characters, "UTF-8")
    row_of_word = tf.boolean_mask(rows, begins)
    ragged = tf.RaggedTensor.from_value_rowids(words, row_of_word, nrows=count, validate=False)
    return ragged, characters.row_lengths()
