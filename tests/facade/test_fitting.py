"""`fit` against run_classifier.py's own road, scikit-learn's scores, and a run that is stopped."""

import gc
import json
import os
import signal
import string
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from bertline import fit, load
from bertline.errors import InputError
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs.task_job import run_task
from bertline.training.reporting import progress

pytestmark = pytest.mark.slow

SIZES = {
    "vocab_size": 31,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "initializer_range": 0.2,
}
DRAW = np.random.default_rng(1)
WORDS = [f"{DRAW.choice(list('abc'))} {' '.join(DRAW.choice(list('defgh'), 3))}" for _ in range(48)]
CLASSES = [text[0].upper() for text in WORDS]
HOW = {"epochs": 8, "train_batch_size": 8, "learning_rate": 0.003, "max_seq_length": 8, "seed": 3}


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    """Arguments for a tiny BERT with random weights, whose words are letters."""
    folder = tmp_path_factory.mktemp("sizes")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    (folder / "bert_config.json").write_text(json.dumps(SIZES), encoding="utf-8")
    return {"bert_config_file": folder / "bert_config.json", "vocab_file": folder / "vocab.txt"}


def weights_of(folder):
    return (folder / "model" / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def fitted(sizes, tmp_path_factory):
    """(model, its folder), with dev rows."""
    folder = tmp_path_factory.mktemp("fitted") / "run"
    return fit(WORDS, CLASSES, dev=(WORDS[:20], CLASSES[:20]), output_dir=folder, **HOW, **sizes), folder


def test_the_run_is_that_of_the_script(fitted, sizes, tmp_path):
    rows = [f"{text}\t{label}" for text, label in zip(WORDS, CLASSES)]
    for name, part in (("train", rows), ("dev", rows[:20])):
        (tmp_path / f"{name}.tsv").write_text("\n".join(["text\tlabel", *part]) + "\n", encoding="utf-8")
    how = {name: value for name, value in HOW.items() if name != "epochs"} | {"num_train_epochs": 8.0}
    paths = {name: str(path) for name, path in sizes.items()}
    settings = ClassifierSettings(
        task_name="tsv",
        data_dir=str(tmp_path),
        output_dir=str(tmp_path / "run"),
        do_train=True,
        do_eval=True,
        **how,
        **paths,
    )
    assert run_task(settings, lambda name: True) == 0
    model, folder = fitted
    assert weights_of(folder) == weights_of(tmp_path / "run")
    evaluated = (folder / "eval_results.txt").read_text()
    assert evaluated == (tmp_path / "run" / "eval_results.txt").read_text()
    said = dict(line.split(" = ") for line in evaluated.splitlines())
    for name, value in model.evaluate(WORDS[:20], CLASSES[:20]).items():
        assert value == pytest.approx(float(said[f"eval_{name}"]))


def test_scores_of_classes(fitted):
    model, _ = fitted
    wrong = ["ABC"[(ord(label) - 64) % 3] if at % 3 == 0 else label for at, label in enumerate(CLASSES)]
    found, answers = model.evaluate(WORDS, wrong), [answer.label for answer in model.predict(WORDS)]
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(wrong, answers))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(wrong, answers, average="macro"))
    assert model.evaluate({"text": WORDS, "label": CLASSES}, metrics="mcc") == {
        "mcc": pytest.approx(metrics.matthews_corrcoef(CLASSES, answers))
    }
    with pytest.raises(InputError, match=r"texts\[0\]: label 'a' in dev; allowed: A, B, C"):
        model.evaluate(["a"], ["a"])


def test_scores_of_numbers(sizes):
    scores = [(ord(text[0]) - 97) / 2 + 0.01 for text in WORDS]
    model = fit(WORDS, scores, **HOW, **sizes)
    found, answers = model.evaluate(WORDS, scores), [answer.score for answer in model.predict(WORDS)]
    assert found["pearson"] == pytest.approx(stats.pearsonr(scores, answers)[0], abs=1e-5)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(scores, answers), abs=1e-5)
    folder = model._model
    assert os.path.isdir(folder)
    del model
    gc.collect()
    assert not os.path.exists(folder)


