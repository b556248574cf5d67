"""run_classifier.py on tiny data: every file it leaves, every way to continue, stop and start anew."""

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

# Both triton (which torch imports where it is installed) and TensorFlow bring an LLVM; the second aborts the process.
sys.modules.setdefault("triton", None)

from colours import sentences, write_table
from running import ROOT

PACE = ("--train_batch_size=8", "--num_train_epochs=8", "--learning_rate=3e-4", "--num_gpus=0")


@pytest.fixture(scope="session")
def cola(cola_dir):
    """Flags of the task."""
    return ("--task_name=COLA", f"--data_dir={cola_dir}", *PACE)


@pytest.fixture(scope="session")
def trained(classify, cola, tmp_path_factory):
    """(output folder, finished Script) of a run that trained, evaluated and predicted without a stop."""
    out = tmp_path_factory.mktemp("trained") / "out"
    ran = classify(*cola, "--do_train", "--do_eval", "--do_predict", "--report", f"--output_dir={out}")
    return out, ran


def weights(folder):
    return (folder / "model" / "model.safetensors").read_bytes()


def eval_results(folder):
    lines = (folder / "eval_results.txt").read_text().splitlines()
    return {key: value for key, value in (re.fullmatch(r"(\w+) = (.+)", line).groups() for line in lines)}


