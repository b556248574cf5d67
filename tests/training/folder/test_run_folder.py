"""The output folder: may it be written, does it hold this run."""

import dataclasses
import json
import os
import subprocess

import pytest

from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.folder import run_folder

MODEL = {"hidden_size": 32, "hidden_act": "gelu"}


def settings(**changes):
    return dataclasses.replace(ClassifierSettings(output_dir="out", task_name="cola"), **changes)


@pytest.fixture
def folder(tmp_path):
    run_folder.write_run_config(tmp_path, settings(), training_data="abc", encoder_config=MODEL)
    return str(tmp_path)


def test_the_same_run_continues(folder):
    run_folder.check_same_run(folder, settings(), "abc", MODEL)
    run_folder.check_same_run(folder + "/nothing", settings(), "abc", MODEL)
    # What does not shape the weights may change.
    run_folder.check_same_run(
        folder, settings(do_train=True, data_dir="x", save_checkpoints_steps=5, num_gpus=2), "abc", MODEL
    )


def test_every_setting_that_shapes_the_weights_is_compared(folder):
    other = {
        bool: lambda v: not v,
        int: lambda v: v + 1,
        float: lambda v: v + 0.5,
        str: lambda v: v + "x",
        type(None): lambda _: "x",
    }
    changed = [field for field in dataclasses.fields(ClassifierSettings) if field.metadata["shapes_weights"]]
    assert {"learning_rate", "seed", "train_batch_size", "max_seq_length", "dtype"} <= {field.name for field in changed}
    for field in changed:
        before = getattr(settings(), field.name)
        now = other[type(before)](before)
        with pytest.raises(InputError, match=f"holds a run with --{field.name}={before}, this one has {now}"):
            run_folder.check_same_run(folder, settings(**{field.name: now}), "abc", MODEL)


def test_data_and_model_are_compared(folder):
    with pytest.raises(InputError, match="other training data or another vocabulary"):
        run_folder.check_same_run(folder, settings(), "abd", MODEL)
    with pytest.raises(InputError, match="a model with hidden_size 32, this one has 64"):
        run_folder.check_same_run(folder, settings(), "abc", {**MODEL, "hidden_size": 64})


@pytest.mark.parametrize("choice", ({"keep_best": True}, {"patience": 2}))
def test_what_chooses_the_weights_is_compared(tmp_path, choice):
    before = settings(eval_steps=5, **choice)
    facts = {"training_data": "abc", "encoder_config": MODEL}
    run_folder.write_run_config(tmp_path, before, **facts, dev_data="dev")
    run_folder.check_same_run(tmp_path, before, "abc", MODEL, "dev")
    with pytest.raises(InputError, match="holds a run with --eval_steps=5, this one has 6"):
        run_folder.check_same_run(tmp_path, dataclasses.replace(before, eval_steps=6), "abc", MODEL, "dev")
    with pytest.raises(InputError, match="chosen on other dev data"):
        run_folder.check_same_run(tmp_path, before, "abc", MODEL, "other")
    run_folder.write_run_config(tmp_path, settings(eval_steps=5), **facts)
    run_folder.check_same_run(tmp_path, settings(eval_steps=6), "abc", MODEL)


def test_a_stopped_command_that_overwrites_goes_on_and_an_ended_one_overwrites_again(tmp_path):
    now = settings(overwrite_output_dir=True)

    def check(changes, key="abc"):
        return run_folder.check_same_run(str(tmp_path), dataclasses.replace(now, **changes), key, MODEL)

    facts = {"training_data": "abc", "encoder_config": MODEL}
    assert check({}).overwrite_output_dir
    run_folder.write_run_config(tmp_path, settings(), **facts, overwriting=False)
    assert check({}).overwrite_output_dir
    run_folder.write_run_config(tmp_path, now, **facts, overwriting=True)
    assert check({}) == settings() and check({"do_predict": True}) == settings(do_predict=True)
    assert check({"learning_rate": 1.0}).overwrite_output_dir and check({}, "abd").overwrite_output_dir
    run_folder.end_overwriting(tmp_path)
    assert check({}) == now
    run_folder.check_same_run(str(tmp_path), settings(), "abc", MODEL)  # all else is still there
    (tmp_path / "run_config.json").write_text("{")
    assert check({}) == now


@pytest.mark.parametrize(
    "content, words",
    [
        ('{"settings": ', "run_config.json:1: not JSON: "),
        ("[]", "run_config.json: a JSON object is needed, found a list"),
        ("{}", "run_config.json: settings: a JSON object is needed"),
        ('{"settings": 3}', "run_config.json: settings: a JSON object is needed"),
        ('{"settings": {}, "encoder_config": [1]}', "run_config.json: encoder_config: a JSON object is needed"),
        ("[" * 10**5, "run_config.json: lists or objects are nested too deeply"),
        ("\xff", "run_config.json: not JSON: byte 0xff at offset 0 is not UTF-8"),
    ],
)
def test_a_damaged_run_config(folder, content, words):
    with open(os.path.join(folder, "run_config.json"), "w", encoding="latin-1") as file:
        file.write(content)
    with pytest.raises(InputError) as error:
        run_folder.check_same_run(folder, settings(), "abc", MODEL)
    assert words in str(error.value) and str(error.value).endswith("copy the file again, or give another --output_dir")


def test_no_message_advises_to_remove_a_run(folder):
    for other in (settings(seed=1), settings(learning_rate=1.0)):
        with pytest.raises(InputError, match=r"or another --output_dir \(--overwrite_output_dir removes that run and"):
            run_folder.check_same_run(folder, other, "abc", MODEL)


def test_one_command_at_a_time(tmp_path):
    folder = str(tmp_path / "out")
    with run_folder.lock(folder):
        with pytest.raises(InputError, match=f"--output_dir={folder}: another command is at work there; wait"):
            run_folder.lock(folder)
        (tmp_path / "out" / "best").mkdir()
        left = tmp_path / "out" / "best" / ".weights-3.4194304.part"  # no process can have that number
        left.mkdir()
    with run_folder.lock(folder):
        assert not left.exists()


def test_a_check_makes_nothing(tmp_path):
    run_folder.check_writable(str(tmp_path / "a" / "b"))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is a file, not a folder"):
        run_folder.check_writable(str(tmp_path / "file"))


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    """/proc takes no files, whoever asks."""
    with pytest.raises(InputError, match="--output_dir=/proc/x/y: cannot be written: /proc: "):
        run_folder.check_writable("/proc/x/y")


def test_free_disk(tmp_path):
    free = int(subprocess.check_output(["df", "-B1", "--output=avail", tmp_path]).split()[-1])
    run_folder.check_free_disk(str(tmp_path / "a"), free // 2)
    with pytest.raises(InputError, match=rf"--output_dir={tmp_path}/a: \d+ MiB free, {2 * free >> 20} MiB are needed"):
        run_folder.check_free_disk(str(tmp_path / "a"), 2 * free)


def test_saved_labels(tmp_path):
    assert run_folder.saved_labels(tmp_path) is None
    (tmp_path / "label_map.json").write_text(json.dumps({"b": 1, "a": 2, "c": 0}))
    assert run_folder.saved_labels(tmp_path) == ["c", "b", "a"]
    for content in ('["a"]', '{"a": "0"}', '{"a": 1}', '{"a": 0, "b": 0}', '{"a": 0, "b": true}', '{"a": {}}', "{", ""):
        (tmp_path / "label_map.json").write_text(content)
        with pytest.raises(InputError, match="label_map.json(:1)?: .*; copy the file again"):
            run_folder.saved_labels(tmp_path)
