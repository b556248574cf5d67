"""Runs of run_classifier.py with a teacher, in this process: by folder and by files, a stop and what follows it."""

import json
import signal

import numpy as np
import pytest
import small_tasks
from small_tasks import weights

from bertline.errors import InputError
from bertline.training.jobs.task_data import TaskData

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return small_tasks.start_folder(tmp_path_factory.mktemp("start"), num_hidden_layers=2)


@pytest.fixture(scope="module")
def teacher(start, data, tmp_path_factory):
    """A folder that was trained on hue."""
    hue = {"task_name": "tsv", "data_dir": str(data / "hue")}
    return small_tasks.run(start, tmp_path_factory.mktemp("teacher"), do_train=True, learning_rate=1e-3, **hue)


@pytest.fixture(scope="module")
def student(start, tmp_path_factory):
    """Flags of a student that begins as the first layer of the teacher, and of one of half its width."""
    folder, flags = tmp_path_factory.mktemp("student"), []
    sizes = json.loads((start / "config.json").read_text()) | {"num_hidden_layers": 1}
    for name, changes in (("first", {}), ("narrow", {"hidden_size": 16})):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(sizes | changes))
        flags.append({"bert_config_file": str(path), "vocab_file": str(start / "vocab.txt"), "terms": "distillation"})
    return flags


def test_files_teach_what_the_folder_teaches(teacher, student, data, tmp_path, caplog):
    """What --do_predict wrote for the training records; the log says with which layers the student begins."""
    hue, records = {"task_name": "tsv", "data_dir": str(data / "hue")}, teacher / "records"
    caplog.set_level("INFO")
    small_tasks.run(teacher, tmp_path, do_predict=True, predict_records=f"{records}/train-*.tfrecord", **hue)
    assert (tmp_path / "predictions.tsv").read_text().count("\n") == 17
    given = {**hue, **student[0], "do_train": True, "learning_rate": 1e-3}
    one = small_tasks.run(teacher, tmp_path / "one", teacher=str(teacher), **given)
    assert (
        "layers beyond the 1 that the configuration says: the model begins as the first 1 of this file" in caplog.text
    )
    assert not any("layers" in record.message for record in caplog.records if record.levelname == "WARNING")
    files = {"teacher_predictions": str(tmp_path / "predictions.tsv")}
    two, alone = (
        small_tasks.run(teacher, tmp_path / name, **{**given, **changes})
        for name, changes in (("two", files), ("alone", {"terms": ""}))
    )
    expected, other = weights(one), weights(alone)
    for name, found in weights(two).items():
        np.testing.assert_allclose(found, expected[name], atol=2e-4, err_msg=name)
    assert np.abs(other["classifier.weight"] - expected["classifier.weight"]).max() > 1e-3, "the teacher counts"
    with pytest.raises(InputError, match="predictions.tsv: 16 rows, and there are 5 to train on"):
        small_tasks.run(teacher, tmp_path / "three", **{**given, **files, "train_file": str(data / "hue" / "test.tsv")})


def test_a_stopped_run_with_projections_ends_with_the_same_bits(teacher, student, data, tmp_path, monkeypatch):
    given = {"task_name": "tsv", "data_dir": str(data / "hue"), "teacher": str(teacher), **student[1]}
    given |= {
        "teacher_states": 1.0,
        "teacher_attention": 0.5,
        "init_checkpoint": None,
        "do_train": True,
        "eval_steps": 4,
    }
    whole = small_tasks.run(None, tmp_path / "whole", **given)
    small_tasks.stop_at_first_scores(monkeypatch, TaskData)
    small_tasks.run(None, tmp_path / "cut", 128 + signal.SIGTERM, **given)
    small_tasks.run(None, tmp_path / "cut", **given)
    expected, found = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert not any("project" in name for name in found), "what the student alone needs"
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name], name)
    assert "train/distillation" in (whole / "metrics.csv").read_text()


def test_a_task_of_several_has_a_teacher_of_its_own(teacher, start, data, tmp_path):
    """By its section; the other task learns from its labels alone."""
    recipe = tmp_path / "both.ini"
    text = (data / "both.ini").read_text()
    recipe.write_text(text.replace("[near]", f"terms = distillation\nteacher = {teacher}\nteacher_states = 1\n[near]"))
    out = small_tasks.run(start, tmp_path / "out", tasks_file=str(recipe), num_train_epochs=1, do_train=True)
    header, *rows = (row.split(",") for row in (out / "metrics.csv").read_text().splitlines())
    assert any(float(row[header.index("train/distillation")] or 0.0) for row in rows)
    with pytest.raises(InputError, match="^task near: --teacher=.*: trained for single_label_classification, "):
        recipe.write_text(f"{text}terms = distillation\nteacher = {teacher}\n")
        small_tasks.run(start, tmp_path / "other", tasks_file=str(recipe), do_train=True)
