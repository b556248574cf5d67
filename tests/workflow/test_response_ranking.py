"""From dialogues or pairs to records to an encoder that finds responses, as its users do it."""

import json
import re
import signal
import sys

import numpy as np
import pytest

# Both triton (which torch imports where it is installed) and TensorFlow bring an LLVM; the second aborts the process.
sys.modules.setdefault("triton", None)

import tensorflow as tf
from colours import WORDS

LENGTH = "--max_seq_length=16"
FLAGS = (
    "--objective=response_ranking",
    LENGTH,
    "--num_train_steps=30",
    "--num_warmup_steps=3",
    "--num_gpus=0",
    "--train_batch_size=8",
    "--eval_batch_size=8",
    "--learning_rate=2e-3",
)


def dialogues(count, seed):
    """Lines: turns of a dialogue name shades of one colour; blank lines between."""
    draw, lines = np.random.default_rng(seed), []
    for _ in range(count):
        shades = list(WORDS.values())[draw.integers(3)]
        lines += [" ".join(["the", *draw.choice(shades, 2), "wall"]) for _ in range(draw.integers(2, 5))] + [""]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory, script, tiny_bert):
    """Folder of records: train (2 shards) and dev of dialogues, pairs of columns, some with a hard negative."""
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "train.txt").write_text(dialogues(60, 0))
    (folder / "dev.txt").write_text(dialogues(10, 1))
    (folder / "pairs.tsv").write_text(
        "a red wall\tthe scarlet door\tthe navy box\nthe blue bag\tthe azure wall\n\n"
        "the green paint\tthe lime box\tthe ruby bag\t\nwas a olive\tthe emerald door\n"
    )
    for name, kind, flags in (
        ("train.txt", "response_pairs", ("--num_output_shards=2",)),
        ("dev.txt", "response_pairs", ()),
        ("pairs.tsv", "text_pairs", ()),
    ):
        ran = script(
            "create_pretraining_data.py",
            f"--input_file={folder}/{name}",
            f"--instances={kind}",
            LENGTH,
            *flags,
            f"--output_file={folder}/{name[:-4]}.tfrecord",
            f"--vocab_file={tiny_bert}/vocab.txt",
            "--num_processes=1",
        )
        assert ran.wait() == 0, ran.stderr
        assert "run_pretraining.py" in ran.stdout and "--objective=response_ranking" in ran.stdout
    return folder


@pytest.fixture(scope="module")
def rank(script, tiny_bert):
    """rank(*flags, status=0) -> the finished Script of run_pretraining.py from the tiny BERT."""

    def run(*flags, status=0):
        more = (
            () if any(flag.startswith("--init_checkpoint") for flag in flags) else (f"--init_checkpoint={tiny_bert}",)
        )
        ran = script("run_pretraining.py", *FLAGS, *more, *flags)
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


