"""run_classifier.py on documents that are longer than the model, in this process: windows from files to Predictor."""

import dataclasses
import json
import logging
import os
import shutil
import signal

import numpy as np
import pytest
import small_tasks
from small_tasks import TRAIN, weights

from bertline.errors import InputError
from bertline.serving.export.exporter import export
from bertline.serving.prediction.predictor import Predictor
from bertline.serving.texts.truncation import TruncationWarning
from bertline.settings.scripts.export_model import ExportSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs import long_texts, task_recipe
from bertline.training.jobs.task_data import TaskData

WINDOWS = {"windows": "learned", "window_stride": 8, "max_windows": 3, "truncate": "head_tail"}


def settings(**changes):
    return ClassifierSettings(output_dir="out", do_train=True, **changes)


@pytest.mark.parametrize(
    "changes, message",
    (
        ({"truncate": "middle"}, "--truncate=middle: one of head, tail, head_tail is needed"),
        ({"truncate_text": "c"}, "--truncate_text=c: one of longest, a, b is needed"),
        ({"windows": "sum"}, "--windows=sum: one of mean, max, learned is needed"),
        ({"windows": "max", "window_stride": 0}, "--window_stride=0: a number above 0"),
        ({"windows": "max", "max_windows": 0}, "--max_windows=0: a number above 0"),
        ({"windows": "max", "xla": True}, "--windows=max: batches have any number of windows"),
    ),
)
def test_settings_that_no_run_can_have(changes, message):
    with pytest.raises(InputError, match=message) as error:
        long_texts.check(settings(**changes))
    assert "\n" not in str(error.value)


def test_what_is_of_windows_needs_windows():
    for changes, name in (({"window_stride": 4}, "window_stride"), ({"max_windows": 2}, "max_windows")):
        with pytest.raises(InputError, match=f"^--{name} is of no use without --windows; give one of mean, max"):
            task_recipe.check_flags(settings(task_name="tsv", **changes))
        assert not long_texts.of_no_use(settings(windows="mean", **changes))


def test_settings_that_are_fine():
    for changes in ({}, {"truncate": "tail", "truncate_text": "b"}, WINDOWS, {"windows": "mean"}):
        assert long_texts.check(settings(**changes)) is None
    assert long_texts.truncation_of(settings()) is None


def test_what_cuts_no_texts_takes_no_truncation():
    for changes, flag in (({"truncate": "tail"}, "truncate=tail"), ({"truncate_text": "b"}, "truncate_text=b")):
        run = settings(objective="token_classification", **changes)
        with pytest.raises(InputError, match=f"^--{flag}: --objective=token_classification cuts no texts, but reads"):
            long_texts.check_truncation(run)
        # A folder that was trained so is evaluated as it is.
        long_texts.check_truncation(dataclasses.replace(run, do_train=False, do_eval=True))
        long_texts.check_truncation(settings(**changes))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Folder of a BERT of one layer with random weights, whose words are letters."""
    return small_tasks.start_folder(tmp_path_factory.mktemp("start"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder of documents of 1 to 50 letters: does an x stand anywhere in it?"""
    folder, draw = tmp_path_factory.mktemp("data"), np.random.default_rng(1)
    for split, count in (("train", 20), ("dev", 8), ("test", 9)):
        lines = ["text\tlabel"]
        for i in range(count):
            letters = list(draw.choice(list("abcdefgh"), draw.integers(1, 50)))
            letters[draw.integers(len(letters))] = "x" if i % 2 else "a"
            lines.append(f"{' '.join(letters)}\t{'yes' if i % 2 else 'no'}")
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(start, data):
    def run(out, status=0, **changes):
        task = {} if "tasks_file" in changes else {"task_name": "tsv"}
        pace = {"data_dir": str(data), "train_batch_size": 5, "max_seq_length": 12}
        return small_tasks.run(start, out, status, **{**task, **pace, **changes})

    return run


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory):
    """(folder of a run by windows, what its log said)."""
    said, handler = [], logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.INFO)
    out = run(tmp_path_factory.mktemp("run"), **TRAIN, **WINDOWS, class_weights="balanced")
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(level)
    return out, said


def texts_of(data, split):
    return [line.split("\t")[0] for line in (data / f"{split}.tsv").read_text().splitlines()[1:]]


