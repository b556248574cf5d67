"""Records by key, in memory and on disk."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertline.errors import InputError
from bertline.processors.corpora.making.key_order import KeyOrder

KEYS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**58, 2**64 - 1])
BATCHES = st.lists(st.lists(st.tuples(KEYS, st.binary(max_size=20)), max_size=30), max_size=8)


@settings(deadline=None, max_examples=50)
@given(BATCHES, st.sampled_from([0, 50, 300, 1 << 20]))
def test_sorted_whatever_the_memory(tmp_path_factory, batches, memory):
    order = KeyOrder(tmp_path_factory.getbasetemp(), memory)
    for batch in batches:
        order.add(np.array([key for key, _ in batch], np.uint64), [record for _, record in batch])
    everything = [pair for batch in batches for pair in batch]
    assert list(order.records()) == [record for _, record in sorted(everything, key=lambda pair: pair[0])]


def test_equal_keys_keep_their_order_through_all_levels(tmp_path):
    order = KeyOrder(tmp_path, bytes_in_memory=10)
    records = [f"record {i}".encode() for i in range(50)]
    order.add(np.full(50, 12345, np.uint64), records)
    assert list(order.records()) == records


def test_leaves_no_name_on_disk(tmp_path):
    order = KeyOrder(tmp_path, bytes_in_memory=10)
    order.add(np.arange(50, dtype=np.uint64) << np.uint64(58), [b"x" * 10] * 50)
    assert os.listdir(tmp_path) == []
    assert len(list(order.records())) == 50


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    order = KeyOrder(tmp_path / "file", bytes_in_memory=1)
    with pytest.raises(InputError, match="file: instances cannot be stored here"):
        order.add(np.zeros(2, np.uint64), [b"xx", b"yy"])
