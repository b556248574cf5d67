"""From settings to examples: a file that is split is split in the same way by every command of its folder."""

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.folder import split_file
from bertline.training.jobs import task_files

FRACTIONS = {"dev_fraction": 0.1, "test_fraction": 0.2}


def read(folder, **settings):
    """split -> texts, as the script reads them; what it trains on is written down."""
    run = ClassifierSettings(
        task_name="tsv", train_file=f"{folder}/reviews.tsv", output_dir=f"{folder}/out", label_list="x,y", **settings
    )
    processor = task_files.make_processor(run)
    examples = task_files.read_examples(run, processor)
    split_file.write(run, processor)
    return {split: [example.text_a for example in rows] for split, rows in examples.items()}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, range(100))
    (tmp_path / "out").mkdir()
    return tmp_path


def write(folder, numbers):
    rows = [f"text {i}\t{'xy'[i % 2]}" for i in numbers]
    (folder / "reviews.tsv").write_text("\n".join(["text\tlabel", *rows]) + "\n")


def test_prediction_alone_takes_the_same_test_rows(folder, caplog):
    trained = read(folder, do_train=True, do_eval=True, do_predict=True, num_runs=3, **FRACTIONS)
    assert {split: len(texts) for split, texts in trained.items()} == {"train": 70, "dev": 10, "test": 20}
    assert sum(map(len, trained.values())) == len(set().union(*trained.values()))
    assert read(folder, do_predict=True) == {"test": trained["test"]}
    assert read(folder, do_predict=True, **FRACTIONS) == {"test": trained["test"]}
    assert read(folder, do_eval=True, do_predict=True, seed=99) == {split: trained[split] for split in ("dev", "test")}
    # Rows that came later, and another order, change nothing of it.
    write(folder, [*range(110, 50, -1), *range(51)])
    caplog.clear()
    again = read(folder, do_predict=True)
    assert set(again["test"]) == set(trained["test"])
    assert "11 rows are not in split.tsv and are left out" in caplog.text
    with pytest.raises(InputError, match="not those of split.tsv in the output folder; leave --dev_fraction"):
        read(folder, do_predict=True, **FRACTIONS)
    with pytest.raises(InputError, match="not those of split.tsv"):
        read(folder, do_predict=True, test_fraction=0.5)
    # A new training chooses anew.
    assert sum(map(len, read(folder, do_train=True, do_predict=True, **FRACTIONS).values())) == 100


def test_the_folder_of_one_of_several_runs(folder):
    trained = read(folder, do_train=True, do_predict=True, **FRACTIONS)
    run = ClassifierSettings(
        task_name="tsv",
        train_file=f"{folder}/reviews.tsv",
        output_dir=f"{folder}/out/run-12345/",
        do_predict=True,
        label_list="x,y",
    )
    found = task_files.read_examples(run, task_files.make_processor(run))["test"]
    assert [example.text_a for example in found] == trained["test"]


def test_weights_of_another_folder_bring_their_split(folder):
    trained = read(folder, do_train=True, do_predict=True, **FRACTIONS)
    (folder / "out" / "run_config.json").write_text('{"settings": {}}')
    here = {"task_name": "tsv", "output_dir": f"{folder}/new", "do_predict": True, "label_list": "x,y"}
    for fractions, same in (({}, True), (FRACTIONS, True), ({"test_fraction": 0.3}, False)):
        run = ClassifierSettings(
            train_file=f"{folder}/reviews.tsv", init_checkpoint=f"{folder}/out/model", **here, **fractions
        )
        found = task_files.read_examples(run, task_files.make_processor(run))["test"]
        assert ([example.text_a for example in found] == trained["test"]) is same


def test_nothing_is_written_by_a_dry_run_or_without_a_split(folder):
    read(folder, do_train=True, dry_run=True, **FRACTIONS)
    read(folder, do_train=True)
    assert list((folder / "out").iterdir()) == []


def test_a_split_file_that_is_none(folder):
    (folder / "out" / "split.tsv").write_text("split\tguid\n")
    with pytest.raises(InputError, match="split.tsv: not the split.tsv that was written; copy it again"):
        read(folder, do_predict=True)


def test_a_folder_is_needed_by_who_reads_it():
    run = ClassifierSettings(task_name="mrpc", output_dir="o", do_train=True)
    with pytest.raises(InputError, match="--data_dir is needed for the train split"):
        task_files.read_examples(run, task_files.make_processor(run))
