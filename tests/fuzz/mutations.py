"""What happens to files: bytes flipped, cut off, put in, exchanged; values of JSON that are of another type."""

import json

ODD_BYTES = [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"\r\n",
    b"\t",
    b'"',
    b"'",
    b",",
    b"\\",
    b"\\ud800",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    "\U0001f642".encode(),
    "\u6c49".encode("gb18030"),
    b"{",
    b"}",
    b"[" * 5000,
    b"9" * 5000,
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"true",
    b"../",
    b"%s",
    b"$HOME",
]
ODD_VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**30,
    0.5,
    -0.1,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\ud800",
    [],
    [[]],
    [None],
    {},
    {"a": {}},
    "../x",
    "0",
    " ",
]


def mutated(raw, draw):
    """Bytes, changed in one to three places.

    Args:
      raw: bytes. draw: random.Random.
    """
    if draw.random() < 0.4:
        changed = _json(raw, draw)
        if changed is not None:
            return changed
    for _ in range(draw.randint(1, 3)):
        raw = draw.choice([_flip, _cut, _insert, _exchange, _repeat, _zero, _remove])(raw, draw)
    return raw


def _place(raw, draw):
    # Headers are where formats break: half of the places are near the beginning or the end.
    if not raw:
        return 0
    kind = draw.random()
    if kind < 0.35:
        return draw.randrange(min(len(raw), 64))
    return len(raw) - 1 - draw.randrange(min(len(raw), 64)) if kind < 0.5 else draw.randrange(len(raw))


def _flip(raw, draw):
    place = _place(raw, draw)
    return raw[:place] + bytes([raw[place] ^ (1 << draw.randrange(8))]) + raw[place + 1 :] if raw else raw


def _cut(raw, draw):
    return raw[: _place(raw, draw)]


def _insert(raw, draw):
    place = _place(raw, draw)
    return raw[:place] + draw.choice(ODD_BYTES) + raw[place:]


def _exchange(raw, draw):
    place, size = _place(raw, draw), draw.randint(1, 8)
    return raw[:place] + draw.randbytes(size) + raw[place + size :]


def _repeat(raw, draw):
    place, size = _place(raw, draw), draw.randint(1, 200)
    return raw[: place + size] + raw[place:]


def _zero(raw, draw):
    place, size = _place(raw, draw), draw.randint(1, 100)
    return raw[:place] + bytes(len(raw[place : place + size])) + raw[place + size :]


def _remove(raw, draw):
    place, size = _place(raw, draw), draw.randint(1, 100)
    return raw[:place] + raw[place + size :]


def _json(raw, draw):
    """JSON with a value, a key or an entry changed; None where it is no JSON. JSON lines: one of the lines."""
    lines = raw.split(b"\n")
    try:
        value = json.loads(raw)
        place = None
    except ValueError:
        place = draw.randrange(len(lines))
        try:
            value = json.loads(lines[place])
        except ValueError:
            return None
    value = _changed(value, draw)
    try:
        text = json.dumps(value).encode()
    except (TypeError, ValueError):
        return None
    if place is None:
        return text
    return b"\n".join([*lines[:place], text, *lines[place + 1 :]])


def _changed(value, draw, depth=0):
    if draw.random() < 0.25 or depth > 6 or not isinstance(value, (dict, list)) or not value:
        return draw.choice(ODD_VALUES)
    if isinstance(value, list):
        place = draw.randrange(len(value))
        return [*value[:place], _changed(value[place], draw, depth + 1), *value[place + 1 :]]
    key = draw.choice(list(value))
    others = {k: v for k, v in value.items() if k != key}
    kind = draw.random()
    if kind < 0.15:
        return others
    if kind < 0.25:
        return {**others, f"{key}x": value[key]}
    return {**value, key: _changed(value[key], draw, depth + 1)}
