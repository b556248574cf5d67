"""The work of the benchmarks of tagging: rows of sentences, in the same batches for every side."""

import numpy as np

from benchmarks import work

# Feature -> (whose mask has its length, what fills it up).
PADDING = {
    "input_ids": ("input_mask", 0),
    "input_mask": ("input_mask", 0),
    "segment_ids": ("input_mask", 0),
    "word_positions": ("word_mask", 0),
    "word_mask": ("word_mask", 0),
    "label_ids": ("word_mask", -1),
}


def tag_encoder(data_dir, model, max_seq_length):
    """(processor, split -> examples, ExampleEncoder) of tagged words, with the tokenizer of a model's folder.

    Splits without a file are left out.
    """
    from bertline import registry
    from bertline.processors.files.folders import AbsentError
    from bertline.processors.labels.base import make_labels
    from bertline.processors.layouts import base as layouts
    from bertline.processors.records import record_files
    from bertline.processors.tokenization import load_tokenizer

    processor = registry.get("processor", "conll")()
    examples = {"train": processor.get_train_examples(data_dir)}
    for split, read in (("dev", processor.get_dev_examples), ("test", processor.get_test_examples)):
        try:
            examples[split] = read(data_dir)
        except AbsentError:
            continue
    layout = layouts.make("words", layouts.get("packed")(load_tokenizer(model), max_seq_length))
    return processor, examples, record_files.ExampleEncoder(layout, make_labels("tags", processor.get_labels()))


def write_batches(path, task, data_dir, model, max_seq_length, batch_size, steps, seed=1):
    """As `work.write_batches`, of tagged words; what is evaluated is the dev split, or else the test split."""
    _, examples, encoder = tag_encoder(data_dir, model, max_seq_length)
    evaluated = examples.get("dev") or examples["test"]
    made = work.made_batches(examples["train"], evaluated, encoder, max_seq_length, batch_size, steps, seed)
    work.write_orders(path, made, encoder, batch_size, seed, unpadded, {None: padded})


def unpadded(batch, i):
    """Row i of a batch, a dict of arrays at true length."""
    return {
        name: array[i][: batch[PADDING[name][0]][i].sum()] if name in PADDING else array[i]
        for name, array in batch.items()
    }


def padded(rows):
    """Rows at true length -> arrays [B, T] and [B, W], as long as the longest."""
    longest = {mask: max(len(row[mask]) for row in rows) for mask in ("input_mask", "word_mask")}

    def fit(name, array):
        if name not in PADDING:
            return array
        mask, value = PADDING[name]
        return np.pad(array, (0, longest[mask] - len(array)), constant_values=value)

    return {name: np.stack([fit(name, row[name]) for row in rows]) for name in rows[0]}
