"""Headers of .safetensors files: what the format's own library refuses is refused, in one line, and nothing else."""

import io
import json
import struct

import numpy as np
import pytest
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from bertline.errors import InputError
from bertline.weights.reading.safetensors_header import BITS, LONGEST_HEADER, read_header

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
OTHER = {"dtype": "F16", "shape": [2, 2], "data_offsets": [8, 16]}


def file_of(header, data=bytes(16)):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def ours(content):
    return read_header(io.BytesIO(content), len(content), "model.safetensors")


def test_offsets_and_shapes_are_those_of_the_library():
    content = save(
        {"b": np.ones([3, 2], np.float32), "a": np.zeros([], np.float16), "c": np.arange(4)}, {"format": "pt"}
    )
    expected = {name: (view["dtype"], view["shape"], bytes(view["data"])) for name, view in deserialize(content)}
    found = {e.name: (e.kind, list(e.shape), content[e.begin : e.end]) for e in ours(content)}
    assert found == expected


WRONG = {
    "a shape of floats": {"a": {**ONE, "shape": [2.0]}, "b": OTHER},
    "a shape of truth values": {"a": {**ONE, "shape": [True, 2]}, "b": OTHER},
    "a negative shape": {"a": {**ONE, "shape": [-2]}, "b": OTHER},
    "a shape that is no list": {"a": {**ONE, "shape": "2"}, "b": OTHER},
    "a shape of more than can be": {"a": {**ONE, "shape": [2**40, 2**40]}, "b": OTHER},
    "a million of dimensions": {"a": {**ONE, "shape": [2**63] * 100_000}, "b": OTHER},
    "no shape": {"a": {"dtype": "F32", "data_offsets": [0, 8]}, "b": OTHER},
    "an unknown dtype": {"a": {**ONE, "dtype": "F33"}, "b": OTHER},
    "a dtype that is no string": {"a": {**ONE, "dtype": ["F32"]}, "b": OTHER},
    "offsets of floats": {"a": {**ONE, "data_offsets": [0.0, 8.0]}, "b": OTHER},
    "three offsets": {"a": {**ONE, "data_offsets": [0, 8, 9]}, "b": OTHER},
    "offsets that go back": {"a": {**ONE, "data_offsets": [8, 0]}, "b": OTHER},
    "offsets that are none": {"a": {**ONE, "data_offsets": None}, "b": OTHER},
    "huge offsets": {"a": {**ONE, "data_offsets": [10**30, 10**30 + 8]}, "b": OTHER},
    "bytes that do not fit the shape": {"a": {**ONE, "shape": [3]}, "b": OTHER},
    "an entry that is a list": {"a": [1], "b": OTHER},
    "a begin above 0": {"b": OTHER},
    "an overlap": {"a": ONE, "b": {**OTHER, "data_offsets": [4, 12]}},
    "a hole": {"a": ONE, "b": {**OTHER, "shape": [2], "data_offsets": [12, 16]}},
    "bytes after the last tensor": {"a": ONE},
    "a tensor beyond the end": {"a": ONE, "b": {**OTHER, "shape": [4, 4], "data_offsets": [8, 40]}},
    "metadata of numbers": {"__metadata__": {"a": 1}, "a": ONE, "b": OTHER},
    "metadata that is a list": {"__metadata__": ["a"], "a": ONE, "b": OTHER},
    "a list": b"[]",
    "nothing": b"",
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps({"a": ONE, "b": OTHER}).encode(),
    "no UTF-8": b'{"\xff": 1}',
    "half a surrogate pair": b'{"\\ud800": '
    + json.dumps(ONE).encode()
    + b', "b": '
    + json.dumps(OTHER).encode()
    + b"}",
    "deep nesting": b'{"a": ' + b"[" * 50_000,
    "nesting as deep as can be read": b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
}


@pytest.mark.parametrize("header", WRONG.values(), ids=WRONG)
def test_what_the_format_forbids(header):
    content = file_of(header)
    with pytest.raises(SafetensorError):
        deserialize(content)
    with pytest.raises(InputError) as error:
        ours(content)
    assert str(error.value).startswith("model.safetensors: ") and "copy" in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_header_longer_than_any():
    content = struct.pack("<Q", LONGEST_HEADER + 1) + b"{"
    with pytest.raises(InputError, match=f"{LONGEST_HEADER + 1} bytes, the file has {LONGEST_HEADER * 2}, and "):
        read_header(io.BytesIO(content), LONGEST_HEADER * 2, "model.safetensors")


RIGHT = {
    "metadata": {"__metadata__": {"format": "pt"}, "a": ONE, "b": OTHER},
    "another order": {"b": OTHER, "a": ONE},
    "an unknown entry": {"a": {**ONE, "more": 1}, "b": OTHER},
    "blanks": json.dumps({"a": ONE, "b": OTHER}).encode() + b"   ",
    "a tensor of nothing": {"z": {"dtype": "F32", "shape": [0, 5], "data_offsets": [8, 8]}, "a": ONE, "b": OTHER},
}


@pytest.mark.parametrize("header", RIGHT.values(), ids=RIGHT)
def test_what_the_format_allows(header):
    content = file_of(header)
    assert {entry.name for entry in ours(content)} == {name for name, _ in deserialize(content)}


@pytest.mark.parametrize("kind", BITS)
def test_the_sizes_of_dtypes_are_those_of_the_library(kind):
    header = {"a": {"dtype": kind, "shape": [8], "data_offsets": [0, BITS[kind]]}}
    assert ours(file_of(header, bytes(BITS[kind])))[0].kind == kind
    deserialize(file_of(header, bytes(BITS[kind])))
    with pytest.raises(InputError):
        ours(file_of(header, bytes(BITS[kind] + 1)))


def test_damaged_headers_are_refused_where_the_library_refuses_them():
    """A few hundred headers with a byte changed, inserted or left out, by a fixed seed."""
    draw = np.random.default_rng(0)
    whole = json.dumps({"__metadata__": {"format": "pt"}, "first": ONE, "second": OTHER}).encode()
    agreed = refused = 0
    for _ in range(400):
        at, how = int(draw.integers(len(whole))), draw.integers(3)
        byte = bytes([draw.choice(list(b'0123456789.-eE"{}[],: aF') + [0, 200])])
        header = whole[:at] + (byte if how else b"") + whole[at + (how != 2) :]
        content = file_of(header)
        try:
            deserialize(content)
            expected = True
        except SafetensorError:
            expected = False
        try:
            ours(content)
            found = True
        except InputError:
            found = False
        assert found == expected, header
        agreed, refused = agreed + 1, refused + (not found)
    assert agreed == 400 and 200 < refused < 400
