"""Texts and labels, or tables of both, as examples."""

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.facade.examples import ListProcessor, read_examples
from bertline.facade.tables import ColumnNames

ROWS = [("it broke", None, "bad"), ("it works", None, "good")]
PAIRS = [("a dog", "an animal", "yes"), ("a dog", "a cat", "no")]


def read(texts, labels=None, problem_type=None, **names):
    _, examples, _ = read_examples(texts, labels, ColumnNames(**names), problem_type)
    assert [example.guid for example in examples] == [f"texts[{row}]" for row in range(len(examples))]
    return [(example.text_a, example.text_b, example.label) for example in examples]


def test_lists():
    texts, labels = ["it broke", "it works"], ["bad", "good"]
    assert read(texts, labels) == read(np.array(texts), np.array(labels)) == read(iter(texts), iter(labels)) == ROWS
    pairs = [("a dog", "an animal"), ["a dog", "a cat"]]
    assert read(pairs, ["yes", "no"]) == read(np.array(pairs), ["yes", "no"]) == PAIRS


def test_tables():
    table = {"id": [7, 8], "text": ["it broke", "it works"], "label": ["bad", "good"]}
    assert read(table) == ROWS
    assert read({"review": table["text"], "stars": table["label"]}, text_a="review", label="stars") == ROWS
    pairs = {"premise": ["a dog", "a dog"], "hypothesis": ["an animal", "a cat"], "label": ["yes", "no"]}
    assert read(pairs, text_a="premise", text_b="hypothesis") == PAIRS
    marks = {"text": ["it broke", "it works"], "toxic": [1, 0], "rude": [1, 1]}
    assert [label for *_, label in read(marks, label=("toxic", "rude"))] == [("toxic", "rude"), ("rude",)]


def test_tables_of_pandas():
    pandas = pytest.importorskip("pandas", reason="make tables")
    table = pandas.DataFrame({"text": ["it broke", "it works"], "label": ["bad", "good"]}, index=[5, 2])
    assert read(table) == read(table["text"], table["label"]) == read(table[["text"]], table["label"]) == ROWS
    pairs = pandas.DataFrame([["a dog", "an animal"], ["a dog", "a cat"]])
    assert read(pairs, ["yes", "no"]) == PAIRS
    with pytest.raises(InputError, match=r"texts\[1\]: .*a missing value"):
        read(pandas.DataFrame({"text": ["a", None], "label": [1, 0]}))


def test_tables_of_arrow():
    pyarrow = pytest.importorskip("pyarrow", reason="make tables")
    assert read(pyarrow.table({"text": ["it broke", "it works"], "label": ["bad", "good"]})) == ROWS


def test_tables_of_datasets():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["good", "bad"])}
    )
    table = datasets.Dataset.from_dict({"text": ["it broke", "it works"], "label": [1, 0]}, features=features)
    assert read(table) == read(table["text"], table["label"]) == ROWS
    assert read_examples(table, None, ColumnNames())[2] == ["good", "bad"]
    with pytest.raises(TypeError, match=r"found several \(train\); give one: data\['train'\]"):
        read(datasets.DatasetDict({"train": table}))


@pytest.mark.parametrize(
    "texts, labels, names, said",
    [
        (["a", "b"], ["x"], {}, "texts has 2 rows, labels has 1; one label for each text"),
        (["a", "b"], None, {}, "labels: None; a list is needed"),
        ([], [], {}, "an empty list"),
        (["a", None], ["x", "y"], {}, r"texts\[1\]: None, a missing value"),
        (["a", ("b", "c")], ["x", "y"], {}, r"texts\[1\]: single texts and pairs are mixed"),
        ({"text": ["a"], "labell": ["x"]}, None, {}, "none of the columns is named label"),
        ({"text": ["a"], "stars": ["x"]}, None, {"label": "star"}, "no column 'star'; .*did you mean stars"),
    ],
)
def test_what_cannot_be(texts, labels, names, said):
    with pytest.raises(InputError, match=said):
        read(texts, labels, **names)


@pytest.mark.parametrize("texts", ["one text", {"train": {"text": []}, "test": {"text": []}}])
def test_no_list_of_texts(texts):
    with pytest.raises(TypeError, match="needed"):
        read(texts, ["x"])


def test_rows_in_memory_are_split_like_those_of_a_file(tmp_path):
    texts, labels = [f"text {i}" for i in range(40)], [f"label {i % 2}" for i in range(40)]
    _, examples, _ = read_examples(texts, labels, ColumnNames())
    in_memory = ListProcessor({"train": examples}, dev_fraction=0.25, split_seed=3)
    lines = [f"{text}\t{label}" for text, label in zip(texts, labels)]
    (tmp_path / "train.tsv").write_text("\n".join(["text\tlabel", *lines]) + "\n", encoding="utf-8")
    from_file = type(in_memory).__mro__[1](dev_fraction=0.25, split_seed=3)
    for method in ("get_train_examples", "get_dev_examples"):
        found, expected = getattr(in_memory, method)(None), getattr(from_file, method)(tmp_path)
        assert [one.content() for one in found] == [one.content() for one in expected]
    assert len(found) == 10 and in_memory.get_labels() == from_file.get_labels()