@pytest.mark.slow
def test_the_cost_and_what_was_cut_are_said(trained, data):
    _, said = trained
    lengths = [len(text.split()) for text in texts_of(data, "train")]
    counts = [min(3, 1 + max(0, -(-(length - 10) // 8))) for length in lengths]  # 10 have room, windows begin 8 apart
    long, cut = sum(count > 1 for count in counts), sum(length > 26 for length in lengths)
    assert (
        f"train: {long} of 20 documents are longer than 12 tokens; {sum(counts) / 20:.1f} windows a document, "
        f"at most 3; a step of 5 documents encodes {sum(counts) / 4:.0f} windows"
    ) in said
    assert (
        f"{cut} of 20 train rows are cut to --max_windows=3 windows of --max_seq_length=12; the longest has "
        f"{max(lengths) + 2} tokens"
    ) in said


@pytest.mark.slow
def test_the_folder_reads_documents_as_it_was_trained(trained, data):
    out, _ = trained
    config = json.loads((out / "model" / "config.json").read_text())
    assert config["document_windows"] == {"pooling": "learned", "stride": 8, "max_windows": 3}
    assert config["text_truncation"] == {"part": "head_tail", "text": "longest"}
    texts = texts_of(data, "test")
    with pytest.warns(TruncationWarning, match="longer than --max_windows=3 windows of --max_seq_length=12"):
        found = Predictor(out).predict(texts)
    expected = np.loadtxt(out / "test_results.tsv")
    np.testing.assert_allclose([list(one.probabilities.values()) for one in found], expected, atol=1e-5)
    assert [one.truncated for one in found] == [len(text.split()) > 26 for text in texts]
    header, *rows = [line.split("\t") for line in (out / "predictions.tsv").read_text().splitlines()]
    assert [row[header.index("truncated")] == "true" for row in rows] == [one.truncated for one in found]
    assert np.abs(weights(out)["window_weights"]).max() > 0
    assert "- Texts are read by at most 3 windows of 12 tokens" in (out / "model" / "README.md").read_text()


@pytest.mark.long
def test_prediction_alone_takes_windows_from_the_folder(run, trained, tmp_path):
    again = shutil.copytree(trained[0], tmp_path / "again")
    os.remove(again / "test_results.tsv")
    run(again, do_predict=True)
    np.testing.assert_array_equal(np.loadtxt(again / "test_results.tsv"), np.loadtxt(trained[0] / "test_results.tsv"))


@pytest.mark.long
def test_an_export_reads_the_same_windows(trained, data, tmp_path):
    import tensorflow as tf

    _, differences, _ = export(ExportSettings(init_checkpoint=str(trained[0]), output_dir=str(tmp_path / "saved")))
    assert differences.keys() == {"probabilities"} and differences["probabilities"] < 1e-4
    found = tf.saved_model.load(str(tmp_path / "saved"))(tf.constant(texts_of(data, "test")))["probabilities"].numpy()
    np.testing.assert_allclose(found, np.loadtxt(trained[0] / "test_results.tsv"), atol=1e-5)


@pytest.mark.long
def test_a_stopped_run_ends_with_the_same_bits(run, trained, tmp_path, monkeypatch):
    small_tasks.stop_at_first_scores(monkeypatch, TaskData)
    given = {**WINDOWS, "class_weights": "balanced", "do_train": True, "do_eval": True}
    run(tmp_path, 128 + signal.SIGTERM, **given, eval_steps=3)
    run(tmp_path, **given, eval_steps=3)
    expected = weights(trained[0])
    for name, value in weights(tmp_path).items():
        np.testing.assert_array_equal(value, expected[name], name)


@pytest.mark.long
def test_one_of_several_tasks_reads_windows(run, data, tmp_path):
    recipe = tmp_path / "tasks.ini"
    recipe.write_text(
        f"[all]\ntask_name = tsv\ndata_dir = {data}\n"
        "[long]\nwindows = learned\nmax_windows = 3\nterms = r_drop,fgm\n[cut]\ntruncate = tail\n"
    )
    out = run(tmp_path / "out", tasks_file=str(recipe), **TRAIN, num_train_epochs=0.5)
    assert {name for name in weights(out) if "window" in name} == {"long.window_weights"}
    for task in ("long", "cut"):
        found = Predictor(out, task=task).probabilities(texts_of(data, "test"), return_truncated=True)[0]
        np.testing.assert_allclose(found, np.loadtxt(out / task / "test_results.tsv"), atol=1e-5)


@pytest.mark.long
def test_what_windows_do_not_fit_is_refused(run, trained, tmp_path):
    with pytest.raises(InputError, match="--objective=stochastic_answer reads more than the vector of each window"):
        run(tmp_path / "out", do_train=True, windows="mean", objective="stochastic_answer")
    with pytest.raises(InputError, match="--window_stride=11: a number from 1 to 10 is needed"):
        run(tmp_path / "out", do_train=True, windows="mean", window_stride=11)
    with pytest.raises(InputError, match="reads windows, the student reads whole texts; train both with the same"):
        run(tmp_path / "out", do_train=True, terms="distillation", teacher=str(trained[0]))


@pytest.mark.long
def test_a_teacher_reads_the_windows_of_its_student(run, trained, tmp_path):
    """A student that begins as its teacher has nothing to learn from it: their answers differ by dropout alone."""
    start = {"init_checkpoint": str(trained[0]), "teacher": str(trained[0]), "terms": "distillation"}
    out = run(tmp_path / "out", do_train=True, **WINDOWS, **start, teacher_share=1.0, num_train_epochs=0.5)
    header, *rows = [line.split(",") for line in (out / "metrics.csv").read_text().splitlines()]
    found = [float(row[header.index("train/loss")]) for row in rows]
    assert found and all(0.0 <= value < 0.3 for value in found)
