"""WordTokenizer as operations of a TensorFlow graph: string [n] -> ids, equal to Python's for any text."""

import tensorflow as tf

from bertline.processors.tokenizers.graph.graph_wordpiece import GraphWords


class GraphVocabulary:
    """The same ids as a WordTokenizer's `encode_batch`, where words are cut as BERT's.

    Args:
      tokenizer: a WordTokenizer.
      basic: its BasicTokenizer.

    Attributes:
      resources: what a SavedModel has to keep hold of.
    """

    def __init__(self, tokenizer, basic):
        self._words = GraphWords(basic)
        # A word with a lone surrogate has no UTF-8, so that no text in a graph has it.
        known = [word for word in tokenizer.vocab if word.isascii() or _has_utf8(word)]
        ids = [tokenizer.vocab[word] for word in known]
        initial = tf.lookup.KeyValueTensorInitializer(known, ids, tf.string, tf.int32)
        unknown = tokenizer.unk_id
        self._table = tf.lookup.StaticHashTable(initial, default_value=-1 if unknown is None else unknown)
        self._drops_unknown, self.resources = unknown is None, (self._table,)

    def __call__(self, texts):
        """string [n] -> RaggedTensor int32 [n, tokens], no special tokens added."""
        words, _ = self._words(texts)
        ids = words.with_values(self._table.lookup(words.values))
        return tf.ragged.boolean_mask(ids, ids >= 0) if self._drops_unknown else ids


def _has_utf8(word):
    try:
        return bool(word.encode())
    except UnicodeEncodeError:
        return False
