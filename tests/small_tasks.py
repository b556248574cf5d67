"""Small tasks of letters, a model to start from, and runs of run_classifier.py on them in this process."""

import os
import signal

import keras
import numpy as np
import small_classifiers

from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs.task_job import run_task
from bertline.weights.load_save import open_weights, save_huggingface

COLOURS = {"red": "ab", "blue": "cd", "green": "ef"}
TRAIN = {"do_train": True, "do_eval": True, "do_predict": True}
PACE = {"train_batch_size": 4, "num_train_epochs": 2, "max_seq_length": 16, "num_processes": 1, "num_gpus": 0}


def start_folder(folder, **sizes):
    """Writes a BERT of one layer with random weights, whose words are letters, into a folder."""
    tokenizer = small_classifiers.letters(folder / "vocab.txt")
    keras.utils.set_random_seed(3)
    sizes = {**small_classifiers.CONFIG, "num_hidden_layers": 1, **sizes}
    encoder = Bert(BertConfig(vocab_size=tokenizer.vocab_size, **sizes))
    encoder.build()
    save_huggingface(encoder, folder, tokenizer)
    return folder


def write_tasks(folder):
    """Writes the files of two tasks, classes of one text (hue) and scores of pairs (near), and recipes of them."""
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


def run(start, out, status=0, **settings):
    """Runs with settings of the command line; the folder `out`."""
    values = {"init_checkpoint": str(start), "output_dir": str(out), **PACE, **settings}
    assert run_task(ClassifierSettings(**values), lambda name: name in settings) == status
    return out


def stop_at_first_scores(monkeypatch, data_class):
    """The first evaluation while training gets a SIGTERM, as from a scheduler; later ones get none."""
    score, stops = data_class.scores, [True]

    def stop(self, evaluator):
        if stops:
            stops.pop()
            os.kill(os.getpid(), signal.SIGTERM)
        return score(self, evaluator)

    monkeypatch.setattr(data_class, "scores", stop)


def weights(folder):
    """Name -> array, of what a run has saved."""
    return {name: tensor.read() for name, tensor in open_weights(folder / "model").tensors.items()}


def results(path):
    """Name -> float of a file of scores."""
    return {key: float(value) for key, value in (line.split(" = ") for line in path.read_text().splitlines())}
