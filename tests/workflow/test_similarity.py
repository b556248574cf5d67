"""run_classifier.py --objective=similarity_regression: scores, the vectors that others read, killed and continued."""

import json
import re
import signal
import sys

import numpy as np
import pytest

# Both triton (which torch imports where it is installed) and TensorFlow bring an LLVM; the second aborts the process.
sys.modules.setdefault("triton", None)

import scipy.stats
from colours import sentences, write_table

FLAGS = (
    "--task_name=delimited",
    "--problem_type=regression",
    "--objective=similarity_regression",
    "--score_range=0,5",
    "--train_batch_size=8",
    "--num_train_epochs=8",
    "--learning_rate=1e-3",
    "--num_gpus=0",
)


@pytest.fixture(scope="session")
def pairs_dir(tmp_path_factory):
    """Pairs: 5 where both name shades of one colour, 0 where of different ones; the test split has no score."""
    folder = tmp_path_factory.mktemp("pairs")
    for split, count, seed in (("train", 60, 1), ("dev", 24, 2), ("test", 13, 3)):
        rows = [
            (a, b, 5 * (label == other))
            for (a, _, label), (b, _, other) in zip(sentences(count, seed), sentences(count, seed + 10), strict=True)
        ]
        rows = [row[:2] for row in rows] if split == "test" else rows
        write_table(folder / f"{split}.tsv", [("text_a", "text_b", "label")[: len(rows[0])], *rows])
    return folder


@pytest.fixture(scope="session")
def trained(classify, pairs_dir, tmp_path_factory):
    out = tmp_path_factory.mktemp("similarity") / "out"
    classify(*FLAGS, f"--data_dir={pairs_dir}", "--do_train", "--do_eval", "--do_predict", f"--output_dir={out}")
    return out


def table(path):
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def results(folder):
    lines = (folder / "eval_results.txt").read_text().splitlines()
    return {key: float(value) for key, value in (line.split(" = ") for line in lines)}


def cosines(vectors):
    first, second = vectors[::2], vectors[1::2]
    return (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


def test_it_learns_and_predictions_come_in_order_in_the_scale_of_the_scores(trained, pairs_dir):
    found = results(trained)
    errors = {"eval_mae", "eval_rmse", "eval_r2"}
    assert set(found) == {"eval_loss", "eval_pearson", "eval_spearman", "global_step", "loss", *errors}
    assert found["eval_pearson"] > 0.5 and found["global_step"] == 60
    header, *rows = table(trained / "predictions.tsv")
    assert header == ["guid", "label", "score", "truncated", "text_a", "text_b"]
    assert [row[4:] for row in rows] == table(pairs_dir / "test.tsv")[1:]
    scores = np.array(table(trained / "test_results.tsv"), float)[:, 0]
    np.testing.assert_allclose(scores, [float(row[2]) for row in rows], rtol=1e-5)
    assert -5.0 <= scores.min() < 1.0 < 3.0 < scores.max() <= 5.0


def test_text_encoder_and_sentence_transformers_have_the_vectors_behind_the_scores(trained, pairs_dir):
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="make peers")
    from bertline.serving import TextEncoder

    texts = [text for row in table(trained / "predictions.tsv")[1:] for text in row[4:]]
    model = sentence_transformers.SentenceTransformer(str(trained / "model"), device="cpu")
    expected = model.encode(texts, batch_size=4)
    scores = np.array(table(trained / "test_results.tsv"), float)[:, 0]
    np.testing.assert_allclose(5.0 * cosines(expected), scores, atol=2e-5)
    for folder in (trained, trained / "model"):
        np.testing.assert_allclose(TextEncoder(folder).encode(texts), expected, atol=1e-5)
    assert model.max_seq_length == TextEncoder(trained).max_seq_length == 16
    dev = table(pairs_dir / "dev.tsv")[1:]
    found = cosines(model.encode([text for row in dev for text in row[:2]]))
    spearman = scipy.stats.spearmanr(found, [float(row[2]) for row in dev]).statistic
    assert results(trained)["eval_spearman"] == pytest.approx(spearman, abs=1e-4)


