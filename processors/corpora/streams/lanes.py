"""Sentences into lanes: each goes to the lane that first has room, and every batch goes on where the last one ended.

Source: `_get_batch` of https://github.com/allenai/bilm-tf, `bilm/data.py`, whose order this is.
"""

import tensorflow as tf


class Lanes:
    """What `tf.data.Dataset.scan` needs: a state, and a step from it and some sentences to batches.

    Args:
      count: lanes, int. steps: of a batch, int. width: numbers at each place of a sentence.
    """

    def __init__(self, count, steps, width):
        self._count, self._steps, self._width = count, steps, width

    def start(self):
        """(what waits in each lane, int32 [lanes, 0, width]; how many places of it are filled, int64 [lanes])."""
        return tf.zeros([self._count, 0, self._width], tf.int32), tf.zeros([self._count], tf.int64)

    @tf.autograph.experimental.do_not_convert
    def step(self, state, sentences):
        """Puts sentences into lanes and takes the batches that are whole.

        Args:
          state: as of `start`. sentences: (places int32 [total, width], lengths int64 [sentences]).

        Returns:
          state; batches int32 [m, lanes, steps, width], m of 0 or more.
        """
        waiting, filled = state
        places, lengths = sentences
        lanes, starts, filled = self.assign(filled, lengths)
        waiting = tf.pad(waiting, [[0, 0], [0, self._missing(waiting, filled)], [0, 0]])
        offsets = tf.ragged.range(starts, starts + lengths).values
        where = tf.stack([tf.repeat(lanes, lengths), offsets], axis=1)
        waiting = tf.tensor_scatter_nd_update(waiting, where, places)
        whole = tf.reduce_min(filled) // self._steps
        taken = tf.reshape(waiting[:, : whole * self._steps], [self._count, whole, self._steps, self._width])
        return (waiting[:, whole * self._steps :], filled - whole * self._steps), tf.transpose(taken, [1, 0, 2, 3])

    @staticmethod
    def _missing(waiting, filled):
        return tf.maximum(tf.cast(0, tf.int64), tf.reduce_max(filled) - tf.shape(waiting, tf.int64)[1])

    def assign(self, filled, lengths):
        """Lane of each sentence and the place where it begins, int64 [sentences]; how full the lanes are then."""
        order, sentences = tf.range(self._count, dtype=tf.int64), tf.size(lengths)

        def body(i, filled, lanes, starts):
            # The next one to ask in bilm-tf: that of the earliest unfinished batch, in the order of the lanes.
            lane = tf.argmin(filled // self._steps * self._count + order)
            lanes, starts = lanes.write(i, lane), starts.write(i, filled[lane])
            return i + 1, tf.tensor_scatter_nd_add(filled, lane[None, None], lengths[i][None]), lanes, starts

        arrays = [tf.TensorArray(tf.int64, sentences, element_shape=[]) for _ in range(2)]
        _, filled, lanes, starts = tf.while_loop(lambda i, *_: i < sentences, body, [0, filled, *arrays])
        return lanes.stack(), starts.stack(), filled

    @tf.autograph.experimental.do_not_convert
    def rest(self, state):
        """What is left as batches [m, lanes, steps, width], and which places are real, bool [m, lanes, steps]."""
        waiting, filled = state
        count = -(-tf.reduce_max(filled) // self._steps)
        waiting = tf.pad(waiting, [[0, 0], [0, count * self._steps - tf.shape(waiting, tf.int64)[1]], [0, 0]])
        real = tf.range(count * self._steps)[None] < filled[:, None]
        shape = [self._count, count, self._steps]
        batches = tf.reshape(waiting, [*shape, self._width])
        return tf.transpose(batches, [1, 0, 2, 3]), tf.transpose(tf.reshape(real, shape), [1, 0, 2])
