"""What parts of an encoder that never change give for each row of a data set: computed once, kept for all epochs.

Source: the cached states of frozen language models, as bilm-tf and AllenNLP's command `elmo` keep them in files.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from bertline.modeling.encoder import Encoder

MEMORY_SHARE = 0.25  # of this machine's; what needs more is computed each time


class Memory:
    """Bytes that are left for the states of an encoder, of all splits together."""

    def __init__(self):
        self.left = MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class FixedStates:
    """batch -> the batch with what `Encoder.fixed_states` gives for its rows, which the encoder then takes from it.

    A row is known by its `example_index`, and by its `part` where an example is several rows.

    Args:
      encoder: an Encoder; its weights are those of the first call.
      batches: () -> batches in which each row comes once, dicts of tensors.
      memory: what the states are taken from; rows that need more are computed each time.
    """

    def __init__(
        self, encoder: Encoder, batches: Callable[[], Iterable[dict[str, tf.Tensor]]], memory: Memory | None = None
    ):
        self._encoder, self._batches, self._memory = encoder, batches, memory or Memory()
        self._tables: dict[str, tf.Tensor] | None = None

    def __call__(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        if self._tables is None:
            with tf.init_scope():  # once, while the graph of a step is made
                self._compute()
        if not self._tables:
            return batch
        with tf.device("CPU"):
            row = tf.gather(self._first_row, batch["example_index"])
            if "part" in batch:
                row += batch["part"]
            places = tf.range(tf.shape(batch["input_mask"])[1]) + tf.gather(self._starts, row)[:, None]
            places = tf.where(batch["input_mask"] > 0, places, 0)  # states of padding mean nothing
            return {**batch, **{name: tf.gather(table, places) for name, table in self._tables.items()}}

    def _compute(self):
        started, keys, lengths, kept, size = time.monotonic(), [], [], {}, 0
        self._tables = {}
        compute = tf.function(self._encoder.fixed_states, autograph=False, reduce_retracing=True)
        for batch in self._batches():
            mask = batch["input_mask"] > 0
            found = {name: tf.boolean_mask(states, mask) for name, states in compute(batch).items()}
            size += sum(states.shape.num_elements() * states.dtype.size for states in found.values())
            if not found or size > self._memory.left:
                if found:
                    logging.info("states of frozen parts need more than %d MB: computed each time", size >> 20)
                return
            index = batch["example_index"].numpy()
            keys.append(np.stack([index, batch["part"].numpy() if "part" in batch else np.zeros_like(index)]))
            lengths.append(tf.reduce_sum(tf.cast(mask, tf.int32), axis=1).numpy())
            for name, states in found.items():
                kept.setdefault(name, []).append(states)
        self._number(np.concatenate(keys, axis=1), np.concatenate(lengths))
        with tf.device("CPU"):
            while kept:  # one by one, so that no more than one is there twice
                name, states = kept.popitem()
                self._tables[name] = tf.concat(states, axis=0)
        self._memory.left -= size
        logging.info(
            "states of frozen parts: %d MB of %d rows, %.1f s",
            size >> 20,
            len(self._starts),
            time.monotonic() - started,
        )

    def _number(self, keys, lengths):
        """Where the states of each row begin, rows in the order of (example, part); each example's first row."""
        starts, order = np.cumsum(lengths) - lengths, np.lexsort(keys[::-1])
        with tf.device("CPU"):
            self._starts = tf.constant(starts[order], tf.int32)
            examples = np.arange(keys[0].max() + 1)
            self._first_row = tf.constant(np.searchsorted(keys[0][order], examples), tf.int32)
