"""The picture of confusions: legible, bounded, and no reason for a run to fail."""

import struct

import numpy as np
import pytest

from training import results

PIXELS_AT_MOST = 42 * 120


def size(path):
    """(width, height) that a PNG file says it has."""
    data = path.read_bytes()[:24]
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:])


def draw(folder, names):
    ids = np.arange(len(names))
    results.write_confusion(str(folder), names, ids, np.eye(len(names), dtype=np.float32))


def test_a_few_classes_have_room_for_their_names(tmp_path):
    draw(tmp_path, [f"class {i}" for i in range(3)])
    few = size(tmp_path / "confusion.png")
    draw(tmp_path, [f"class {i}" for i in range(12)])
    assert size(tmp_path / "confusion.png") > few


def test_many_classes_are_bounded(tmp_path, caplog):
    draw(tmp_path, [f"class {i}" for i in range(120)])
    assert max(size(tmp_path / "confusion.png")) <= PIXELS_AT_MOST and not caplog.text


def test_too_many_classes_are_not_drawn(tmp_path, caplog):
    names = [str(i) for i in range(results.MOST_CLASSES + 1)]
    results.write_confusion(str(tmp_path), names, np.zeros(1, int), np.zeros([1, len(names)]))
    assert not list(tmp_path.iterdir()) and "confusion.png is not drawn: 2001 classes" in caplog.text


@pytest.mark.parametrize("names", (["$a^$", "b"], ["from $5 to $6 {", "$\\frac$"]))
def test_names_are_no_markup(tmp_path, caplog, names):
    draw(tmp_path, names)
    assert (tmp_path / "confusion.png").exists() and not caplog.text


def test_what_cannot_be_drawn_is_a_warning(tmp_path, caplog):
    (tmp_path / "confusion.png").mkdir()
    draw(tmp_path, ["a", "b"])
    assert "confusion.png is not drawn: " in caplog.text