@pytest.fixture(scope="module")
def trained(rank, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("ranking") / "out"
    rank(
        "--do_train",
        "--do_eval",
        f"--input_file={data}/train.tfrecord-*",
        f"--eval_file={data}/dev.tfrecord",
        "--eval_steps=15",
        f"--output_dir={out}",
    )
    return out


def results(folder):
    lines = (folder / "eval_results.txt").read_text().splitlines()
    return {key: float(value) for key, value in (line.split(" = ") for line in lines)}


def texts_of(path, tokenizer):
    """Rows of a file of records, as lists of texts (words without special tokens)."""
    rows = []
    for record in tf.data.TFRecordDataset(str(path)):
        feature = tf.train.Example.FromString(record.numpy()).features.feature
        rows.append(
            [
                " ".join(tokenizer.convert_ids_to_tokens(list(feature[f"{text}_input_ids"].int64_list.value)[1:-1]))
                for text in "abc"
                if feature[f"{text}_input_ids"].int64_list.value
            ]
        )
    return rows


def test_records_are_the_turns_in_random_order_the_same_for_any_number_of_processes(data, script, tiny_bert, tmp_path):
    from bertline.processors.tokenization import FullTokenizer

    tokenizer = FullTokenizer(tiny_bert / "vocab.txt")
    found = [
        row
        for shard in sorted(data.glob("train.tfrecord-*-of-*"))
        if "manifest" not in shard.name
        for row in texts_of(shard, tokenizer)
    ]
    expected = [
        [one, other]
        for part in (data / "train.txt").read_text().split("\n\n")
        for one, other in zip(part.strip().split("\n"), part.strip().split("\n")[1:])
    ]
    assert sorted(found) == sorted(expected) and found != expected
    assert sorted(texts_of(data / "pairs.tfrecord", tokenizer)) == sorted(
        line.rstrip().split("\t") for line in (data / "pairs.tsv").read_text().splitlines() if line
    )
    manifest = json.loads((data / "pairs.tfrecord.manifest.json").read_text())
    assert manifest["num_instances"] == 4 and manifest["statistics"]["hard_negatives"] == 2
    assert manifest["dupe_factor"] == 1 and manifest["instances"] == "text_pairs"
    ran = script(
        "create_pretraining_data.py",
        f"--input_file={data}/train.txt",
        "--instances=response_pairs",
        LENGTH,
        f"--output_file={tmp_path}/train.tfrecord",
        f"--vocab_file={tiny_bert}/vocab.txt",
        "--num_processes=2",
        "--num_output_shards=2",
    )
    assert ran.wait() == 0, ran.stderr
    for name in ("train.tfrecord-00000-of-00002", "train.tfrecord-00001-of-00002"):
        assert (tmp_path / name).read_bytes() == (data / name).read_bytes()


def test_it_learns_and_says_among_how_many(trained, rank, data, tmp_path):
    found = results(trained)
    assert set(found) == {"global_step", "loss", "ranking_accuracy", "ranking_candidates"}
    rank("--do_eval", f"--eval_file={data}/dev.tfrecord", f"--output_dir={tmp_path}")
    before = results(tmp_path)
    assert before["global_step"] == 0 and 4.0 < before["ranking_candidates"] <= 8.0
    assert found["loss"] < before["loss"] and found["ranking_candidates"] == before["ranking_candidates"]


def test_the_evaluation_is_that_of_the_saved_vectors_in_batches_of_that_many(trained, data, tiny_bert):
    """Restated in numpy over the vectors of TextEncoder, which are those of sentence-transformers."""
    from bertline.processors.tokenization import FullTokenizer
    from bertline.serving import TextEncoder

    rows = texts_of(data / "dev.tfrecord", FullTokenizer(tiny_bert / "vocab.txt"))
    encoder = TextEncoder(trained)
    texts = [text for row in rows for text in row]
    vectors = encoder.encode(texts).reshape(len(rows), 2, -1)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, atol=1e-5)
    losses, right, size = [], [], 8
    order = [*range(len(rows)), *range(-len(rows) % size)]
    for start in range(0, len(rows), size):
        batch = order[start : start + size]
        scores = 20.0 * vectors[batch, 0] @ vectors[batch, 1].T
        for i, own in enumerate(batch[: len(rows) - start]):
            counted = [j == i or rows[other][1] not in rows[own] for j, other in enumerate(batch)]
            kept = scores[i][counted]
            losses.append(np.log(np.exp(kept).sum()) - scores[i, i])
            right.append(scores[i, i] >= kept.max())
    found = results(trained)
    assert found["loss"] == pytest.approx(np.mean(losses), abs=1e-4)
    assert found["ranking_accuracy"] == pytest.approx(np.mean(right), abs=1e-6)
    library = pytest.importorskip("sentence_transformers", reason="make peers")
    theirs = library.SentenceTransformer(str(trained / "model"), device="cpu").encode(texts)
    np.testing.assert_allclose(theirs, vectors.reshape(len(texts), -1), atol=1e-5)


@pytest.mark.long
def test_killed_and_continued_is_as_never_killed(trained, script, data, tiny_bert, tmp_path):
    out = tmp_path / "out"
    flags = (
        *FLAGS,
        "--do_train",
        f"--input_file={data}/train.tfrecord-*",
        f"--output_dir={out}",
        "--save_checkpoints_steps=4",
        f"--init_checkpoint={tiny_bert}",
    )
    ran = script("run_pretraining.py", *flags)
    ran.wait_for(lambda: any(int(path.stem.rsplit("-", 1)[1]) >= 8 for path in out.glob("model.ckpt-*.index")))
    ran.send(signal.SIGKILL)
    ran.process.join()
    assert ran.process.exitcode == -signal.SIGKILL, ran.stderr
    again = script("run_pretraining.py", *flags)
    assert again.wait() == 0 and "continuing from" in again.stderr, again.stderr
    one, other = ((folder / "model" / "model.safetensors").read_bytes() for folder in (out, trained))
    assert one == other


