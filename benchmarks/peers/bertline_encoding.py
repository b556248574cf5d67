"""Bertline's TextEncoder: as extract_features.py uses it, and padded to 128 in the order of the texts."""

import os

# The benchmark gives every side all cores; how they are shared is a part of what is measured.
for _name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.pop(_name, None)

import numpy as np
import tensorflow as tf

from benchmarks.peers import gigaflops
from benchmarks.peers.encoding import Encoding
from bertline.processors.layouts.packed import Packed
from bertline.serving import TextEncoder
from bertline.serving.encoder import batching
from bertline.serving.speed import cores

PADDED_LENGTH = 128


class Sorted(Encoding):
    """See the module; it sorts and cuts batches by itself, whatever the batch size."""

    def __init__(self, texts, model):
        super().__init__(texts, model)
        self._at_once = cores.share_between_batches()

    def make(self, dtype):
        encoder = TextEncoder(self.model, dtype=dtype, batches_at_once=self._at_once, low_latency=True)
        return lambda texts, batch_size: encoder.encode(texts)

    def matmul(self, dtype, size):
        a = tf.cast(tf.random.normal([size, size]), dtype)
        return gigaflops(lambda: tf.matmul(a, a).numpy(), size)


class Padded(Sorted):
    """See the module."""

    def make(self, dtype):
        encoder = TextEncoder(self.model, dtype=dtype, max_seq_length=PADDED_LENGTH)
        layout = Packed(encoder.tokenizer, PADDED_LENGTH)
        graph = encoder._graph(encoder.options(), False)

        def encode(texts, batch_size):
            parts = []
            for start in range(0, len(texts), batch_size):
                part = texts[start : start + batch_size]
                batch = batching.dense(layout.rows(part), np.arange(len(part)))
                missing = PADDED_LENGTH - batch["input_ids"].shape[1]
                parts.append(graph({k: np.pad(v, [(0, 0), (0, missing)]) for k, v in batch.items()}))
            return np.concatenate(parts)[:, 0]

        return encode
