"""How often the training rows of each class come: rows of rare classes several times an epoch, of frequent ones not in
each.
"""

import numpy as np
import tensorflow as tf

from bertline.errors import InputError

CHUNK = 1024  # records that are drawn at once

# Name -> rows of each class -> how often a class comes, relative to the others.
_SHARES = {
    "natural": None,
    "balanced": lambda counts: counts > 0,
    "square_root": np.sqrt,
}
NAMES = tuple(_SHARES)


def rates(name, counts):
    """How often each row of a class comes in an epoch, which has as many rows as there are: list of float.

    Args:
      name: of NAMES.
      counts: rows of each class.

    Returns:
      None where every row comes once.

    Raises:
      InputError: an unknown name.
    """
    if name not in _SHARES:
        raise InputError(f"--sampling={name}: one of {', '.join(NAMES)} is needed")
    if _SHARES[name] is None:
        return None
    counts = np.array(counts, np.float64)
    shares = _SHARES[name](counts)
    return (shares / shares.sum() * counts.sum() / np.maximum(counts, 1.0)).tolist()


def sample(rows, class_rates, seed):
    """An endless data set of (number, record), in which each row comes as often as the rate of its class says.

    A rate of 2.3 is 2 times in each epoch and a third time in 3 of 10: a function of seed, epoch and row.

    Args:
      rows: data set of (int64 number, string record) of all rows, whose `label_ids` are classes.
      class_rates: list of float. seed: int.
    """
    table = tf.constant(class_rates, tf.float32)
    label = {"label_ids": tf.io.FixedLenFeature([], tf.int64)}

    def of_epoch(epoch):
        key = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], tf.int32), epoch)

        def draw(numbers, records):
            rate = tf.gather(table, tf.io.parse_example(records, label)["label_ids"])  # [n]
            # One key for each chunk, by its first row.
            chance = tf.random.stateless_uniform(
                tf.shape(rate), tf.random.experimental.stateless_fold_in(key, numbers[0])
            )
            copies = tf.cast(tf.floor(rate + chance), tf.int32)
            return tf.repeat(numbers, copies), tf.repeat(records, copies)

        return rows.batch(CHUNK).map(tf.autograph.experimental.do_not_convert(draw)).unbatch()

    return tf.data.Dataset.counter().flat_map(tf.autograph.experimental.do_not_convert(of_epoch))