@pytest.mark.long
def test_hard_negatives_response_layers_and_dot_products(rank, data, tmp_path):
    ran = rank(
        "--do_train",
        "--do_eval",
        f"--input_file={data}/pairs.tfrecord",
        f"--output_dir={tmp_path}",
        "--similarity=dot",
        "--response_layers=2",
        "--num_train_steps=4",
        "--train_batch_size=4",
        "--dtype=bfloat16",
    )
    assert "4 pairs in 1 file(s), 2 with a hard negative" in ran.stderr
    assert results(tmp_path)["ranking_candidates"] == 6.0
    modules = json.loads((tmp_path / "model" / "modules.json").read_text())
    assert [module["type"].rsplit(".", 1)[1] for module in modules] == ["Transformer", "Pooling"]
    # The layers are read again.
    flags = ("--similarity=dot", "--response_layers=2")
    rank("--do_eval", f"--eval_file={data}/pairs.tfrecord", f"--output_dir={tmp_path}", *flags)


def test_the_result_goes_into_the_regression_of_similarity(trained, script, tmp_path):
    (tmp_path / "dev.tsv").write_text("text_a\ttext_b\tlabel\nthe scarlet wall\tthe ruby wall\t5\nlime\tnavy\t0\n")
    ran = script(
        "run_classifier.py",
        "--task_name=delimited",
        f"--data_dir={tmp_path}",
        "--problem_type=regression",
        "--do_eval",
        "--objective=similarity_regression",
        "--score_range=0,5",
        f"--init_checkpoint={trained}",
        LENGTH,
        f"--output_dir={tmp_path}/out",
    )
    assert ran.wait() == 0 and results(tmp_path / "out")["eval_pearson"] == pytest.approx(1.0), ran.stderr


def test_dry_run_shows_both_texts(rank, data, tmp_path):
    ran = rank("--do_train", f"--input_file={data}/train.tfrecord-*", f"--output_dir={tmp_path}/out", "--dry_run")
    assert ran.stdout.count("tokens: [CLS]") == 2 and "b_input_ids: [2, " in ran.stdout
    assert not (tmp_path / "out").exists()


def test_lint_finds_no_mistake_in_dialogues(script, data, tiny_bert):
    for name, kind in (("train.txt", "response_pairs"), ("pairs.tsv", "text_pairs")):
        ran = script(
            "create_pretraining_data.py",
            "--lint",
            f"--input_file={data}/{name}",
            f"--instances={kind}",
            f"--vocab_file={tiny_bert}/vocab.txt",
        )
        assert ran.wait() == 0 and "no mistake was found" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.long
def test_what_does_not_fit_is_one_line(rank, script, data, tiny_bert, tmp_path):
    train = ("--do_train", f"--input_file={data}/train.tfrecord-*", f"--output_dir={tmp_path}/out")
    cases = {
        "--gradient_accumulation_steps=2: --objective=response_ranking": (*train, "--gradient_accumulation_steps=2"),
        "--do_predict: --objective=response_ranking": ("--do_predict", f"--predict_file={data}/dev.txt", train[-1]),
        "--similarity=cos: one of cosine, dot": (*train, "--similarity=cos"),
        "--pooling=middle: unknown pooling": (*train, "--pooling=middle"),
        "instances of 6 tokens, --max_seq_length=5": (*train, "--max_seq_length=5"),
        "made by --instances=response_pairs; this objective learns from": (*train, "--objective=masked_lm"),
        "--masking is of no use with --objective=response_ranking": (*train, "--masking=span"),
    }
    for message, flags in cases.items():
        line = rank(*flags, status=2).stderr.splitlines()[-1]
        assert line.startswith("error: ") and re.search(re.escape(message), line), line
    assert not (tmp_path / "out").exists()
    for content, message in {
        "a\tb\nc\n": "bad.tsv:2: 1 tab-separated column(s); 2 or 3 with text are needed",
        "a\t \tb\n": "bad.tsv:1: 3 tab-separated column(s), column 2 blank; 2 or 3",
        "a\tb\tc\td\n": "bad.tsv:1: 4 tab-separated column(s);",
    }.items():
        (tmp_path / "bad.tsv").write_text(content)
        ran = script(
            "create_pretraining_data.py",
            f"--input_file={tmp_path}/bad.tsv",
            "--instances=text_pairs",
            f"--vocab_file={tiny_bert}/vocab.txt",
            f"--output_file={tmp_path}/bad.tfrecord",
        )
        assert ran.wait() == 2 and message in ran.stderr.splitlines()[-1], ran.stderr
    for flag in ("--dynamic_masking", "--split_sentences"):
        ran = script(
            "create_pretraining_data.py",
            f"--input_file={data}/pairs.tsv",
            "--instances=text_pairs",
            flag,
            f"--vocab_file={tiny_bert}/vocab.txt",
            f"--output_file={tmp_path}/bad.tfrecord",
        )
        assert ran.wait() == 2 and f"{flag} is of no use" in ran.stderr.splitlines()[-1], ran.stderr
