"""What is said of each class: numbers as scikit-learn has them, a picture that is legible and no reason to fail."""

import csv
import struct

import numpy as np
import pytest
import sklearn.metrics as sk

from bertline.training.evaluation import class_report

PIXELS_AT_MOST = 42 * 120


def size(path):
    """(width, height) that a PNG file says it has."""
    data = path.read_bytes()[:24]
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:])


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", strict=True))


def write(folder, names, labels=None, found=None):
    """Writes the files of labels and of what was found; by default each class once, and found."""
    labels = np.arange(len(names)) if labels is None else labels
    found = labels if found is None else found
    class_report.write(str(folder), names, labels, np.eye(len(names), dtype=np.float32)[found], "accuracy 1.000")


def test_the_numbers_are_those_of_scikit_learn(tmp_path):
    draw = np.random.default_rng(0)
    names = ["a", "b\tc", 'say "d"', "line\nend", "never"]
    labels, found = draw.integers(0, 4, 50), draw.integers(0, 4, 50)
    write(tmp_path, names, labels, found)
    header, *rows = table(tmp_path / "per_class.tsv")
    assert header == ["label", "precision", "recall", "f1", "rows", "predicted"] and [row[0] for row in rows] == names
    expected = [*sk.precision_recall_fscore_support(labels, found, labels=range(5), zero_division=0)]
    expected.append(np.bincount(found, minlength=5))
    np.testing.assert_allclose(np.array([row[1:] for row in rows], float).T, expected, atol=1e-6)
    header, *rows = table(tmp_path / "confusion.tsv")
    assert header == ["label", *names] and [row[0] for row in rows] == names
    np.testing.assert_array_equal(
        np.array([row[1:] for row in rows], int), sk.confusion_matrix(labels, found, labels=range(5))
    )


def test_several_labels_of_a_row(tmp_path):
    draw = np.random.default_rng(1)
    labels, probabilities = draw.integers(0, 2, [40, 3]).astype(np.float32), draw.random([40, 3])
    class_report.write(str(tmp_path), ["a", "b", "c"], labels, probabilities)
    expected = sk.precision_recall_fscore_support(labels, probabilities >= 0.5, zero_division=0)
    found = np.array([row[1:5] for row in table(tmp_path / "per_class.tsv")[1:]], float).T
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["per_class.tsv"]


def test_a_few_classes_have_room_for_their_names(tmp_path):
    write(tmp_path, [f"class {i}" for i in range(3)])
    few = size(tmp_path / "confusion.png")
    write(tmp_path, [f"class {i}" for i in range(12)])
    assert size(tmp_path / "confusion.png") > few


@pytest.mark.slow
def test_many_classes_are_bounded(tmp_path, caplog):
    write(tmp_path, [f"class {i}" for i in range(120)])
    assert max(size(tmp_path / "confusion.png")) <= PIXELS_AT_MOST and not caplog.text


def test_too_many_classes_are_not_crossed(tmp_path, caplog):
    names = [str(i) for i in range(class_report.MOST_CLASSES + 1)]
    write(tmp_path, names, np.zeros(1, int))
    assert [path.name for path in tmp_path.iterdir()] == ["per_class.tsv"]
    assert "confusion.tsv and confusion.png are not written: 2001 classes" in caplog.text


@pytest.mark.parametrize("names", (["$a^$", "b"], ["from $5 to $6 {", "$\\frac$"]))
def test_names_are_no_markup(tmp_path, caplog, names):
    write(tmp_path, names)
    assert (tmp_path / "confusion.png").exists() and not caplog.text


def test_what_cannot_be_drawn_is_a_warning(tmp_path, caplog):
    (tmp_path / "confusion.png").mkdir()
    write(tmp_path, ["a", "b"])
    assert "confusion.png is not drawn: " in caplog.text
    assert (tmp_path / "confusion.tsv").exists()
