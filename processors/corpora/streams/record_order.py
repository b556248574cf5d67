"""The order of the records of a stream: that in which they were made, or one that is drawn anew for each epoch."""

import tensorflow as tf

from bertline.processors.corpora.reader import SHUFFLE_BUFFER
from bertline.processors.records.batches import as_it_is


def as_made(files):
    """A data set of all records in the order in which they were made: record i is in file i modulo their number.

    files: paths, a list or a string tensor.
    """
    names = tf.convert_to_tensor(files)
    return tf.data.Dataset.from_tensor_slices(names).interleave(
        tf.data.TFRecordDataset, cycle_length=names.shape[0], block_length=1
    )


def drawn_each_epoch(files, num_records, seed, at_once=SHUFFLE_BUFFER):
    """An endless data set: the first epoch as the records were made, each later one in an order of its own.

    The order is a function of (seed, epoch): files in a random order, the record to begin with, and a shuffle of so
    many records at once. Source: the shards of bilm-tf, and the sentences of each, come in a new order each epoch
    (`LMDataset` of `bilm/data.py`).

    Args:
      files: list of paths. num_records: of all of them. seed: int. at_once: records in memory.
    """
    names = tf.constant(files)

    @as_it_is
    def draw(epoch):
        key = tf.random.experimental.stateless_fold_in([seed, 0], epoch)
        is_first = tf.equal(epoch, 0)
        order = tf.random.experimental.stateless_shuffle(tf.range(len(files)), key)
        order = tf.where(is_first, tf.range(len(files)), order)
        start = tf.random.stateless_uniform([], key, maxval=num_records, dtype=tf.int64)
        start = tf.where(is_first, tf.constant(0, tf.int64), start)
        records = as_made(tf.ensure_shape(tf.gather(names, order), [len(files)]))

        @as_it_is
        def shuffle(number, some):
            drawn = tf.random.experimental.stateless_shuffle(
                tf.range(tf.size(some)), tf.random.experimental.stateless_fold_in(key, number + 1)
            )
            return tf.gather(some, tf.where(is_first, tf.range(tf.size(some)), drawn))

        rotated = records.skip(start).concatenate(records.take(start))
        return rotated.batch(at_once).enumerate().map(shuffle).unbatch()

    return tf.data.Dataset.counter().flat_map(draw)
