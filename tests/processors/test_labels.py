"""Labels as numbers and back."""

import math

import numpy as np
import pytest

from bertline.processors.labels.base import make_labels


def test_classes():
    labels = make_labels("single_label_classification", ["red", "green", "blue"])
    assert labels.num_labels == 3
    assert [labels.encode(name)["label_ids"] for name in labels.names] == [0, 1, 2]
    assert labels.encode("blue")["label_ids"].dtype == np.int32
    assert labels.decode(np.array([0.2, 0.5, 0.3])) == "green"
    assert labels.spec["label_ids"].dtype == "int32" and labels.spec["label_ids"].axes == ()


def test_classes_that_are_numbers_in_a_processor():
    labels = make_labels("single_label_classification", [0, 1])
    assert labels.names == ["0", "1"] and labels.to_array(1) == labels.to_array("1") == 1


def test_scores():
    labels = make_labels("regression", [])
    assert labels.num_labels == 1
    assert labels.to_array(2.5) == np.float32(2.5) and labels.to_array(2.5).dtype == np.float32
    assert labels.decode(np.array([3.1415926])) == "3.14159"
    assert labels.spec["label_ids"].dtype == "float32"


def test_several_labels():
    labels = make_labels("multi_label_classification", ["red", "green", "blue"])
    assert labels.to_array(("blue", "red")).tolist() == [1.0, 0.0, 1.0]
    assert labels.to_array(()).tolist() == [0.0, 0.0, 0.0]
    assert labels.decode(np.array([0.5, 0.49, 0.9])) == "red,blue"
    assert labels.decode(np.array([0.1, 0.1, 0.1])) == ""
    assert labels.spec["label_ids"].axes == (3,)


@pytest.mark.parametrize(
    "kind, names", (("single_label_classification", ["a"]), ("regression", []), ("multi_label_classification", ["a"]))
)
def test_an_unlabelled_row_stays_unlabelled(kind, names):
    labels = make_labels(kind, names)
    assert labels.encode(None) == {}
    default = labels.spec["label_ids"].absent
    assert default == -1 or math.isnan(default)  # no label can be mistaken for it
