"""Folders that an earlier version left, tests/data/old_runs, are continued to its weights and give its answers."""

import pathlib
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

OLD = pathlib.Path(__file__).parents[1] / "data" / "old_runs"
MODEL = ("--bert_config_file={}/bert_config.json", "--vocab_file={}/vocab.txt", "--train_batch_size=4")
CLASSIFIER = (
    *MODEL,
    "--task_name=tsv",
    "--data_dir={}/data",
    "--max_seq_length=12",
    "--num_train_epochs=5",
    "--learning_rate=5e-3",
    "--do_eval",
    "--do_predict",
)
PRETRAINING = (
    *MODEL,
    "--input_file={}/data/corpus.tfrecord",
    "--max_seq_length=16",
    "--max_predictions_per_seq=3",
    "--num_train_steps=10",
    "--num_warmup_steps=2",
    "--learning_rate=5e-3",
    "--do_train",
    "--do_eval",
)


@pytest.fixture
def old(tmp_path):
    return shutil.copytree(OLD, tmp_path / "old")


@pytest.fixture
def run(script, old):
    def run(name, flags, folder):
        ran = script(name, *(flag.format(old) for flag in flags), f"--output_dir={old / folder}")
        assert ran.wait() == 0, ran.stderr[-3000:]
        return ran.stderr

    return run


def assert_same_weights(found, expected):
    """To the bit on the machine that made them; another one may add up in another order."""
    found, expected = load_file(found), load_file(expected)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=2e-6, err_msg=name)


def cells(path):
    """Column (of a table, else its number) and cells of each line."""
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    header = lines[0] if path.name == "predictions.tsv" else range(len(lines[0]))
    return [dict(zip(header, line)) for line in lines]


def assert_same_answers(one, other):
    """In what the older one tells; tables have got more columns."""
    for name in ("test_results.tsv", "predictions.tsv", "eval_results.txt"):
        for found, expected in zip(cells(one / name), cells(other / name), strict=True):
            for column, value in expected.items():
                words = zip(found[column].split(" = "), value.split(" = "), strict=True)
                assert all(a == b or float(a) == pytest.approx(float(b), abs=2e-6) for a, b in words), name


def test_a_stopped_fine_tuning_goes_on(run, old):
    records = {path: path.stat().st_mtime_ns for path in (old / "finetuning_stopped" / "records").iterdir()}
    said = run("run_classifier.py", (*CLASSIFIER, "--do_train"), "finetuning_stopped")
    assert "continuing from" in said and "model.ckpt-4" in said
    assert_same_weights(*(old / name / "model" / "model.safetensors" for name in ("finetuning_stopped", "finetuning")))
    assert_same_answers(old / "finetuning_stopped", OLD / "finetuning")
    assert records == {path: path.stat().st_mtime_ns for path in (old / "finetuning_stopped" / "records").iterdir()}


def test_a_finished_fine_tuning_answers_as_it_did(run, old):
    for name in ("test_results.tsv", "predictions.tsv", "eval_results.txt"):
        (old / "finetuning" / name).unlink()
    run("run_classifier.py", CLASSIFIER, "finetuning")
    assert_same_answers(old / "finetuning", OLD / "finetuning")
    said = run("run_classifier.py", (*CLASSIFIER, "--do_train"), "finetuning")
    assert "is a finished run, at step 10; nothing to train" in said
    assert_same_answers(old / "finetuning", OLD / "finetuning")


def test_a_stopped_pretraining_goes_on(run, old):
    assert "model.ckpt-4" in run("run_pretraining.py", PRETRAINING, "pretraining_stopped")
    assert_same_weights(old / "pretraining_stopped" / "model" / "model.safetensors", OLD / "pretraining.safetensors")
