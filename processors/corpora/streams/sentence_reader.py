"""Reading of a stream of sentences in lanes, forward and backward at once."""

import logging

import numpy as np
import tensorflow as tf

from bertline.errors import InputError
from bertline.processors.corpora.making import instance_records
from bertline.processors.corpora.reader import CorpusReader
from bertline.processors.corpora.streams.lanes import Lanes
from bertline.processors.corpora.streams.record_order import as_made, drawn_each_epoch
from bertline.processors.corpora.streams.sentence_stream import INPUT_IDS, SHUFFLED, UNKNOWN, SentenceStream
from bertline.processors.layouts.characters import LONGEST_WORD, characters_of_vocabulary
from bertline.processors.records.batches import as_it_is, parse

SENTENCES_AT_ONCE = 256
SENTENCES_TO_JUDGE = 1000
# Of words in any order the mean is half of the vocabulary; of sorted ones a tenth and less.
UNSORTED_SHARE, FEWEST_WORDS = 0.35, 100
CHARACTERS = "character_ids"
# Of each direction: a word, the one to predict from it and all before it, and its characters.
NAMES = ("input_ids", "next_ids", CHARACTERS)
BACKWARD = "backward_"


class SentenceReader(CorpusReader):
    """Records of create_pretraining_data.py --instances=sentence_stream; see CorpusReader.

    Batches: input_ids and next_ids int32 [B, T], words and those that follow them; character_ids int32 [B, T, 50] where
    the encoder reads them; the same three as backward_..., of the same sentences from their end to their begin;
    input_mask int32 [B, T], of both. T is --max_seq_length. A lane that ends a sentence goes on with the next one.
    """

    def open(self, config, tokenizer):
        """See CorpusReader.

        Raises:
          InputError: they do not fit, a record is damaged, or no vocabulary is known.
        """
        instance_records.check_vocabulary(self._files, self._manifest, tokenizer)
        if tokenizer is None:
            raise InputError(f"{self._files[0]}: --vocab_file is needed: the records have ids of its words")
        spec, size = SentenceStream.spec, tokenizer.vocab_size
        limits = {**self.limits(spec, config), INPUT_IDS: ("the vocabulary's size", size)}
        self.record_set = instance_records.existing_instances(self._files, self._manifest, spec, limits)
        self._unknown_id = tokenizer.unk_id
        self._characters = (
            tf.constant(characters_of_vocabulary(tokenizer)) if CHARACTERS in config.id_limits() else None
        )
        logging.info("a stream of %d sentences in %d file(s)", self.record_set.num_examples, len(self._files))
        self._check_order(tokenizer)

    def _check_order(self, tokenizer):
        """Warns where the vocabulary is not sorted by frequency, as far as the first sentences show."""
        serialized = next(iter(as_made(self._files).batch(SENTENCES_TO_JUDGE)))
        ids = parse(serialized, SentenceStream.spec)[INPUT_IDS].values.numpy()
        special = {tokenizer.special_id(role) for role in ("start", "end", "unk")}
        mean = ids[~np.isin(ids, list(special))].mean() if len(ids) > 3 * len(serialized) else 0.0
        if mean > UNSORTED_SHARE * tokenizer.vocab_size > UNSORTED_SHARE * FEWEST_WORDS:
            logging.warning(
                "%s: running words have the id %d of %d on average, so they are not sorted by frequency; a sampled "
                "softmax draws words by their ids: sort them, or give --num_sampled=0",
                tokenizer.vocab_file,
                mean,
                tokenizer.vocab_size,
            )

    def epochs(self, rows):
        """See CorpusReader: a row is --max_seq_length words to predict, the manifest says how many there are in all."""
        tokens = sum(self._manifest.counts("statistics", "tokens", 0)) - self.record_set.num_examples
        return rows * self._max_seq_length / tokens if tokens > 0 and self._manifest.is_whole else None

    def train_batches(self, batch_size, seed, length_buckets=None):
        """An endless data set of batches of `batch_size` lanes.

        The order is that of the records, whatever the seed; in later epochs a new one for each, where sentences were
        shuffled when the records were made.
        """
        lanes, records = self._lanes(batch_size), self._endless_records(seed)
        batches = self._sentences(records).scan(lanes.start(), lanes.step).unbatch()
        return batches.map(as_it_is(lambda rows: self._batch(rows, tf.ones(tf.shape(rows)[:2], tf.int32)))).prefetch(4)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """A list of batches of `batch_size` lanes, which end with padding; every word is predicted once each way.

        Args:
          num_instances: of rows of --max_seq_length words that are read at most, up to the end of a sentence.
        """
        lanes, most = self._lanes(batch_size), num_instances * self._max_seq_length
        state, found, count = lanes.start(), [], 0
        for places, lengths in self._sentences(as_made(self._files)):
            ends = np.cumsum(lengths)
            kept = min(len(ends), int(np.searchsorted(ends, most - count)) + 1)
            state, rows = lanes.step(state, (places[: ends[kept - 1]], lengths[:kept]))
            found += [self._batch(one, tf.ones(tf.shape(one)[:2], tf.int32)) for one in rows]
            count += int(ends[kept - 1])
            if count >= most:
                break
        rest = zip(*lanes.rest(state))
        return found + [self._batch(rows, tf.cast(real, tf.int32)) for rows, real in rest]

    def _lanes(self, batch_size):
        return Lanes(batch_size, self._max_seq_length, 4 if self._characters is None else 4 + 2 * LONGEST_WORD)

    def _endless_records(self, seed):
        if not all(part.get(SHUFFLED) for part in self._manifest.parts or [{}]):
            return as_made(self._files).repeat()
        return drawn_each_epoch(self._files, self.record_set.num_examples, seed)

    def _sentences(self, records):
        """A data set of some sentences at once: (places int32 [total, width], lengths int64 [sentences]).

        A place has a word and the one that follows it, forward and then backward, and the characters of both words.
        """

        @as_it_is
        def places(serialized):
            parsed = parse(serialized, SentenceStream.spec)
            ids, splits = tf.cast(parsed[INPUT_IDS].values, tf.int32), tf.cast(parsed[INPUT_IDS].row_splits, tf.int64)
            lengths = splits[1:] - splits[:-1] - 1
            forward = tf.ragged.range(splits[:-1], splits[1:] - 1).values
            backward = tf.ragged.range(splits[1:] - 1, splits[:-1], -1).values
            columns = [tf.gather(ids, at) for at in (forward, forward + 1, backward, backward - 1)]
            found = tf.stack(columns, axis=1)
            if self._characters is not None:
                characters = self._characters_of(ids, parsed[UNKNOWN].values)
                found = tf.concat([found, *(tf.gather(characters, at) for at in (forward, backward))], axis=1)
            return found, lengths

        return records.batch(SENTENCES_AT_ONCE).map(places)

    def _characters_of(self, ids, unknown):
        """int32 [words, 50]; those of unknown words are in the records."""
        characters = tf.cast(tf.gather(self._characters, ids), tf.int32)
        where = tf.where(tf.equal(ids, self._unknown_id))
        return tf.tensor_scatter_nd_update(
            characters, where, tf.reshape(tf.cast(unknown, tf.int32), [-1, LONGEST_WORD])
        )

    def _batch(self, rows, real):
        """int32 [lanes, steps, width] -> features."""
        found = {"input_mask": real, "example_index": tf.fill(tf.shape(rows)[:1], -1)}
        for way, prefix in enumerate(("", BACKWARD)):
            for offset, name in enumerate(NAMES[:2]):
                found[prefix + name] = rows[:, :, 2 * way + offset]
            if self._characters is not None:
                first = 4 + way * LONGEST_WORD
                found[prefix + CHARACTERS] = rows[:, :, first : first + LONGEST_WORD]
        return found
