"""What both sides that answer questions are given: the questions of a SQuAD file, windows of them, a head, an order."""

import numpy as np

from benchmarks import work
from bertline.processors.answering.answer_places import place_answers
from bertline.processors.answering.question_files import read_questions
from bertline.processors.layouts.base import get, make
from bertline.processors.tokenization import load_tokenizer

N_BEST, MAX_ANSWER_LENGTH, MAX_QUERY_LENGTH = 20, 30, 64


def read(given):
    """The first questions of the file, list of Question.

    Args:
      given: {"data": path, "questions": int, "max_seq_length": int, "doc_stride": int, "batch_size": int,
        "batches": path}.
    """
    return place_answers(read_questions(given["data"], has_unanswerable=True), given["data"])[: given["questions"]]


def layout(given, model):
    """The layout that makes the windows."""
    sizes = {"doc_stride": given["doc_stride"], "max_query_length": MAX_QUERY_LENGTH}
    return make("questions", get("packed")(load_tokenizer(model), given["max_seq_length"]), **sizes)


def write_batches(given, model):
    """Writes batches [B, T] of windows in random order, each padded to its longest, to the file given["batches"]."""
    rows = [training_row(row) for parts in layout(given, model).features(read(given)) for row in parts]
    rows = [{**row, "example_index": np.int32(i)} for i, row in enumerate(rows)]
    order, size = np.random.default_rng(1).permutation(len(rows)), given["batch_size"]
    parts = [work.padded([rows[i] for i in order[start : start + size]]) for start in range(0, len(rows), size)]
    arrays = {f"{i}/{name}": array for i, part in enumerate(parts) for name, array in part.items()}
    np.savez(given["batches"], **arrays)


def read_batches(given):
    """What `write_batches` wrote: list of dicts of arrays."""
    found = {}
    with np.load(given["batches"]) as file:
        for key in file.files:
            number, name = key.split("/")
            found.setdefault(int(number), {})[name] = file[key]
    return [found[number] for number in sorted(found)]


def training_row(row):
    """What is learned of a row of the layout."""
    ends = zip(("start_positions", "end_positions"), row["answer"])
    return {**inputs(row), **{name: np.int32(place) for name, place in ends}}


def inputs(row):
    """What a model reads of a row of the layout."""
    ids = row["input_ids"]
    return {"input_ids": ids, "input_mask": np.ones_like(ids), "segment_ids": row["segment_ids"]}


def one_window(batch):
    """The first window of a batch without padding, which takes part in the loss of transformers."""
    length = int(batch["input_mask"][0].sum())
    return {name: array[:1, :length] if array.ndim == 2 else array[:1] for name, array in batch.items()}


def head(width):
    """The weights that every side starts from: float32 [2, width], without bias."""
    return np.random.default_rng(0).normal(0.0, 0.02, [2, width]).astype(np.float32)
