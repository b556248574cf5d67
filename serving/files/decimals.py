"""Numbers as Python's json writes `round(float(x), 6)`, a million at a time instead of one by one."""

import json

import numpy as np

_INTEGER_DIGITS, _DECIMALS = 6, 6
_LIMIT = 10**_INTEGER_DIGITS  # above, and for what is no number, Python itself is asked
_WIDTH = 1 + _INTEGER_DIGITS + 1 + _DECIMALS + 2  # sign, digits, point, digits, comma and blank
_POINT, _SEPARATOR = 1 + _INTEGER_DIGITS, _WIDTH - 2
# Below 0.0001 Python writes an exponent: 5e-05.
_SMALL = [repr(i / 10**_DECIMALS).encode() for i in range(100)]
_CHUNK = 1 << 16  # numbers at a time, so that the work stays in the cache


def join_rows(values):
    """Each row's numbers joined by ", ": float [R, W] -> list of R str."""
    values = values.astype(np.float64)  # in which a float32 times a million is exact
    if not (values.size and np.all(np.abs(values) < _LIMIT - 1)):
        rows = values.tolist()
        return [json.dumps([round(number, _DECIMALS) for number in row])[1:-1] for row in rows]
    step = max(1, _CHUNK // values.shape[1])
    return [row for start in range(0, len(values), step) for row in _join(values[start : start + step])]


def _join(values):
    wide = values.ravel()
    millionths = np.rint(np.abs(wide) * 10**_DECIMALS).astype(np.int64)
    cells = np.empty([len(wide), _WIDTH], np.uint8)
    kept = np.zeros([len(wide), _WIDTH], bool)
    cells[:, 0], kept[:, 0] = ord("-"), np.signbit(wide)
    cells[:, _POINT], kept[:, _POINT] = ord("."), True
    cells[:, _SEPARATOR], cells[:, _SEPARATOR + 1] = ord(","), ord(" ")
    kept[:, _SEPARATOR:] = True
    kept.reshape(*values.shape, _WIDTH)[:, -1, _SEPARATOR:] = False
    rest = (millionths % 10**_DECIMALS).astype(np.int32)
    matters = np.zeros(len(wide), bool)  # from the right: zeros at the end go, but for the first decimal
    for column in range(_POINT + _DECIMALS, _POINT, -1):
        rest, digit = np.divmod(rest, 10)
        matters |= digit > 0
        cells[:, column] = digit + ord("0")
        kept[:, column] = matters
    kept[:, _POINT + 1] = True
    rest = (millionths // 10**_DECIMALS).astype(np.int32)
    kept[:, _POINT - 1] = True
    for column in range(_POINT - 1, 0, -1):
        if column < _POINT - 1:
            kept[:, column] = rest > 0
        rest, digit = np.divmod(rest, 10)
        cells[:, column] = digit + ord("0")
    for i in np.flatnonzero((millionths < 100) & (millionths > 0)):
        text = np.frombuffer(_SMALL[millionths[i]], np.uint8)
        cells[i, 1 : 1 + len(text)] = text
        kept[i, 1:_SEPARATOR] = np.arange(1, _SEPARATOR) <= len(text)
    text = cells[kept].tobytes().decode("ascii")
    ends = np.cumsum(kept.reshape(len(values), -1).sum(axis=1)).tolist()
    return [text[start:end] for start, end in zip([0, *ends], ends)]
