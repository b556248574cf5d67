"""run_classifier.py on several tasks, in this process: bits, files, a stop and what follows it."""

import json
import os
import signal

import keras
import numpy as np
import pytest
import small_classifiers

from bertline.errors import InputError
from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.serving.export.exporter import export
from bertline.serving.prediction.predictor import Predictor
from bertline.settings.scripts.export_model import ExportSettings
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs.multi_task_data import MultiTaskData
from bertline.training.jobs.task_job import run_task
from bertline.weights.load_save import open_weights, save_huggingface

pytestmark = pytest.mark.slow
COLOURS = {"red": "ab", "blue": "cd", "green": "ef"}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Folder of a BERT of one layer with random weights, whose words are letters."""
    folder = tmp_path_factory.mktemp("start")
    tokenizer = small_classifiers.letters(folder / "vocab.txt")
    keras.utils.set_random_seed(3)
    sizes = {**small_classifiers.CONFIG, "num_hidden_layers": 1}
    encoder = Bert(BertConfig(vocab_size=tokenizer.vocab_size, **sizes))
    encoder.build()
    save_huggingface(encoder, folder, tokenizer)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder of the files of two tasks: classes of one text, scores of pairs."""
    folder = tmp_path_factory.mktemp("data")
    draw = np.random.default_rng(1)

    def text(letters="abcdefghij"):
        return " ".join(draw.choice(list(letters), 4))

    for name in ("hue", "near"):
        (folder / name).mkdir()
        for split, count in (("train", 16), ("dev", 6), ("test", 5)):
            names = draw.choice(list(COLOURS), count)
            rows = {
                "hue": [("text", "label"), *((text(COLOURS[one]), one) for one in names)],
                "near": [("text_a", "text_b", "label"), *((text(), text(), i % 5) for i in range(count))],
            }[name]
            (folder / name / f"{split}.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    (folder / "both.ini").write_text(
        f"[all]\ntask_name = tsv\n[hue]\ndata_dir = {folder}/hue\n"
        f"[near]\ndata_dir = {folder}/near\nproblem_type = regression\ntrain_batch_size = 8\nweight = 0.5\n"
    )
    (folder / "one.ini").write_text(f"[hue]\ntask_name = tsv\ndata_dir = {folder}/hue\n")
    return folder


@pytest.fixture(scope="module")
def run(start):
    def run(out, status=0, given=(), **settings):
        pace = {"train_batch_size": 4, "num_train_epochs": 2, "max_seq_length": 16, "num_processes": 1, "num_gpus": 0}
        values = {"init_checkpoint": str(start), "output_dir": str(out), **pace, **settings}
        assert run_task(ClassifierSettings(**values), lambda name: name in settings) == status
        return out

    return run


TRAIN = {"do_train": True, "do_eval": True, "do_predict": True}


@pytest.fixture(scope="module")
def both(run, data, tmp_path_factory):
    """The folder of a run on both tasks."""
    out = tmp_path_factory.mktemp("both")
    return run(
        out, tasks_file=str(data / "both.ini"), task_sampling="square_root", eval_steps=4, keep_best=True, **TRAIN
    )


def weights(folder):
    return {name: tensor.read() for name, tensor in open_weights(folder / "model").tensors.items()}


def results(path):
    return {key: float(value) for key, value in (line.split(" = ") for line in path.read_text().splitlines())}


def test_one_of_several_is_the_single_task_to_the_bit(run, data, tmp_path):
    single = run(tmp_path / "single", task_name="tsv", data_dir=str(data / "hue"), **TRAIN)
    one = run(tmp_path / "one", tasks_file=str(data / "one.ini"), **TRAIN)
    expected, found = weights(single), weights(one)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[f"hue.{name}" if name.startswith("classifier") else name], value, name)
    assert len(found) == len(expected)
    for name in ("eval_results.txt", "test_results.tsv", "predictions.tsv", "label_map.json"):
        assert (one / "hue" / name).read_bytes() == (single / name).read_bytes(), name


