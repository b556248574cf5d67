"""Features with named axes, written and read again: numpy's padding is what is expected."""

import numpy as np

from bertline.processors.records import batches, record_files
from bertline.processors.records.feature_spec import Feature, axes_of, mask_of, token_axes

SPEC = {
    "input_ids": Feature("int32", ("tokens",)),
    "input_mask": Feature("int32", ("tokens",), absent=1),
    "char_ids": Feature("int32", ("words", 3), padding=-1),
    "word_mask": Feature("int32", ("words",), absent=1),
    "sentence_ids": Feature("int32", ("sentences", "tokens")),
    "place": Feature("float32", (2,), absent=-5.0),
    "label_ids": Feature("int32", absent=-1),
}
ROWS = [
    {
        "input_ids": np.array([7, 8], np.int32),
        "char_ids": np.arange(9, dtype=np.int32).reshape(3, 3),
        "sentence_ids": [np.array([1, 2, 3]), np.array([4])],
        "place": np.array([0.5, 1.5], np.float32),
    },
    {
        "input_ids": np.array([5, 6, 7, 8], np.int32),
        "char_ids": np.arange(3, dtype=np.int32).reshape(1, 3),
        "sentence_ids": [np.array([9, 9])],
        "label_ids": np.int32(4),
    },
]


def read_back():
    serialized = [record_files.serialize(row, SPEC) for row in ROWS]
    parsed = batches.sort_by_length(batches.parse(serialized, SPEC), SPEC)
    return {name: value.numpy() for name, value in batches.dense_batch(parsed, 0, 2, SPEC).items()}


def test_each_axis_has_its_own_length_and_mask():
    batch = read_back()  # the longer text first
    np.testing.assert_array_equal(batch["input_ids"], [[5, 6, 7, 8], [7, 8, 0, 0]])
    np.testing.assert_array_equal(batch["input_mask"], [[1, 1, 1, 1], [1, 1, 0, 0]])
    np.testing.assert_array_equal(batch["word_mask"], [[1, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(batch["char_ids"][1], np.arange(9).reshape(3, 3))
    np.testing.assert_array_equal(batch["char_ids"][0], [[0, 1, 2], [-1] * 3, [-1] * 3])
    np.testing.assert_array_equal(batch["sentence_ids"], [[[9, 9, 0], [0, 0, 0]], [[1, 2, 3], [4, 0, 0]]])


def test_padding_and_absence_are_two_things():
    batch = read_back()
    np.testing.assert_array_equal(batch["place"], [[-5.0, -5.0], [0.5, 1.5]])
    np.testing.assert_array_equal(batch["label_ids"], [4, -1])


def test_axes_of_a_spec():
    assert axes_of(SPEC) == {"tokens": "input_ids", "words": "char_ids", "sentences": "sentence_ids"}
    assert token_axes(SPEC) == ["tokens"]
    assert [mask_of(axis) for axis in ("tokens", "a_tokens", "words")] == ["input_mask", "a_input_mask", "word_mask"]
