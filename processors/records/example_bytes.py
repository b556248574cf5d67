"""Arrays as the bytes of tf.train.Example messages, without TensorFlow: processes that write need not import it.

Source: the protocol buffer wire format, https://protobuf.dev/programming-guides/encoding; tensorflow/core/example.
"""

import numpy as np

_FLOAT_LIST, _INT64_LIST = 2, 3  # fields of the Feature message


def examples(features):
    """One serialized tf.train.Example per row of ragged arrays.

    Args:
      features: name -> (values [total], splits [rows + 1]); integers become int64 lists, floats float lists.

    Returns:
      list of bytes; the features of each are in the order of their names.
    """
    columns = []
    for name, (values, splits) in sorted(features.items()):
        if np.issubdtype(values.dtype, np.floating):
            kind, body, ends = _FLOAT_LIST, values.astype("<f4").tobytes(), 4 * splits
        else:
            kind, (body, ends) = _INT64_LIST, _varints(values, splits)
        ends, heads = ends.tolist(), {}
        pairs = list(zip(ends, ends[1:]))
        for length in {end - start for start, end in pairs}:
            heads[length] = _head(name.encode(), kind, length)
        columns.append([heads[end - start] for start, end in pairs])
        columns.append([body[start:end] for start, end in pairs])
    rows = [b"".join(parts) for parts in zip(*columns)]
    prefixes = {length: b"\x0a" + _varint(length) for length in {len(row) for row in rows}}
    return [prefixes[len(row)] + row for row in rows]


def _head(name, kind, length):
    """What precedes the numbers of a feature: an entry of the map, its key, and the messages around the list."""
    numbers = b"\x0a" + _varint(length)  # value: packed
    feature = bytes([kind << 3 | 2]) + _varint(len(numbers) + length) + numbers
    entry = b"\x0a" + _varint(len(name)) + name + b"\x12" + _varint(len(feature) + length) + feature
    return b"\x0a" + _varint(len(entry) + length) + entry


def _varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _varints(values, splits):
    """All values as varints: bytes, and where each row ends in them. A negative number has ten bytes."""
    values = values.astype(np.int64).view(np.uint64)
    largest = int(values.max(initial=0))
    if largest < 128:
        return values.astype(np.uint8).tobytes(), splits
    sizes = np.ones(len(values), np.int64)
    for bits in range(7, largest.bit_length(), 7):
        sizes += values >> np.uint64(bits) != 0
    ends = np.concatenate([[0], np.cumsum(sizes)])
    out = np.empty(ends[-1], np.uint8)
    for place in range(int(sizes.max())):
        longer = sizes > place
        digits = values[longer] >> np.uint64(7 * place) & np.uint64(127)
        out[ends[:-1][longer] + place] = digits | (sizes[longer] > place + 1).astype(np.uint64) << np.uint64(7)
    return out.tobytes(), ends[splits]