def table(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def probabilities(folder):
    return np.array(table(folder / "test_results.tsv"), np.float64)


def metrics_rows(folder):
    """The rows of metrics.csv, dicts."""
    with open(folder / "metrics.csv", newline="") as file:
        return [{**row, "step": int(row["step"])} for row in csv.DictReader(file)]


def test_every_file_is_there_in_its_format(trained, cola_dir):
    out, ran = trained
    results = eval_results(out)
    assert list(results) == ["eval_accuracy", "eval_loss", "eval_mcc", "global_step", "loss"]
    assert int(results["global_step"]) == 60 * 8 // 8
    assert float(results["eval_mcc"]) > 0.5  # the shade of blue tells the label: it is learnt

    predicted = probabilities(out)
    assert predicted.shape == (11, 2)
    np.testing.assert_allclose(predicted.sum(axis=1), 1.0, atol=1e-5)

    header, *rows = table(out / "predictions.tsv")
    columns = ["probability_0", "probability_1", "confidence", "margin", "truncated"]
    assert header == ["guid", "label", *columns, "text_a", "text_b"]
    texts = [row[1] for row in table(cola_dir / "test.tsv")[1:]]
    assert [row[0] for row in rows] == [f"test-{i}" for i in range(1, 12)]
    assert [row[7] for row in rows] == texts
    assert [row[1] for row in rows] == [str(row.argmax()) for row in predicted]
    np.testing.assert_allclose(np.array([row[2:4] for row in rows], float), predicted, atol=1e-5)

    assert json.loads((out / "label_map.json").read_text()) == {"0": 0, "1": 1}
    config = json.loads((out / "run_config.json").read_text())
    assert config["settings"]["learning_rate"] == 3e-4 and config["num_train_steps"] == 60
    for name in ("confusion.png", "curves.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert "Most confident errors of dev" in (out / "report.html").read_text(encoding="utf-8")
    assert [row[0] for row in table(out / "per_class.tsv")] == ["label", "0", "1"]
    assert sum(int(cell) for row in table(out / "confusion.tsv")[1:] for cell in row[1:]) == 23
    assert "train: 60 rows; labels: 0 40, 1 20" in ran.stderr and "dev: 23 rows; labels: " in ran.stderr
    assert not list(out.rglob("*.part")) and not list(out.rglob("*_temp"))
    assert "nothing to train" not in ran.stderr


def test_tensorboard_events(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    last = {}
    for path in trained[0].glob("events.out.tfevents.*"):
        events = EventAccumulator(str(path))
        events.Reload()
        last |= {tag: events.Tensors(tag)[-1] for tag in events.Tags()["tensors"]}
    assert {"train/loss", "train/learning_rate", "train/grad_norm", "train/examples_per_second"} <= set(last)
    # The evaluation after the training is there too, although --eval_steps is not given.
    assert last["train/loss"].step == last["eval/eval_mcc"].step == 60
    mcc = float(eval_results(trained[0])["eval_mcc"])
    assert make_ndarray(last["eval/eval_mcc"].tensor_proto) == pytest.approx(mcc)
    rows = metrics_rows(trained[0])
    assert [row["step"] for row in rows] == sorted({row["step"] for row in rows}) and rows[-1]["step"] == 60
    assert float(rows[-1]["eval/eval_mcc"]) == pytest.approx(mcc)


def test_transformers_loads_the_model_and_predicts_the_same(trained, cola_dir):
    transformers = pytest.importorskip("transformers", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    out, _ = trained
    model, info = transformers.BertForSequenceClassification.from_pretrained(out / "model", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert model.config.id2label == {0: "0", 1: "1"}
    tokenizer = transformers.BertTokenizer.from_pretrained(out / "model")
    texts = [row[1] for row in table(cola_dir / "test.tsv")[1:]]
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=16, return_tensors="pt")
    with torch.no_grad():
        expected = torch.softmax(model.eval()(**inputs).logits, dim=1).numpy()
    np.testing.assert_allclose(probabilities(out), expected, atol=1e-5)


def test_a_finished_run_says_so_and_answers_the_same(trained, classify, cola):
    out, _ = trained
    before, predicted = weights(out), probabilities(out)
    ran = classify(*cola, "--do_train", "--do_eval", "--do_predict", f"--output_dir={out}")
    assert f"{out} is a finished run, at step 60; nothing to train (--overwrite_output_dir starts anew)" in ran.stderr
    assert "reusing 60 train records" in ran.stderr
    assert weights(out) == before
    np.testing.assert_allclose(probabilities(out), predicted, atol=1e-6)


def test_evaluation_and_prediction_alone(trained, classify, cola_dir, tmp_path):
    out, _ = trained
    results, predictions = eval_results(out), probabilities(out)
    for name in ("eval_results.txt", "test_results.tsv", "predictions.tsv"):
        (out / name).unlink()
    classify("--task_name=cola", f"--data_dir={cola_dir}", "--do_eval", f"--output_dir={out}", "--init_checkpoint=None")
    alone = eval_results(out)
    assert {key: float(value) for key, value in alone.items()} == pytest.approx(
        {k: float(v) for k, v in results.items()}, abs=1e-6
    )
    assert not (out / "test_results.tsv").exists()
    # As people type it: the checkpoint that training started from is still named.
    classify("--task_name=cola", f"--data_dir={cola_dir}", "--do_predict", f"--output_dir={out}")
    np.testing.assert_allclose(probabilities(out), predictions, atol=1e-6)
    # The trained folder as the checkpoint of another; labels in another order there are an error.
    for labels, status in (("0,1", 0), ("1,0", 2)):
        ran = classify(
            "--task_name=delimited",
            f"--data_dir={cola_dir}",
            "--do_predict",
            f"--label_list={labels}",
            f"--init_checkpoint={out}",
            f"--output_dir={tmp_path}/{labels}",
            status=status,
        )
    np.testing.assert_allclose(probabilities(tmp_path / "0,1"), predictions, atol=1e-6)
    assert "trained on the labels 0, 1; here they are 1, 0" in ran.stderr.splitlines()[-1]
    assert not (tmp_path / "1,0").exists()


def test_labelled_rows_of_another_file_are_scored(trained, classify, tmp_path):
    """As trained where nothing else is said; texts with quotes, tabs and line ends come back as they were."""
    long = " ".join(["navy"] * 30)
    texts = ['the "navy" box', "a\tcobalt\nwall", long, 'an "', "azure"]
    labels = ["1", "0", "1", "", "0"]
    with open(tmp_path / "new.csv", "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(texts, labels)])
    flags = ("--do_predict", "--task_name=csv", f"--test_file={tmp_path}/new.csv", f"--init_checkpoint={trained[0]}")
    ran = classify(*flags, f"--output_dir={tmp_path}/out", "--predictions_format=csv", "--max_seq_length=None")
    with open(tmp_path / "out" / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [row["text_a"] for row in rows] == texts and [row["true_label"] for row in rows] == labels
    assert [row["truncated"] for row in rows] == [str(text == long).lower() for text in texts]
    assert f"as {trained[0]} was trained: --max_seq_length=16" in ran.stderr
    lines = dict(line.split(" = ") for line in (tmp_path / "out" / "test_results.txt").read_text().splitlines())
    scored = [row["label"] == row["true_label"] for row in rows if row["true_label"]]
    assert float(lines["test_accuracy"]) == np.mean(scored)
    assert (lines["test_examples"], lines["global_step"]) == ("4", "60")
    refused = classify(*flags, f"--output_dir={tmp_path}/no", "--predictions_format=xls", status=2)
    assert "--predictions_format=xls: one of tsv, csv, jsonl is needed" in refused.stderr
    assert not (tmp_path / "no").exists()


def test_another_configuration_is_refused_and_touches_nothing(trained, classify, cola, cola_dir, tiny_bert, tmp_path):
    out, _ = trained

    def state():
        return {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    before = state()
    other_data = tmp_path / "data"
    other_data.mkdir()
    write_table(other_data / "train.tsv", [*table(cola_dir / "train.tsv"), ("x", "1", "", "the sky")])
    config = tmp_path / "bert_config.json"
    config.write_text(
        (tiny_bert / "config.json").read_text().replace('"hidden_dropout_prob": 0.1', '"hidden_dropout_prob": 0.2')
    )
    for flags, message in (
        (["--learning_rate=2e-3"], "holds a run with --learning_rate=0.0003, this one has 0.002"),
        (["--max_seq_length=12"], "holds a run with --max_seq_length=16, this one has 12"),
        ([f"--data_dir={other_data}"], "holds a run on other training data"),
        ([f"--bert_config_file={config}"], "holds a run of a model with hidden_dropout_prob 0.1, this one has 0.2"),
        (
            ["--overwrite_output_dir", f"--init_checkpoint={out}/model"],
            "--overwrite_output_dir would remove --init_checkpoint",
        ),
    ):
        ran = classify(*cola, "--do_train", f"--output_dir={out}", *flags, status=2)
        assert message in ran.stderr.splitlines()[-1] and str(out) in ran.stderr.splitlines()[-1]
        assert state() == before, message


def test_a_checkpoint_of_the_run_that_is_damaged(trained, classify, cola, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "out")
    path = out / "model.ckpt-60.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:1000])
    ran = classify(*cola, "--do_train", f"--output_dir={out}", status=2)
    line = ran.stderr.splitlines()[-1]
    assert line.startswith(f"error: {out}/model.ckpt-60.data-00000-of-00001: the data ends at offset 1000")
    assert "there is no whole checkpoint before it" in line and "remove" not in line


# Stops.


def test_killed_at_any_moment_and_continued_is_as_never_killed(trained, script, classify, cola, tiny_bert, tmp_path):
    out = tmp_path / "out"
    flags = (
        *cola,
        "--do_train",
        "--save_checkpoints_steps=4",
        f"--output_dir={out}",
        "--max_seq_length=16",
        f"--init_checkpoint={tiny_bert}",
    )
    steps = []
    for stop in (3, 13, 30):  # killed once a checkpoint of at least this step is there, at a moment of its own
        ran = script("run_classifier.py", *flags)
        ran.wait_for(lambda: any(int(p.stem.rsplit("-", 1)[1]) >= stop for p in out.glob("model.ckpt-*.index")))  # noqa: B023
        ran.process.join(random.Random(stop).uniform(0.0, 0.1))
        ran.send(signal.SIGKILL)
        ran.process.join()
        assert ran.process.exitcode == -signal.SIGKILL, ran.stderr
        steps.append(max(int(p.stem.rsplit("-", 1)[1]) for p in out.glob("model.ckpt-*.index")))
    assert steps == sorted(steps)
    ran = classify(*flags)
    assert "continuing from" in ran.stderr
    assert weights(out) == weights(trained[0])
    reported = [row["step"] for row in metrics_rows(out)]
    assert reported == sorted(set(reported)) and reported[0] == 1 and reported[-1] == 60


@pytest.mark.long
def test_ctrl_c_saves_and_the_same_command_continues(trained, script, classify, cola, tiny_bert, tmp_path):
    out = tmp_path / "out"
    flags = (
        *cola,
        "--do_train",
        f"--output_dir={out}",
        "--max_seq_length=16",
        f"--init_checkpoint={tiny_bert}",
        "--iterations_per_loop=1",
    )
    ran = script("run_classifier.py", *flags)
    ran.wait_for(lambda: list(out.glob("events.out.tfevents.*")))
    time.sleep(0.1)  # the handler stands; the graph is being traced
    ran.send(signal.SIGINT)
    assert ran.wait() == 130
    assert re.search(r"stopped by SIGINT at step \d+; the same command continues", ran.stderr)
    assert "Traceback" not in ran.stderr and list(out.glob("model.ckpt-*.index"))
    assert not (out / "model").exists()
    refused = classify("--do_predict", *cola, f"--output_dir={out}", status=2)
    assert "holds a run that is not finished" in refused.stderr
    classify(*flags)
    assert weights(out) == weights(trained[0])


def test_starting_anew(trained, classify, cola, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "out")
    (out / "notes.txt").write_text("mine")
    classify(*cola, "--do_train", f"--output_dir={out}", "--overwrite_output_dir", "--seed=3", "--num_train_epochs=2")
    assert weights(out) != weights(trained[0])
    assert [path.name for path in out.glob("model.ckpt-*.index")] == ["model.ckpt-15.index"]
    assert not (out / "predictions.tsv").exists() and (out / "notes.txt").read_text() == "mine"


@pytest.mark.long
def test_starting_anew_killed_and_continued_by_the_same_command(trained, script, classify, cola, tiny_bert, tmp_path):
    out = shutil.copytree(trained[0], tmp_path / "out")
    flags = (
        *cola,
        "--do_train",
        "--save_checkpoints_steps=4",
        f"--output_dir={out}",
        "--max_seq_length=16",
        f"--init_checkpoint={tiny_bert}",
        "--overwrite_output_dir",
    )
    ran = script("run_classifier.py", *flags)
    # Of the earlier run there is 60. Where 8 is being written, 4 is whole.
    ran.wait_for(lambda: any(8 <= int(p.stem.rsplit("-", 1)[1]) < 60 for p in out.glob("model.ckpt-*.index")))
    ran.send(signal.SIGKILL)
    ran.process.join()
    assert ran.process.exitcode == -signal.SIGKILL, ran.stderr
    assert "continuing from" in classify(*flags).stderr
    assert weights(out) == weights(trained[0])
    ran = classify(*flags, "--num_train_epochs=1")
    assert "continuing from" not in ran.stderr and "nothing to train" not in ran.stderr


def test_a_loss_that_is_not_finite_stops_the_run(classify, cola, cola_dir, tmp_path):
    ran = classify(
        *cola, "--do_train", f"--output_dir={tmp_path}", "--learning_rate=1e30", "--save_checkpoints_steps=1", status=3
    )
    line = ran.stderr.splitlines()[-1]
    found = re.match(
        r"error: the loss or the gradient of step (\d+) is not finite; "
        r"last good checkpoint: (\S+); its rows: (.+); lower",
        line,
    )
    assert found, line
    assert (tmp_path / f"model.ckpt-{int(found[1]) - 1}.index").exists() == (found[2] != "none")
    rows = found[3].split(", ")
    assert len(set(rows)) == 8 and all(re.fullmatch(rf"{re.escape(str(cola_dir))}/train.tsv:\d+", row) for row in rows)
    assert not (tmp_path / "model").exists()


def test_full_disk(classify, cola, tmp_path):
    """Files of at most so many bytes stand for a full disk: the records fit, a checkpoint does not."""
    ran = classify(*cola, "--do_train", f"--output_dir={tmp_path}", status=2, limits={"RLIMIT_FSIZE": 100_000})
    line = ran.stderr.splitlines()[-1]
    assert (
        line.startswith("error: ")
        and "the checkpoint of step 60 cannot be written" in line
        and "none before it" in line
    )
    assert not list(tmp_path.glob("model.ckpt-*.index")) and not (tmp_path / "model").exists()
    ran = classify(*cola, "--do_train", f"--output_dir={tmp_path}/2", status=2, limits={"RLIMIT_FSIZE": 1000})
    line = ran.stderr.splitlines()[-1]
    assert line.startswith(f"error: {tmp_path}/2/records/train-") and "cannot be written" in line
    assert not list((tmp_path / "2" / "records").iterdir())


# More ways to run.


def test_dry_run(classify, cola, tmp_path):
    out = tmp_path / "out"
    ran = classify(*cola, "--do_train", "--do_eval", f"--output_dir={out}", "--dry_run")
    assert not out.exists()
    assert ran.stdout.count("tokens: [CLS] ") == 4 and ran.stdout.count("input_ids: [2, ") == 4
    assert "checks passed: {'train': 60, 'dev': 23} examples, 60 steps to train; nothing was trained" in ran.stdout


def test_flagfile_and_best_weights_and_patience(classify, cola, tmp_path):
    recipe = tmp_path / "recipe.flags"
    recipe.write_text(
        "\n".join(["# a recipe", *cola, "--do_train", "--do_eval", "--eval_steps=5", "--keep_best", "--patience=2"])
    )
    out = tmp_path / "out"
    ran = classify(f"--flagfile={recipe}", f"--output_dir={out}", "--learning_rate=1e-5", "--num_train_epochs=10")
    scores = [
        (float(score), int(step)) for step, score in re.findall(r"^step (\d+): .*eval_mcc (-?[\d.]+)", ran.stderr, re.M)
    ]
    best = max(scores, key=lambda pair: (pair[0], -pair[1]))
    results = eval_results(out)
    assert int(results["global_step"]) == best[1] and abs(float(results["eval_mcc"]) - best[0]) < 1e-4
    assert "no better eval_mcc in 2 evaluations: stopping" in ran.stderr and scores[-1][1] == best[1] + 10 < 80
    assert [path.name for path in (out / "best").glob("*.index")] == [f"weights-{best[1]}.index"]


def test_several_seeds(classify, cola, tmp_path):
    classify(*cola, "--do_train", "--do_eval", f"--output_dir={tmp_path}", "--num_runs=2", "--num_train_epochs=1")
    single = [eval_results(tmp_path / f"run-{seed}") for seed in (12345, 12346)]
    assert weights(tmp_path / "run-12345") != weights(tmp_path / "run-12346")
    results = eval_results(tmp_path)
    values = [float(one["eval_loss"]) for one in single]
    assert float(results["eval_loss"]) == pytest.approx(np.mean(values))
    assert float(results["eval_loss_std"]) == pytest.approx(np.std(values, ddof=1))
    assert results["eval_loss_runs"] == " ".join(f"{value:.6g}" for value in values)


@pytest.mark.parametrize(
    "kind",
    (
        "single_label_classification",
        pytest.param("regression", marks=pytest.mark.long),
        "multi_label_classification",
    ),
)
def test_the_generic_processor(classify, tmp_path, kind):
    """Pairs; JSON lines, commas and tabs; prediction alone takes the labels from the trained folder."""
    encode = {
        "single_label_classification": lambda label: label,
        "regression": lambda label: {"blue": 0.5, "green": 1.5, "red": 4.0}[label],
        "multi_label_classification": lambda label: {"blue": "cold", "green": "cold,calm", "red": ""}[label],
    }[kind]
    for split, count, seed in (("train", 60, 1), ("dev", 23, 2), ("test", 11, 3)):
        rows = [(a, b, encode(label)) for a, b, label in sentences(count, seed, pair=True)]
        rows = [row[:2] for row in rows] if split == "test" else rows
        write_table(tmp_path / f"{split}.tsv", [("text_a", "text_b", "label")[: len(rows[0])], *rows])
    out = tmp_path / "out"
    flags = (
        "--task_name=delimited",
        f"--data_dir={tmp_path}",
        f"--problem_type={kind}",
        f"--output_dir={out}",
        *PACE,
        "--learning_rate=1e-3",
        "--num_train_epochs=12",
    )
    classify(*flags, "--do_train", "--do_eval")
    ran = classify("--do_predict", f"--data_dir={tmp_path}", f"--output_dir={out}", "--max_seq_length=None")
    assert f"as {out} was trained: " in ran.stderr and "--max_seq_length=16" in ran.stderr
    if kind != "single_label_classification":
        other = "--problem_type=single_label_classification"
        assert (
            f"give --problem_type={kind}" in classify(*flags, "--do_predict", other, status=2).stderr.splitlines()[-1]
        )
    results, (header, *rows) = eval_results(out), table(out / "predictions.tsv")
    config = json.loads((out / "model" / "config.json").read_text())
    assert config["problem_type"] == kind and len(rows) == 11 and header[-3:] == ["truncated", "text_a", "text_b"]
    assert [row[-2:] for row in rows] == table(tmp_path / "test.tsv")[1:]
    values = probabilities(out)
    if kind == "regression":
        assert values.shape == (11, 1) and float(results["eval_pearson"]) > 0.5
        assert header == ["guid", "label", "score", "truncated", "text_a", "text_b"]
        assert (out / "scatter.png").exists() and not (out / "confusion.png").exists()
        assert {"eval_mae", "eval_rmse", "eval_r2"} < set(results)
    else:
        names = ["blue", "green", "red"] if kind.startswith("single") else ["calm", "cold"]
        more = ["confidence", "margin"] if kind.startswith("single") else []
        assert header[2:-3] == [*(f"probability_{name}" for name in names), *more]
        assert [row[0] for row in table(out / "per_class.tsv")] == ["label", *names]
        assert json.loads((out / "label_map.json").read_text()) == {name: i for i, name in enumerate(names)}
        assert values.shape == (11, len(names))
        chosen = [",".join(n for n, p in zip(names, row) if p >= 0.5) for row in values]
        expected = [names[row.argmax()] for row in values] if kind.startswith("single") else chosen
        assert [row[1] for row in rows] == expected
        assert float(results["eval_accuracy" if kind.startswith("single") else "eval_f1_micro"]) > 0.5


MODULE = '''
from bertline.processors import DataProcessor, InputExample, tokenization


class ShadeProcessor(DataProcessor):
    """As one would have written it for the original."""

    def get_train_examples(self, data_dir):
        return self._create_examples(self._read_tsv(data_dir + "/train.tsv"), "train")

    def get_dev_examples(self, data_dir):
        return self._create_examples(self._read_tsv(data_dir + "/dev.tsv"), "dev")

    def get_labels(self):
        return ["0", "1"]

    def _create_examples(self, lines, set_type):
        return [
            InputExample(guid="%s-%d" % (set_type, i), text_a=tokenization.convert_to_unicode(line[3]), label=line[1])
            for i, line in enumerate(lines)
        ]
'''


def test_a_processor_of_ones_own_as_a_real_command(trained, cola, cola_dir, tiny_bert, tmp_path):
    """Run as people do, records written by two processes: the same weights as the built-in task's."""
    (tmp_path / "shades.py").write_text(MODULE)
    flags = [
        *cola,
        f"--processor_module={tmp_path}/shades.py",
        "--task_name=shade",
        "--max_seq_length=16",
        "--do_train",
        f"--init_checkpoint={tiny_bert}",
        f"--output_dir={tmp_path}/out",
        "--num_processes=2",
    ]
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    ran = subprocess.run(
        [sys.executable, str(ROOT / "run_classifier.py"), *flags], capture_output=True, text=True, env=env
    )
    assert ran.returncode == 0, ran.stderr
    assert "wrote 60 train records, 2 shard(s)" in ran.stderr
    for line in ran.stderr.splitlines():  # plain lines, nothing of absl's prefix and of TensorFlow's start-up
        assert not re.match(r"[IWEF]\d{4}", line) and "oneDNN" not in line and "absl::InitializeLog" not in line, line
    assert len(list((tmp_path / "out" / "records").glob("train-*.tfrecord"))) == 2


def test_records_of_the_original(trained, classify, cola, cola_dir, tiny_bert, tmp_path):
    """Its records train and evaluate, and predictions stand in the order of the file."""
    import small_records

    from bertline import registry
    from bertline.processors.layouts.packed import Packed
    from bertline.processors.tokenization import FullTokenizer

    processor, layout = registry.get("processor", "cola")(), Packed(FullTokenizer(tiny_bert / "vocab.txt"), 16)
    files = {}
    for split in ("train", "dev", "test"):
        examples = getattr(processor, f"get_{split}_examples")(str(cola_dir))
        rows = [
            small_records.original_record(f["input_ids"], f["segment_ids"], int(e.label or 0), 16)
            for e, [f] in zip(examples, layout.features(examples))
        ]
        files[split] = small_records.write(tmp_path / f"{split}.tf_record", rows)
    out, _ = trained
    classify(
        "--task_name=cola",
        "--do_eval",
        "--do_predict",
        f"--eval_records={files['dev']}",
        f"--output_dir={tmp_path}/a",
        f"--predict_records={files['test']}",
        f"--init_checkpoint={out}",
    )
    assert eval_results(tmp_path / "a")["eval_mcc"] == eval_results(out)["eval_mcc"]
    np.testing.assert_allclose(probabilities(tmp_path / "a"), probabilities(out), atol=1e-6)
    ran = classify(
        "--task_name=cola", *PACE, "--do_train", f"--train_records={files['train']}", f"--output_dir={tmp_path}/b"
    )
    assert "examples = 60" in ran.stderr
    assert weights(tmp_path / "b") == weights(out)


def test_a_record_corrupted_after_it_was_written(trained, classify, cola, tmp_path):
    records = shutil.copytree(trained[0] / "records", tmp_path / "records")
    [path] = records.glob("train-*.tfrecord")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    ran = classify(*cola, "--do_train", f"--output_dir={tmp_path}/out", f"--records_dir={records}", status=2)
    line = ran.stderr.splitlines()[-1]
    assert re.match(rf"error: {re.escape(str(path))}: corrupted record at byte \d+, after \d+ whole records", line)