def test_several_labels_are_saved_and_read(sizes, tmp_path):
    marks = np.array([["a" in text, "d" in text, "e" in text] for text in WORDS], int)
    how = {**HOW, "dev_fraction": 0.25, "eval_steps": 24, "keep_best": True}
    model = fit(WORDS, marks, output_dir=tmp_path / "run", **how, **sizes)
    assert "eval_f1_micro" in (tmp_path / "run" / "eval_results.txt").read_text()
    assert (tmp_path / "run" / "split.tsv").read_text().count("\ndev\t") == 12
    found = model.evaluate(WORDS, marks)
    chosen = np.array([[name in answer.label for name in "012"] for answer in model.predict(WORDS)], int)
    assert found["f1_micro"] == pytest.approx(metrics.f1_score(marks, chosen, average="micro"))
    model.save(tmp_path / "saved")
    model.save(tmp_path / "saved")  # again
    again = load(tmp_path / "saved")
    np.testing.assert_array_equal(again.probabilities(WORDS), model.probabilities(WORDS))
    assert again.max_seq_length == 8 and sorted(os.listdir(tmp_path / "saved")) == [
        "label_map.json",
        "model",
        "run_config.json",
    ]
    (tmp_path / "diary.txt").write_text("dear diary", encoding="utf-8")
    with pytest.raises(InputError, match="something else is there"):
        model.save(tmp_path)
    assert (tmp_path / "diary.txt").exists()


def test_a_stopped_fit_continues(fitted, sizes, tmp_path, monkeypatch):
    report_steps, how = progress.TrainingProgress.report_steps, {**HOW, "iterations_per_loop": 10}

    def stop_early(self, step, *rest):
        report_steps(self, step, *rest)
        if step <= 10:
            os.kill(os.getpid(), signal.SIGINT)

    def call(labels=CLASSES):
        fit(WORDS, labels, output_dir=tmp_path / "run", **how, **sizes)

    with monkeypatch.context() as patch:
        patch.setattr(progress.TrainingProgress, "report_steps", stop_early)
        with pytest.raises(KeyboardInterrupt, match="stopped by SIGINT; the same call continues"):
            call()
    assert not (tmp_path / "run" / "model").exists()
    call()
    assert weights_of(tmp_path / "run") == weights_of(fitted[1])
    with pytest.raises(InputError, match="holds a run on other training data"):
        call(CLASSES[::-1])


@pytest.mark.parametrize(
    "error, said, arguments",
    [
        (TypeError, "no argument 'learning_rat'; did you mean 'learning_rate'", {"learning_rat": 1e-4}),
        (InputError, "num_train_epochs: of no use here; it is said by epochs=", {"num_train_epochs": 1}),
        (InputError, "train_file: of no use here; it is said by texts and labels", {"train_file": "a.tsv"}),
        (InputError, "learning_rate='1e-4': float is needed", {"learning_rate": "1e-4"}),
        (InputError, "model: None; a folder or a checkpoint", {"bert_config_file": None}),
        (InputError, "no such|not found|nothing", {"model": "no/such/folder"}),
        (InputError, "no step to train", {"train_batch_size": 400, "epochs": 1}),
        (InputError, "--epochs|--num_train_epochs=-1", {"epochs": -1}),
        (InputError, r"texts\[0\]: label '.' in train; allowed: a, b", {"label_list": ["a", "b"]}),
    ],
)
def test_what_cannot_be(sizes, error, said, arguments):
    with pytest.raises(error, match=said):
        fit(WORDS, CLASSES, **{**sizes, "max_seq_length": 8, **arguments})


def test_nothing_heavy_is_imported():
    program = "import sys, bertline; print(sorted({'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)))"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ran = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stdout + ran.stderr