def test_each_task_has_its_files_and_the_run_all_scores(both):
    all_scores = results(both / "eval_results.txt")
    hue, near = (results(both / name / "eval_results.txt") for name in ("hue", "near"))
    assert all_scores["eval_hue_accuracy"] == hue["eval_accuracy"]
    assert all_scores["eval_near_pearson"] == near["eval_pearson"]
    assert all_scores["eval_mean"] == pytest.approx((hue["eval_accuracy"] + near["eval_pearson"]) / 2)
    assert [len((both / name / "test_results.tsv").read_text().splitlines()) for name in ("hue", "near")] == [5, 5]
    assert np.loadtxt(both / "hue" / "test_results.tsv").shape == (5, 3)
    pages = {name: (both / name / "report.html").read_text(encoding="utf-8") for name in ("", "hue", "near")}
    assert 'href="hue/report.html"' in pages[""] and "Scores of near" in pages[""] and "Learning curves" in pages[""]
    assert "Confusion of dev" in pages["hue"] and "Largest errors of test" in pages["near"]
    assert "<h2>Scores</h2>" in pages["near"] and f"{near['eval_pearson']:.4f}" in pages[""]
    # 16 rows in batches of 4 and of 8 are 6 batches an epoch.
    assert json.loads((both / "run_config.json").read_text())["num_train_steps"] == 12


def test_the_folder_serves_all_its_tasks(both, data):
    texts = [line.split("\t") for line in (data / "hue" / "test.tsv").read_text().splitlines()[1:]]
    found = Predictor(both, task="hue").probabilities([text for text, _ in texts])
    np.testing.assert_allclose(found, np.loadtxt(both / "hue" / "test_results.tsv"), atol=1e-5)
    [score] = Predictor(both, task="near").predict([("a b", "c")])
    assert score.label is None and np.isfinite(score.score)
    with pytest.raises(InputError, match="--task_name is needed; its tasks: hue, near"):
        Predictor(both)


def test_a_task_is_exported_alone(both, tmp_path):
    found = export(ExportSettings(init_checkpoint=str(both), output_dir=str(tmp_path / "saved"), task_name="near"))
    assert max(found[1].values()) < 1e-4


def test_prediction_alone_takes_tasks_and_heads_from_the_folder(run, both, tmp_path):
    before = (both / "near" / "test_results.tsv").read_text()
    os.remove(both / "near" / "test_results.tsv")
    run(both, do_predict=True, train_batch_size=4)
    assert (both / "near" / "test_results.tsv").read_text() == before


def test_a_stopped_run_ends_with_the_same_bits(run, data, both, tmp_path, monkeypatch):
    score, stops = MultiTaskData.scores, [True]

    def stop(self, evaluator):
        if stops:
            stops.pop()
            os.kill(os.getpid(), signal.SIGTERM)
        return score(self, evaluator)

    monkeypatch.setattr(MultiTaskData, "scores", stop)
    settings = {
        "tasks_file": str(data / "both.ini"),
        "task_sampling": "square_root",
        "eval_steps": 4,
        "keep_best": True,
    }
    run(tmp_path, 128 + signal.SIGTERM, do_train=True, **settings)
    run(tmp_path, do_train=True, **settings)
    expected = weights(both)
    for name, value in weights(tmp_path).items():
        np.testing.assert_array_equal(value, expected[name], name)


def test_a_task_goes_on_from_the_shared_folder(run, data, both, tmp_path, caplog):
    """The encoder, and the head of the task of the same name: the first evaluation is that of the shared folder."""
    one = tmp_path / "one.ini"
    one.write_text((data / "one.ini").read_text())
    found = run(tmp_path / "out", tasks_file=str(one), init_checkpoint=str(both / "model"), do_eval=True)
    assert results(found / "hue" / "eval_results.txt")["eval_loss"] == pytest.approx(
        results(both / "hue" / "eval_results.txt")["eval_loss"], rel=1e-5
    )


def test_a_task_without_dev_is_refused(run, data, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "train.tsv").write_text("text\tlabel\na b\tx\nc\ty\n")
    recipe = tmp_path / "recipe.ini"
    recipe.write_text(f"{(data / 'both.ini').read_text()}[bare]\ndata_dir={tmp_path}/bare\n")
    with pytest.raises(InputError, match="^task bare: .*dev.tsv: no such file") as error:
        run(tmp_path / "out", tasks_file=str(recipe), **TRAIN)
    assert "\n" not in str(error.value)