def test_evaluation_alone_and_of_a_model_that_never_saw_the_task(trained, classify, pairs_dir, tiny_bert, tmp_path):
    flags = (
        "--task_name=delimited",
        "--problem_type=regression",
        "--objective=similarity_regression",
        "--score_range=0,5",
        f"--data_dir={pairs_dir}",
        "--do_eval",
        "--num_gpus=0",
    )
    before = results(trained)
    classify(*flags, f"--output_dir={trained}", "--init_checkpoint=None")
    assert results(trained) == pytest.approx(before, abs=1e-6)
    classify(*flags, f"--output_dir={tmp_path}/raw")
    assert results(tmp_path / "raw")["global_step"] == 0
    assert results(tmp_path / "raw")["eval_loss"] > before["eval_loss"]


@pytest.mark.long
def test_killed_and_continued_is_as_never_killed(trained, script, classify, pairs_dir, tiny_bert, tmp_path):
    out = tmp_path / "out"
    flags = (
        *FLAGS,
        f"--data_dir={pairs_dir}",
        "--do_train",
        f"--output_dir={out}",
        "--save_checkpoints_steps=4",
        f"--init_checkpoint={tiny_bert}",
        "--max_seq_length=16",
    )
    ran = script("run_classifier.py", *flags)
    ran.wait_for(lambda: any(int(path.stem.rsplit("-", 1)[1]) >= 8 for path in out.glob("model.ckpt-*.index")))
    ran.send(signal.SIGKILL)
    ran.process.join()
    assert ran.process.exitcode == -signal.SIGKILL, ran.stderr
    assert "continuing from" in classify(*flags).stderr
    one, other = ((folder / "model" / "model.safetensors").read_bytes() for folder in (out, trained))
    assert one == other


@pytest.mark.long
def test_accumulation_and_pooling_in_half_precision(classify, pairs_dir, tmp_path):
    classify(
        *FLAGS,
        f"--data_dir={pairs_dir}",
        "--do_train",
        "--do_eval",
        f"--output_dir={tmp_path}",
        "--pooling=max",
        "--dtype=bfloat16",
        "--gradient_accumulation_steps=2",
        "--length_pool_batches=8",
    )
    assert results(tmp_path)["eval_pearson"] > 0.5
    pooling = json.loads((tmp_path / "model" / "1_Pooling" / "config.json").read_text())
    assert [key for key, value in pooling.items() if value is True] == ["pooling_mode_max_tokens"]


def test_dry_run_shows_both_texts(classify, pairs_dir, tmp_path):
    ran = classify(*FLAGS, f"--data_dir={pairs_dir}", "--do_train", f"--output_dir={tmp_path}/out", "--dry_run")
    assert ran.stdout.count("  a_input_ids: [2, ") == ran.stdout.count("  b_input_ids: [2, ") == 4
    assert ran.stdout.count("tokens: [CLS] ") == 8 and not (tmp_path / "out").exists()


@pytest.mark.long
def test_what_does_not_fit_is_one_line(classify, cola_dir, pairs_dir, tmp_path):
    single = tmp_path / "single"
    single.mkdir()
    write_table(single / "train.tsv", [("text", "label"), ("the wall", 1.0)])
    task = ("--task_name=delimited", "--problem_type=regression", "--do_train", f"--output_dir={tmp_path}/out")
    siamese, pairs = "--objective=similarity_regression", f"--data_dir={pairs_dir}"
    cases = {
        "similarity_regression is for regression": ("--task_name=cola", f"--data_dir={cola_dir}", siamese, *task[2:]),
        "masked_lm is for no task": (*task, pairs, "--objective=masked_lm"),
        "did you mean 'similarity_regression'": (*task, pairs, "--objective=similarity_regresion"),
        "--score_range is needed": (*task, pairs, siamese),
        "--score_range=0-5: two numbers": (*task, pairs, siamese, "--score_range=0-5"),
        "--score_range=1,1: two different": (*task, pairs, siamese, "--score_range=1,1"),
        "--score_range is of no use": (*task, pairs, "--score_range=0,5"),
        "--class_weights is of no use": (*task, pairs, siamese, "--score_range=0,5", "--class_weights=balanced"),
        "train.tsv:2: no second text": (
            *task,
            f"--data_dir={single}",
            siamese,
            "--score_range=0,5",
            "--train_batch_size=1",
        ),
    }
    for message, flags in cases.items():
        line = classify(*flags, status=2).stderr.splitlines()[-1]
        assert line.startswith("error: ") and re.search(re.escape(message), line), line
    assert not (tmp_path / "out").exists()
