"""Bytes of tf.train.Example, read back by TensorFlow."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bertline.processors.records import example_bytes

INT64 = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 300) | st.sampled_from([0, 127, 128, 16383, 16384, 2**31])
FLOAT = st.floats(width=32, allow_nan=False)


def ragged(rows, dtype):
    splits = np.cumsum([0, *map(len, rows)])
    return np.array([value for row in rows for value in row], dtype), splits


@settings(deadline=None)
@given(st.data(), st.integers(0, 5))
def test_equal_to_what_tensorflow_serializes(data, count):
    """One feature at a time, since the entries of TensorFlow's map have no order."""
    ints = data.draw(st.lists(st.lists(INT64, max_size=5), min_size=count, max_size=count))
    floats = data.draw(st.lists(st.lists(FLOAT, max_size=5), min_size=count, max_size=count))
    name = data.draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
    for key, rows, dtype in (("int64_list", ints, np.int64), ("float_list", floats, np.float32)):
        wanted = []
        for row in rows:
            example = tf.train.Example()
            getattr(example.features.feature[name], key).value.extend(row)
            getattr(example.features.feature[name], key).SetInParent()
            wanted.append(example)
        found = example_bytes.examples({name: ragged(rows, dtype)})
        assert [tf.train.Example.FromString(record) for record in found] == wanted
        full = [i for i, row in enumerate(rows) if row]  # an empty packed list may be left out, or not
        assert [found[i] for i in full] == [wanted[i].SerializeToString() for i in full]


def test_several_features_of_rows_of_many_lengths():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 40_000, size=size).tolist() for size in (0, 1, 127, 128, 20_000)]
    weights = [[0.5] * len(row) for row in rows]
    found = example_bytes.examples(
        {"input_ids": ragged(rows, np.int32), "weights": ragged(weights, np.float32), "a": ragged([[1]] * 5, np.uint8)}
    )
    for record, row, weight in zip(found, rows, weights):
        features = tf.train.Example.FromString(record).features.feature
        assert set(features) == {"input_ids", "weights", "a"}
        assert list(features["input_ids"].int64_list.value) == row
        assert list(features["weights"].float_list.value) == weight
        assert list(features["a"].int64_list.value) == [1]


def test_no_row_is_no_record():
    assert example_bytes.examples({"a": ragged([], np.int32)}) == []
