"""Files outside the repository, one for each thing: encoder, objective, task and optimizer train and predict."""

import json
import pathlib
import random

import pytest
from colours import FILLERS, WORDS

STRANGERS = pathlib.Path(__file__).parent / "strangers"
TAGS = {word: f"B-{colour}" for colour, words in WORDS.items() for word in words}


def write(path, count, seed):
    draw, words = random.Random(seed), [*TAGS, *FILLERS]
    lines = [[draw.choice(words) for _ in range(draw.randint(2, 9))] for _ in range(count)]
    path.write_text("\n".join(" ".join(f"{word}/{TAGS.get(word, 'O')}" for word in line) for line in lines) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, vocabulary):
    place = tmp_path_factory.mktemp("strangers")
    write(place / "train.slashes", 200, 1), write(place / "dev.slashes", 40, 2)
    (place / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    (place / "config.json").write_text(json.dumps({"model_type": "strange_lstm", "words": len(vocabulary)}))
    return place


@pytest.fixture(scope="module")
def tag(script, folder):
    def run(*flags):
        plugins = [f"--plugin={STRANGERS / name}.py" for name in ("lstm", "smoothed_tags", "slashes", "sign_descent")]
        ran = script(
            "run_tagger.py",
            *plugins,
            f"--bert_config_file={folder / 'config.json'}",
            "--task_name=slashes",
            f"--vocab_file={folder / 'vocab.txt'}",
            "--objective=smoothed_tags",
            "--optimizer=sign_descent",
            f"--data_dir={folder}",
            "--max_seq_length=40",
            f"--output_dir={folder / 'out'}",
            *flags,
        )
        assert ran.wait() == 0, ran.stderr[-3000:]
        return ran

    return run


def test_they_train_and_predict(tag, folder):
    tag(
        "--do_train",
        "--do_eval",
        "--do_predict",
        "--smoothing=0.05",
        "--outside_weight=0.5",
        "--smoothing_of_means=0.8",
        "--learning_rate=1e-2",
        "--num_train_epochs=15",
        "--train_batch_size=16",
    )
    results = dict(line.split(" = ") for line in (folder / "out" / "eval_results.txt").read_text().splitlines())
    assert float(results["eval_entity_f1"]) > 0.9
    settings = json.loads((folder / "out" / "run_config.json").read_text())["settings"]
    assert [settings[name] for name in ("smoothing", "outside_weight", "smoothing_of_means")] == [0.05, 0.5, 0.8]
    told = (folder / "out" / "predictions.conll").read_text()
    tag("--do_predict", "--do_train=false")
    assert (folder / "out" / "predictions.conll").read_text() == told
