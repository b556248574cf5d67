"""A tagger as a SavedModel: words or raw texts in, tags, and entities with their places out."""

import numpy as np
import tensorflow as tf

from bertline.processors.layouts.graph_word_rows import word_rows
from bertline.processors.tagging.tag_spans import OUTSIDE, parts_of_tag
from bertline.processors.tokenizers.graph.graph_word_places import GraphWordPlaces
from bertline.serving.export.saved_module import Head, strings


class TaggerModule(Head):
    """Of texts, string [n]: `words`, `tags` string [n, W] and `starts`, `ends` int32 [n, W], `confidences` float32
    [n, W]; and of the entities in them `types` string [n, E], `entity_starts`, `entity_ends` int32 [n, E] and `scores`
    float32 [n, E]. Places are characters. Rows are filled up with "" and 0.

    Of words, string [n, W], where "" after the last word fills up: `tags` and `confidences`.

    A word that finds no room in a row of the model has the tag "". Words of a raw text are those that BERT's tokenizer
    sees, `bertline.processors.tokenizers.rules.word_places`.
    """

    signatures = {"serving_default": strings("text"), "words": [tf.TensorSpec([None, None], tf.string, "words")]}

    def __init__(self, objective, labels):
        super().__init__(objective, objective.encoder)
        self.names = tuple(labels.names)
        parts = [parts_of_tag(name) for name in self.names]
        self._types = sorted({label for prefix, label in parts if prefix != OUTSIDE})
        self._type_of_tag = [self._types.index(label) if prefix != OUTSIDE else -1 for prefix, label in parts]
        self._begins = [prefix in ("B", "S") for prefix, _ in parts]
        self._ends = [prefix in ("E", "S") for prefix, _ in parts]

    def function(self, layout, scope):
        tokenize, places = layout.tokenizer.graph_form(), GraphWordPlaces()

        def tag(words):
            features = word_rows(layout, tokenize, words)
            with scope():
                predicted = self.model.predictions(self.model(features))
            is_read = features["word_mask"] > 0
            tags = tf.where(is_read, predicted["tags"], -1)
            return _of_all_words(words, tags), _of_all_words(words, tf.where(is_read, predicted["confidences"], 0.0))

        def of_words(words):
            tags, confidences = tag(_without_filling(words))
            return {"tags": self._tags_of(tags), "confidences": confidences.to_tensor()}

        def of_texts(text):
            words, starts, ends = places(text)
            tags, confidences = tag(words)
            said = {"words": words, "starts": starts, "ends": ends, "confidences": confidences}
            entities = self._entities(tags, starts, ends, confidences)
            return {name: one.to_tensor() for name, one in {**said, **entities}.items()} | {"tags": self._tags_of(tags)}

        def call(given):
            return of_texts(given) if given.shape.rank == 1 else of_words(given)

        return call, tokenize.resources

    def compare(self, module, live, texts):
        """See base class: words of the texts, and the texts themselves."""
        of_texts = module(tf.constant(texts))
        words = [[word.decode() for word in row if word] for row in of_texts["words"].numpy()]
        expected = live.tag(words)
        filled = tf.ragged.constant(words, ragged_rank=1, dtype=tf.string).to_tensor(shape=[len(words), None])
        for found in (of_texts, module(filled)):
            for row, tags, one in zip(found["confidences"].numpy(), found["tags"].numpy(), expected):
                count = len(one.words)
                if all(tags[:count]):  # of a longer one the end was not read
                    yield "confidences", row[:count], np.array(one.confidences, np.float32)

    def _tags_of(self, tags):
        """string [n, W]."""
        return tf.gather(["", *self.names], tags.with_values(tags.values + 1)).to_tensor()

    def _entities(self, tags, starts, ends, confidences):
        """name -> RaggedTensor [n, entities], as conlleval.pl reads tags."""
        ids, rows = tags.values, tags.value_rowids()
        kinds = tf.where(ids < 0, -1, tf.gather(self._type_of_tag, tf.maximum(ids, 0)))
        marked = [tf.gather(flags, tf.maximum(ids, 0)) for flags in (self._begins, self._ends)]
        no = tf.zeros([tf.minimum(tf.size(ids), 1)], tf.bool)
        goes_on = tf.concat([no, (rows[1:] == rows[:-1]) & (kinds[1:] == kinds[:-1]) & ~marked[1][:-1]], axis=0)
        begins = (kinds >= 0) & (marked[0] | ~goes_on)
        inside = kinds >= 0
        number = tf.boolean_mask(tf.cumsum(tf.cast(begins, tf.int32)) - 1, inside)
        count = tf.reduce_sum(tf.cast(begins, tf.int32))

        def of_entities(values, segment):
            return segment(tf.boolean_mask(values, inside), number, count)

        found = {
            "types": tf.gather(self._types or [""], of_entities(kinds, tf.math.unsorted_segment_max)),
            "entity_starts": of_entities(starts.values, tf.math.unsorted_segment_min),
            "entity_ends": of_entities(ends.values, tf.math.unsorted_segment_max),
            "scores": of_entities(confidences.values, tf.math.unsorted_segment_mean),
        }
        row = tf.boolean_mask(rows, begins)
        return {
            name: tf.RaggedTensor.from_value_rowids(values, row, nrows=tags.nrows(), validate=False)
            for name, values in found.items()
        }


def _of_all_words(words, values):
    """[n, W] of the words that were read -> RaggedTensor [n, words], with -1 or 0 for the others."""
    lengths = words.row_lengths()
    missing = tf.reduce_max(tf.concat([lengths, [0]], axis=0)) - tf.shape(values, tf.int64)[1]
    filling = -1 if values.dtype.is_integer else 0.0
    values = tf.pad(values, [[0, 0], [0, tf.maximum(missing, 0)]], constant_values=filling)
    return tf.RaggedTensor.from_tensor(values, lengths=lengths)


def _without_filling(words):
    """string [n, W] -> RaggedTensor, without what follows the last word that is one."""
    last = tf.reduce_max(tf.where(words != "", tf.range(tf.shape(words)[1]) + 1, 0), axis=1)
    return tf.RaggedTensor.from_tensor(words, lengths=last)
