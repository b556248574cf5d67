"""Labels as numbers and back."""

import math

import numpy as np
import pytest

from processors.labels import Labels


def test_classes():
    labels = Labels("single_label_classification", ["red", "green", "blue"])
    assert labels.num_labels == 3
    assert [labels.encode(name) for name in labels.names] == [0, 1, 2]
    assert labels.encode("blue").dtype == np.int32
    assert labels.decode(np.array([0.2, 0.5, 0.3])) == "green"
    assert labels.spec["label_ids"].dtype == "int32" and labels.spec["label_ids"].shape == ()


def test_classes_that_are_numbers_in_a_processor():
    labels = Labels("single_label_classification", [0, 1])
    assert labels.names == ["0", "1"] and labels.encode(1) == labels.encode("1") == 1


def test_scores():
    labels = Labels("regression", [])
    assert labels.num_labels == 1
    assert labels.encode(2.5) == np.float32(2.5) and labels.encode(2.5).dtype == np.float32
    assert labels.decode(np.array([3.1415926])) == "3.14159"
    assert labels.spec["label_ids"].dtype == "float32"


def test_several_labels():
    labels = Labels("multi_label_classification", ["red", "green", "blue"])
    assert labels.encode(("blue", "red")).tolist() == [1.0, 0.0, 1.0]
    assert labels.encode(()).tolist() == [0.0, 0.0, 0.0]
    assert labels.decode(np.array([0.5, 0.49, 0.9])) == "red,blue"
    assert labels.decode(np.array([0.1, 0.1, 0.1])) == ""
    assert labels.spec["label_ids"].shape == (3,)


@pytest.mark.parametrize("kind, names", (("single_label_classification", ["a"]), ("regression", []),
                                         ("multi_label_classification", ["a"])))  # fmt: skip
def test_an_unlabelled_row_stays_unlabelled(kind, names):
    labels = Labels(kind, names)
    assert labels.encode(None) is None
    default = labels.spec["label_ids"].default
    assert default == -1 or math.isnan(default)  # no label can be mistaken for it
