"""The work of the benchmark of documents by windows: the same windows, in the same batches for every side."""

import dataclasses

import numpy as np

from benchmarks import work

LENGTHS = "window_lengths"


def write_batches(path, task, data_dir, model, max_seq_length, batch_size, steps, seed=1):
    """As `work.write_batches`, of documents, at most 8 windows of each."""
    from bertline.processors.layouts import base as layouts

    processor, encoder = work.task_encoder(task, model, max_seq_length)
    encoder = dataclasses.replace(encoder, layout=layouts.make("windows", encoder.layout))
    examples = processor.get_train_examples(data_dir), processor.get_dev_examples(data_dir)
    made = work.made_batches(*examples, encoder, max_seq_length, batch_size, steps, seed)
    work.write_orders(path, made, encoder, batch_size, seed, unpadded, {None: padded})


def unpadded(batch, i):
    """Row i of a batch, a dict of arrays at true length."""
    tokens, windows = batch["input_mask"][i].sum(), np.count_nonzero(batch[LENGTHS][i])
    lengths = {**dict.fromkeys(work.INPUTS, tokens), LENGTHS: windows}
    return {name: array[i][: lengths[name]] if name in lengths else array[i] for name, array in batch.items()}


def padded(rows):
    """Rows at true length -> arrays, as long as the longest."""
    names = (*work.INPUTS, LENGTHS)
    longest = {name: max(len(row[name]) for row in rows) for name in names}

    def fit(name, array):
        return np.pad(array, (0, longest[name] - len(array))) if name in names else array

    return {name: np.stack([fit(name, row[name]) for row in rows]) for name in rows[0]}


def windows(batch, with_absent=False):
    """(name -> int32 [windows, longest window], int64 [windows]: the document of each) of a batch of documents.

    with_absent: whether each document has as many windows as the longest of the batch; those that it has not are empty.
    """
    document, number = np.nonzero(batch[LENGTHS] >= 0 if with_absent else batch[LENGTHS])
    lengths = batch[LENGTHS][document, number]
    starts = (np.cumsum(batch[LENGTHS], axis=1) - batch[LENGTHS])[document, number]
    rows = [{name: batch[name][d, s : s + n] for name in work.INPUTS} for d, s, n in zip(document, starts, lengths)]
    return work.padded(rows), document
