"""From text to a small ELMo as its users make one: vocabulary, records, training with kills, vectors."""

import json
import math
import signal

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file

CONFIG = {
    "model_type": "elmo",
    "filters": [[1, 8], [2, 8], [3, 8]],
    "character_embedding_size": 4,
    "num_highways": 1,
    "units": 24,
    "projection_size": 16,
    "num_layers": 2,
    "dropout": 0.1,
}
COLOURS = {"rose": "red", "leaf": "green", "sky": "blue"}
FLAGS = (
    "--objective=bidirectional_lm",
    "--num_sampled=12",
    "--optimizer=adagrad",
    "--learning_rate_schedule=constant",
    "--initial_accumulator=1.0",
    "--learning_rate=0.2",
    "--num_warmup_steps=0",
    "--max_grad_norm=10",
    "--max_seq_length=8",
    "--train_batch_size=8",
    "--eval_batch_size=4",
    "--num_train_steps=80",
    "--save_checkpoints_steps=5",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory, script):
    """A folder with vocabulary, configuration and records; the adjective before and behind a noun tells which it is."""
    folder = tmp_path_factory.mktemp("elmo")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    draw = np.random.default_rng(0)
    for name, count in (("train", 400), ("dev", 40)):
        nouns = draw.choice(list(COLOURS), count)
        lines = [f"The {COLOURS[noun]} {noun} is {COLOURS[noun]} ." for noun in nouns]
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    ran = script(
        "build_vocab.py",
        f"--input_file={folder}/train.txt",
        f"--output_file={folder}/vocab/vocab.txt",
        "--model_type=words",
        "--special_tokens=bilm",
    )
    assert ran.wait() == 0, ran.stderr
    for name in ("train", "dev"):
        ran = script(
            "create_pretraining_data.py",
            f"--input_file={folder}/{name}.txt",
            f"--vocab_file={folder}/vocab/vocab.txt",
            f"--output_file={folder}/{name}.tfrecord",
            "--instances=sentence_stream",
            "--num_processes=1",
        )
        assert ran.wait() == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def command(data):
    return (
        *FLAGS,
        f"--bert_config_file={data}/config.json",
        f"--vocab_file={data}/vocab/vocab.txt",
        f"--input_file={data}/train.tfrecord",
        f"--eval_file={data}/dev.tfrecord",
    )


@pytest.fixture(scope="module")
def trained(script, command, tmp_path_factory):
    out = tmp_path_factory.mktemp("lm") / "out"
    ran = script("run_pretraining.py", *command, "--do_train", "--do_eval", "--eval_steps=30", f"--output_dir={out}")
    assert ran.wait() == 0, ran.stderr[-3000:]
    return out


def weights(folder):
    return {name: array.tobytes() for name, array in load_file(folder / "model" / "model.safetensors").items()}


def test_the_vocabulary_is_sorted_by_frequency(data):
    words = (data / "vocab" / "vocab.txt").read_text().split()
    text = (data / "train.txt").read_text().split()
    assert words[:3] == ["<S>", "</S>", "<UNK>"] and set(words[3:]) == set(text)
    counts = [text.count(word) for word in words[3:]]
    assert counts == sorted(counts, reverse=True)


def test_both_directions_learn(trained):
    lines = (trained / "eval_results.txt").read_text().splitlines()
    found = {key: float(value) for key, value in (line.split(" = ") for line in lines)}
    for name in ("perplexity", "forward_perplexity", "backward_perplexity"):
        assert found[name] < 4.0, found  # of 13 words
    both = 0.5 * (math.log(found["forward_perplexity"]) + math.log(found["backward_perplexity"]))
    assert math.isclose(found["perplexity"], math.exp(both), rel_tol=1e-6)


@pytest.mark.long
def test_kills_end_with_the_same_bits(script, command, trained, tmp_path):
    """State, lanes, samples of words: all of it is in the checkpoint or a function of the step."""
    out = tmp_path / "killed"
    flags = (*command, "--do_train", f"--output_dir={out}", "--iterations_per_loop=1")
    for number, how in enumerate((signal.SIGKILL, signal.SIGTERM)):
        ran = script("run_pretraining.py", *flags)
        wanted = out / f"model.ckpt-{5 * (number + 1)}.index"
        ran.wait_for(wanted.is_file)
        assert ran.process.is_alive()
        ran.send(how)
        ran.wait()
    last = script("run_pretraining.py", *flags)
    assert last.wait() == 0, last.stderr[-3000:]
    assert weights(out) == weights(trained)


def test_vectors_of_the_trained_model(script, data, trained, tmp_path):
    (tmp_path / "lines.txt").write_text("The red rose is red .\nThe green rose is new .\n")
    ran = script(
        "extract_features.py",
        f"--input_file={tmp_path}/lines.txt",
        f"--output_file={tmp_path}/out.hdf5",
        f"--init_checkpoint={trained}",
        "--output_format=bilm",
    )
    assert ran.wait() == 0, ran.stderr[-3000:]
    with h5py.File(tmp_path / "out.hdf5") as file:
        one, other = file["0"][...], file["1"][...]
    assert one.shape == other.shape == (3, 6, 32)
    np.testing.assert_allclose(one[0, 2], other[0, 2], atol=1e-6)  # the word by itself
    assert np.abs(one[2, 2] - other[2, 2]).max() > 1e-3  # the word in its sentence
    ran = script(
        "convert_checkpoint.py", f"--init_checkpoint={trained}", "--format=bilm", f"--output_dir={tmp_path}/elmo"
    )
    assert ran.wait() == 0, ran.stderr[-3000:]
    assert "largest difference of sequence_output: 0" in ran.stdout
