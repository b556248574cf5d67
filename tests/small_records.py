"""Records for tests: examples of many lengths through a tiny vocabulary, and records as the original writes them."""

import json
import random

import tensorflow as tf

from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.packed import Packed
from bertline.processors.records.record_files import ExampleEncoder
from bertline.processors.tokenization import FullTokenizer

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]


def encoder(folder, max_seq_length=16, tokens=TOKENS, labels=("no", "yes"), kind="single_label_classification"):
    """An ExampleEncoder whose vocabulary is written into `folder`."""
    path = folder / f"vocab-{len(tokens)}.txt"
    path.write_text("\n".join(tokens) + "\n")
    return ExampleEncoder(Packed(FullTokenizer(path), max_seq_length), make_labels(kind, list(labels)))


def examples(count, seed=0, longest=20):
    """Examples of 1 to `longest` words, every third a pair."""
    rng = random.Random(seed)

    def text():
        return " ".join(rng.choices("abcdefghij", k=rng.randint(1, longest)))

    return [
        InputExample(f"r-{i}", text(), text() if i % 3 == 0 else None, rng.choice(("no", "yes"))) for i in range(count)
    ]


def original_record(ids, segment_ids, label, length, real=1):
    """Bytes of a record as google-research/bert writes it: padded to `length`, every number an int64."""
    pad = [0] * (length - len(ids))
    example = tf.train.Example()
    for name, values in {
        "input_ids": [*ids, *pad],
        "input_mask": [1] * len(ids) + pad,
        "segment_ids": [*segment_ids, *pad],
        "label_ids": [label],
        "is_real_example": [real],
    }.items():
        example.features.feature[name].int64_list.value.extend(values)
    return example.SerializeToString()


def write(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def changed(**more):
    """A function from a manifest's bytes to those with other values; None: without the value."""

    def change(raw):
        values = {**json.loads(raw), **more}
        return json.dumps({name: value for name, value in values.items() if value is not None}).encode()

    return change


# (function from the bytes of a manifest to damaged ones, what is said): of fine-tuning records and of instances alike.
MALFORMED_MANIFESTS = (
    (lambda raw: raw[:20], "not JSON"),
    (lambda raw: b"", "not JSON"),
    (lambda raw: b"\xff" + raw, "not UTF-8"),
    (lambda raw: b"[" * 100_000, "nested too deeply"),
    (lambda raw: b"[1]", "a JSON object is needed, found a list"),
    (changed(files=None), "it names no files"),
    (changed(files={}), "it names no files"),
    (changed(files=["x"]), "it names no files"),
    (changed(files={"x": "1"}), "x has '1' bytes"),
    (changed(files={"x": True}), "x has True bytes"),
    (changed(files={"x": -1}), "x has -1 bytes"),
    (changed(files={"../x": 1}), "'../x' is no name of a file beside it"),
    (changed(files={"": 1}), "'' is no name of a file beside it"),
)
