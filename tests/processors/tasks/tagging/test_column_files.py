"""CoNLL's columns: words, tags and what is wrong with a line."""

import pytest

from bertline import registry
from bertline.errors import InputError


def processor(**options):
    return registry.get("processor", "conll")(**options)


def written(folder, text, split="train"):
    (folder / f"{split}.txt").write_text(text, encoding="utf-8")
    return str(folder)


def test_columns_of_2003_and_of_tabs(tmp_path):
    text = "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n\nPeter NNP I-NP B-PER\n"
    task = processor()
    found = task.get_train_examples(written(tmp_path, text))
    assert [(one.words, one.label) for one in found] == [(("EU", "rejects"), ("B-ORG", "O")), (("Peter",), ("B-PER",))]
    assert found[1].source.endswith("train.txt:7") and found[1].guid == "train-2"
    assert task.get_labels() == ["O", "B-ORG", "B-PER"]
    assert task.metrics == ("entity_f1", "strict_entity_f1", "tag_accuracy")
    chunks = processor(word_column=0, tag_column=2).get_train_examples(str(tmp_path))
    assert chunks[0].label == ("B-NP", "B-VP")
    [one] = processor().get_train_examples(written(tmp_path, "New York\tO\n. \tB-x\r\n"))
    assert one.words == ("New York", ".") and one.label == ("O", "B-x")


def test_tags_without_marks_are_parts_of_speech(tmp_path):
    task = processor()
    task.get_train_examples(written(tmp_path, "a DT\ndog NN\n"))
    assert task.metrics == ("tag_accuracy",)


def test_test_rows_may_be_words_alone(tmp_path):
    [one] = processor(label_list="O,B-x").get_test_examples(written(tmp_path, "a\nb\n", "test"))
    assert one.words == ("a", "b") and one.label is None


def test_a_table_that_is_taken_for_one_long_sentence_is_told_of(tmp_path, caplog):
    processor().get_train_examples(written(tmp_path, "label\ttext\n" + "other\twhere is it\n" * 400))
    assert "its 401 lines are one sentence" in caplog.text


@pytest.mark.parametrize(
    "text, split, said",
    [
        ("a O\nb\n", "train", r"train.txt:2: no tag in 1 column\(s\); --tag_column=-1"),
        ("a O\nb\n", "test", "test.txt:2: no tag, but other words of the sentence have one"),
        ("a O\n", "dev", r"dev.txt:1: no word in 2 column\(s\); --word_column=4"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, text, split, said):
    task = processor(word_column=4) if split == "dev" else processor()
    read = {"train": task.get_train_examples, "dev": task.get_dev_examples, "test": task.get_test_examples}[split]
    with pytest.raises(InputError, match=said):
        read(written(tmp_path, text, split))


def test_a_tag_of_thousands_of_digits_is_a_tag(tmp_path):
    task = processor()
    task.get_train_examples(written(tmp_path, f"a B-{'7' * 5000}\nb B-2\nc B-10\n"))
    assert [tag[:4] for tag in task.get_labels()] == ["B-2", "B-10", "B-77"]
