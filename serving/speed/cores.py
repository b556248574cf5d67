"""How a process that only encodes texts shares its cores between batches."""

import os

import tensorflow as tf

MOST_BATCHES_AT_ONCE = 8  # each needs memory for its activations
_BY_USER = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def share_between_batches():
    """Lets each batch be computed by as few threads as possible, and as many batches at once as there are cores for.

    Threads that share an operation wait for each other at its end; those that compute different batches do not, and the
    sums of a batch are the same on any machine. TensorFlow's threads are set once for a process, before it computes
    anything; where they are set already they stay as they are.

    Returns:
      the number of batches to compute at once, a TextEncoder's `batches_at_once`.
    """
    cores = count()
    at_once = max(2, min(cores, MOST_BATCHES_AT_ONCE))
    if not any(name in os.environ for name in _BY_USER):
        try:
            tf.config.threading.set_intra_op_parallelism_threads(max(1, cores // at_once))
            tf.config.threading.set_inter_op_parallelism_threads(2 * at_once)
        except RuntimeError:  # something was computed before
            pass
    return at_once


def count():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
