"""run_pretraining.py --objective=causal_lm as its users run it: a carried state, kills, perplexity, lines scored."""

import json
import math
import signal

import numpy as np
import pytest
from colours import FILLERS, WORDS
from safetensors.numpy import load_file

SIZES = {"embedding_size": 16, "hidden_size": 24, "num_layers": 2}
RATES = dict.fromkeys(["embedding_dropout", "input_dropout", "weight_dropout", "hidden_dropout", "output_dropout"], 0.1)
FLAGS = (
    "--objective=causal_lm",
    "--max_seq_length=10",
    "--train_batch_size=4",
    "--num_train_steps=60",
    "--num_warmup_steps=5",
    "--learning_rate=0.02",
    "--save_checkpoints_steps=5",
    "--max_grad_norm=1",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory, script, tiny_bert):
    folder = tmp_path_factory.mktemp("stream")
    (folder / "config.json").write_text(json.dumps({"model_type": "awd_lstm", **SIZES, **RATES}))
    draw = np.random.default_rng(0)
    for name in ("train", "dev"):
        lines = []
        for i in range(40):
            words = [*FILLERS, *list(WORDS.values())[i % len(WORDS)]]
            lines += [" ".join(sorted(draw.choice(words, 5))) + " ." for _ in range(4)] + [""]
        (folder / f"{name}.txt").write_text("\n".join(lines))
        ran = script(
            "create_pretraining_data.py",
            f"--input_file={folder}/{name}.txt",
            f"--vocab_file={tiny_bert}/vocab.txt",
            f"--output_file={folder}/{name}.tfrecord",
            "--instances=token_stream",
            "--max_seq_length=32",
            "--num_processes=1",
        )
        assert ran.wait() == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def command(data, tiny_bert):
    return (
        *FLAGS,
        f"--bert_config_file={data}/config.json",
        f"--vocab_file={tiny_bert}/vocab.txt",
        f"--input_file={data}/train.tfrecord",
        f"--eval_file={data}/dev.tfrecord",
    )


@pytest.fixture(scope="module")
def trained(script, command, tmp_path_factory):
    out = tmp_path_factory.mktemp("lm") / "out"
    ran = script("run_pretraining.py", *command, "--do_train", "--do_eval", f"--output_dir={out}")
    assert ran.wait() == 0, ran.stderr[-3000:]
    return out


def results(folder):
    lines = (folder / "eval_results.txt").read_text().splitlines()
    return {key: float(value) for key, value in (line.split(" = ") for line in lines)}


def weights(folder):
    return {name: array.tobytes() for name, array in load_file(folder / "model" / "model.safetensors").items()}


def test_it_learns(trained):
    found = results(trained)
    assert found["global_step"] == 60
    assert math.isclose(found["perplexity"], math.exp(found["loss"]), rel_tol=1e-6)
    vocab_size = len((trained / "model" / "vocab.txt").read_text().splitlines())
    assert found["perplexity"] < 0.5 * vocab_size


@pytest.mark.long
def test_ten_kills_end_with_the_same_bits(script, command, trained, tmp_path):
    """What is carried from batch to batch is in the checkpoint, and so is the place in each lane."""
    out = tmp_path / "killed"
    flags = (*command, "--do_train", f"--output_dir={out}", "--iterations_per_loop=1")
    draw, kills = np.random.default_rng(0), 0
    for number in range(10):
        ran = script("run_pretraining.py", *flags)
        wanted = out / f"model.ckpt-{5 * (number + 1)}.index"
        ran.wait_for(wanted.is_file)
        if not ran.process.is_alive():
            break
        ran.send(signal.SIGKILL if draw.random() < 0.7 else signal.SIGTERM)
        ran.wait()
        kills += 1
    assert kills == 10
    last = script("run_pretraining.py", *flags)
    assert last.wait() == 0, last.stderr[-3000:]
    assert weights(out) == weights(trained)


def test_lines_are_scored(script, command, trained, tmp_path):
    lines = tmp_path / "lines.txt"
    word = FILLERS[0]
    lines.write_text(f"{word} {word} .\n. {word} . . {word} {word} . {word} . {word} {word} . {word} .\n")
    ran = script(
        "run_pretraining.py",
        "--objective=causal_lm",
        "--do_predict",
        f"--predict_file={lines}",
        "--max_seq_length=10",
        f"--output_dir={trained}",
    )
    assert ran.wait() == 0, ran.stderr[-3000:]
    first, second = map(json.loads, (trained / "predictions.jsonl").read_text().splitlines())
    assert first["text"] == f"{word} {word} ." and len(first["tokens"]) == 4
    assert len(second["tokens"]) == 15  # longer than a stretch: the state is carried on
    for line in (first, second):
        total = sum(token["log_probability"] for token in line["tokens"])
        assert math.isclose(line["log_likelihood"], total, rel_tol=1e-4)
        assert math.isclose(line["perplexity"], math.exp(-total / len(line["tokens"])), rel_tol=1e-3)


@pytest.mark.parametrize(
    "flags, message",
    [
        (("--gradient_accumulation_steps=2",), "carries a state from batch to batch, which then cannot be cut"),
        (("--train_batch_size=100000",), "lanes; lower --train_batch_size"),
    ],
)
def test_what_a_carried_state_does_not_allow(script, command, flags, message, tmp_path):
    ran = script("run_pretraining.py", *command, "--do_train", *flags, f"--output_dir={tmp_path}/out")
    assert ran.wait() == 2 and message in ran.stderr, ran.stderr[-2000:]
    assert not (tmp_path / "out").exists()
