"""What labels in containers of all kinds are taken for, and what is said of those that cannot be."""

import enum

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.facade.labels import check_classes, read_labels

CLASSES, SEVERAL, SCORES = "single_label_classification", "multi_label_classification", "regression"


@pytest.mark.parametrize(
    "labels, kind, read",
    [
        (["b", "a"], CLASSES, ["b", "a"]),
        ([1, 0], CLASSES, ["1", "0"]),
        ([True, False], CLASSES, ["true", "false"]),
        (np.array([2, 1]), CLASSES, ["2", "1"]),
        (np.array(["b", "a"]), CLASSES, ["b", "a"]),
        (np.array([[1], [0]]), CLASSES, ["1", "0"]),
        ([np.int64(3), np.int64(4)], CLASSES, ["3", "4"]),
        (iter(["b", "a"]), CLASSES, ["b", "a"]),
        ([0.5, 1.0], SCORES, [0.5, 1.0]),
        ([0, 0.5], SCORES, [0.0, 0.5]),
        (np.array([0.5, 2], np.float32), SCORES, [0.5, 2.0]),
        ([["a", "b"], [], ["c"]], SEVERAL, [("a", "b"), (), ("c",)]),
        ([{"b", "a"}, {"c"}], SEVERAL, [("a", "b"), ("c",)]),
        ([(27,), (2, 3)], SEVERAL, [("27",), ("2", "3")]),
        (np.array([[1, 0, 1], [0, 0, 0]]), SEVERAL, [("0", "2"), ()]),
        ({"toxic": [1, 0], "insult": [1, 1]}, SEVERAL, [("toxic", "insult"), ("insult",)]),
    ],
)
def test_kinds_of_labels(labels, kind, read):
    assert read_labels(labels)[:2] == (kind, read)


def test_a_kind_that_is_said():
    assert read_labels([1.0, 0.0], SCORES)[1] == [1.0, 0.0]
    assert read_labels([1, 5], SCORES)[1] == [1.0, 5.0]
    assert read_labels([1.0, 0.0], CLASSES)[1] == ["1", "0"]


def test_pandas():
    pandas = pytest.importorskip("pandas", reason="make tables")
    assert read_labels(pandas.Series(["b", "a"], index=[7, 3]))[1] == ["b", "a"]
    assert read_labels(pandas.Series(["b", "a"], dtype="category"))[1] == ["b", "a"]
    marks = pandas.DataFrame({"toxic": [1, 0], "insult": [True, True]})
    assert read_labels(marks) == (SEVERAL, [("toxic", "insult"), ("insult",)], ["toxic", "insult"])
    for missing in (pandas.Series(["a", None]), pandas.Series([1, None], dtype="Int64"), pandas.Series([0.5, None])):
        with pytest.raises(InputError, match=r"labels\[1\]: .*missing label; leave such rows out"):
            read_labels(missing)


class Named:
    """A column of `datasets`, as far as it is read."""

    def __init__(self, values, feature):
        self.features, self._values = feature, values

    def __iter__(self):
        return iter(self._values)


class Feature:
    def __init__(self, names=None, feature=None):
        if names:
            self.names = names
        else:
            self.feature = feature


def test_classes_that_have_names():
    feature = Feature(["neg", "pos"])
    assert read_labels(Named([1, 0], feature)) == (CLASSES, ["pos", "neg"], ["neg", "pos"])
    assert read_labels(Named([[0, 1], []], Feature(feature=feature)))[:2] == (SEVERAL, [("neg", "pos"), ()])
    with pytest.raises(InputError, match=r"labels\[1\]: -1, of 2 classes"):
        read_labels(Named([1, -1], feature))


def test_columns_of_datasets():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"label": datasets.ClassLabel(names=["neg", "pos"])})
    table = datasets.Dataset.from_dict({"label": [1, 0]}, features=features)
    assert read_labels(table["label"]) == (CLASSES, ["pos", "neg"], ["neg", "pos"])


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    "labels, said",
    [
        (["a", None], r"labels\[1\]: None, a missing label"),
        (["a", float("nan")], r"labels\[1\]: nan, a missing label"),
        (["a", ""], r"labels\[1\]: '', an empty label"),
        (["a", 1], r"labels\[1\]: 1, and labels\[0\] is 'a'; labels of one kind"),
        (["a", ["b"]], r"labels\[1\]: \['b'\], and labels\[0\] is 'a'; labels of one kind"),
        ([["a"], None], r"labels\[1\]: None, a missing label"),
        ([[1, 0, 0], [0, 1, 0]], r"labels\[0\]: \[1, 0, 0\], the same label twice; .* give a numpy array"),
        ([1.0, 0.0], "floats that are whole numbers, as 1.0: say problem_type='regression'"),
        (np.array([[1, 2], [0, 1]]), r"labels\[0\]: 2 in the column 1; 0 or 1 is needed"),
        ([Colour.RED], r"labels\[0\]: <Colour.RED: 1>, of type Colour; a str, an int"),
    ],
)
def test_labels_that_cannot_be(labels, said):
    with pytest.raises(InputError, match=said):
        read_labels(labels)


def test_labels_that_are_not_of_the_kind_that_is_said():
    with pytest.raises(InputError, match=r"labels\[0\]: 'good'; .* problem_type='regression'"):
        read_labels(["good", "bad"], SCORES)
    with pytest.raises(InputError, match=r"labels\[0\]: 'a'; .* problem_type='multi_label_classification'"):
        read_labels(["a"], SEVERAL)


@pytest.mark.parametrize(
    "labels, said", [("label", "label_column='label'"), (3, "of type int; a list"), (None, "NoneType")]
)
def test_no_list_of_labels(labels, said):
    with pytest.raises(TypeError, match=said):
        read_labels(labels)


def test_a_single_class_cannot_be_learned():
    with pytest.raises(InputError, match="every row has the label 'a'; two classes"):
        check_classes(["a", "a"], CLASSES)
    check_classes(["a", "b"], CLASSES)
    check_classes([1.0, 1.0], SCORES)
