"""Reading of a stream of tokens: in lanes that a state is carried along.

The stream is cut into as many lanes as a batch has rows; each step goes on where the one before ended, and every token
is predicted once an epoch, from all tokens of its lane before it. Source: as in Merity et al. 2017, section 4.
"""

import logging

import numpy as np
import tensorflow as tf

from bertline.errors import InputError
from bertline.processors.corpora.making import instance_records
from bertline.processors.corpora.reader import CorpusReader
from bertline.processors.corpora.streams.record_order import as_made
from bertline.processors.corpora.streams.token_stream import TokenStream
from bertline.processors.records.batches import parse


class StreamReader(CorpusReader):
    """Records of create_pretraining_data.py --instances=token_stream; see CorpusReader.

    Batches: input_ids and next_ids int32 [B, T], the tokens and those that follow them; input_mask int32 [B, T], where
    next_ids is a token to predict. T is --max_seq_length. An id that a vocabulary ends a text with stands before the
    first token.
    """

    def open(self, config, tokenizer):
        """Checks records, model and vocabulary against each other.

        Raises:
          InputError: they do not fit, a record is damaged, or no vocabulary says which token ends a text.
        """
        instance_records.check_vocabulary(self._files, self._manifest, tokenizer)
        if tokenizer is None:
            raise InputError(
                f"{self._files[0]}: --vocab_file is needed: its end of a text stands before the first token"
            )
        self._check_reads_ids(config)
        self._end_id = tokenizer.end_id
        spec = TokenStream.spec
        self.record_set = instance_records.existing_instances(
            self._files, self._manifest, spec, self.limits(spec, config)
        )
        logging.info("a stream of %d records in %d file(s)", self.record_set.num_examples, len(self._files))

    def train_batches(self, batch_size, seed, length_buckets=None):
        """An endless data set of batches of `batch_size` lanes; the order is the corpus's, whatever the seed."""
        if self.record_set.num_examples < batch_size:
            raise InputError(
                f"{self._files[0]}: {self.record_set.num_examples} records for {batch_size} lanes; lower "
                "--train_batch_size, or make the data with a smaller --max_seq_length"
            )
        steps = self._max_seq_length
        bounds = [self.record_set.num_examples * lane // batch_size for lane in range(batch_size + 1)]
        lanes = [self._lane(start, end, steps) for start, end in zip(bounds, bounds[1:])]
        return tf.data.Dataset.zip(tuple(lanes)).map(_stack).prefetch(4)

    def _lane(self, start, end, steps):
        """Endless (tokens, those that follow them), int32 [steps] each, of the records start to end."""
        records = as_made(self._files).skip(start).take(end - start).repeat()
        tokens = records.map(_tokens).unbatch().batch(steps, drop_remainder=True)
        return tokens.scan(tf.constant(self._end_id), _shift)

    def evaluation_batches(self, batch_size, num_instances, length_buckets=None, static=False):
        """A list of batches of `batch_size` lanes, which end with padding; every token is predicted once.

        Args:
          num_instances: of rows of --max_seq_length tokens that are read at most.
        """
        steps = self._max_seq_length
        tokens, most = [], num_instances * steps
        for record in as_made(self._files):
            tokens.append(_tokens(record).numpy())
            if sum(map(len, tokens)) >= most:
                break
        stream = np.concatenate(tokens)[:most]
        lanes = min(batch_size, len(stream))
        length = -(-len(stream) // lanes)
        columns = -(-length // steps) * steps
        before = np.concatenate([[self._end_id], stream[:-1]])
        # Row i has the tokens i * length to (i + 1) * length, and padding up to a multiple of the steps.
        places = np.arange(lanes)[:, None] * length + np.arange(columns)
        real = (np.arange(columns) < length) & (places < len(stream))
        places = np.where(real, places, 0)
        rows = {"input_ids": before[places] * real, "next_ids": stream[places] * real, "input_mask": real}
        return [
            {
                **{name: tf.constant(array[:, first : first + steps], tf.int32) for name, array in rows.items()},
                "example_index": tf.fill([lanes], -1),
            }
            for first in range(0, columns, steps)
        ]


@tf.autograph.experimental.do_not_convert
def _tokens(record):
    return tf.cast(parse(record[None], TokenStream.spec)["input_ids"].values, tf.int32)


@tf.autograph.experimental.do_not_convert
def _shift(last, tokens):
    return tokens[-1], (tf.concat([[last], tokens[:-1]], axis=0), tokens)


@tf.autograph.experimental.do_not_convert
def _stack(*lanes):
    ids, following = (tf.stack(part) for part in zip(*lanes))
    return {
        "input_ids": ids,
        "next_ids": following,
        "input_mask": tf.ones_like(ids),
        "example_index": tf.fill([len(lanes)], -1),
    }
