"""run_squad.py as a real command, with the original's flags and files."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from colours import FILLERS, WORDS

from bertline.settings.scripts.run_squad import SquadSettings

# Of google-research/bert, run_squad.py, beside do_lower_case and null_score_diff_threshold: see the test.
ORIGINAL_FLAGS = {
    "bert_config_file": None,
    "vocab_file": None,
    "output_dir": None,
    "train_file": None,
    "predict_file": None,
    "init_checkpoint": None,
    "max_seq_length": 384,
    "doc_stride": 128,
    "max_query_length": 64,
    "do_train": False,
    "do_predict": False,
    "train_batch_size": 32,
    "predict_batch_size": 8,
    "learning_rate": 5e-5,
    "num_train_epochs": 3.0,
    "warmup_proportion": 0.1,
    "save_checkpoints_steps": 1000,
    "iterations_per_loop": 1000,
    "n_best_size": 20,
    "max_answer_length": 30,
    "use_tpu": False,
    "tpu_name": None,
    "tpu_zone": None,
    "gcp_project": None,
    "master": None,
    "num_tpu_cores": 8,
    "verbose_logging": False,
    "version_2_with_negative": False,
}


def write_questions(path, count, seed):
    """The answer is the one word of a colour in the text; there is none where no such word is."""
    draw, words = np.random.default_rng(seed), [word for group in WORDS.values() for word in group]
    paragraphs = []
    for i in range(count):
        text = draw.choice(FILLERS, draw.integers(4, 14)).tolist()
        answers = []
        if i % 4:
            place, word = int(draw.integers(len(text))), str(draw.choice(words))
            text[place] = word
            answers = [{"text": word, "answer_start": len(" ".join(text[:place])) + bool(place)}]
        qas = [{"id": f"q{i}", "question": "is the", "answers": answers, "is_impossible": not answers}]
        paragraphs.append({"context": " ".join(text), "qas": qas})
    path.write_text(json.dumps({"version": "x", "data": [{"title": "t", "paragraphs": paragraphs}]}))


def test_the_flags_of_the_original_have_its_defaults():
    """But for two that are found out: the casing shows in the vocabulary, the threshold is of an evaluation, else 0."""
    defaults = {field.name: field.default for field in dataclasses.fields(SquadSettings)}
    assert ORIGINAL_FLAGS.items() <= defaults.items()
    assert defaults["do_lower_case"] is None and defaults["null_score_diff_threshold"] is None


@pytest.fixture(scope="module")
def trained(script, tiny_bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("squad")
    write_questions(folder / "train.json", 160, 1), write_questions(folder / "dev.json", 40, 2)
    ran = script(
        "run_squad.py",
        f"--init_checkpoint={tiny_bert}",
        "--do_train=True",
        f"--train_file={folder / 'train.json'}",
        "--do_predict=True",
        f"--predict_file={folder / 'dev.json'}",
        "--train_batch_size=16",
        "--learning_rate=3e-3",
        "--num_train_epochs=6.0",
        "--max_seq_length=18",
        "--doc_stride=5",
        "--max_query_length=6",
        "--version_2_with_negative=True",
        f"--output_dir={folder / 'out'}",
        "--do_eval",
        "--eval_steps=30",
        "--keep_best",
        "--report",
    )
    assert ran.wait() == 0, ran.stderr[-3000:]
    assert "Traceback" not in ran.stderr
    return folder


def test_answers_are_learned_and_told_in_the_original_files(trained):
    out = trained / "out"
    predictions, nbest, odds = (
        json.loads((out / f"{name}.json").read_text()) for name in ("predictions", "nbest_predictions", "null_odds")
    )
    questions = [
        qa for one in json.loads((trained / "dev.json").read_text())["data"][0]["paragraphs"] for qa in one["qas"]
    ]
    assert list(predictions) == list(nbest) == list(odds) == [one["id"] for one in questions]
    right = [predictions[one["id"]] == (one["answers"][0]["text"] if one["answers"] else "") for one in questions]
    assert np.mean(right) > 0.8
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Least certain questions of dev" in page and "10 (25.0%)" in page  # questions without an answer
    threshold = threshold_of(out)
    for guid, entries in nbest.items():
        assert sum(entry["probability"] for entry in entries) == pytest.approx(1.0)
        best = next(entry for entry in entries if entry["text"])
        assert predictions[guid] == ("" if odds[guid] > threshold else best["text"])
    assert read_scores(out / "test_results.txt")["test_exact_match"] == pytest.approx(100.0 * np.mean(right))


def test_predictor_gives_the_answers_of_the_script(trained):
    """By the folder of the model alone: its config.json has windows, rules and threshold."""
    from bertline.serving import Predictor

    predictions = json.loads((trained / "out" / "predictions.json").read_text())
    paragraphs = json.loads((trained / "dev.json").read_text())["data"][0]["paragraphs"]
    asked = [(qa["question"], one["context"]) for one in paragraphs for qa in one["qas"]]
    found = Predictor(trained / "out" / "model", max_seq_length=18).answer(asked)
    assert [one.text for one in found] == list(predictions.values())
    odds = json.loads((trained / "out" / "null_odds.json").read_text()).values()
    np.testing.assert_allclose([one.null_score for one in found], list(odds), atol=1e-4)


def read_scores(path):
    return {name: float(value) for name, value in (line.split(" = ") for line in path.read_text().splitlines())}


def threshold_of(out):
    return json.loads((out / "model" / "config.json").read_text())["answer_rules"]["null_score_diff_threshold"]


def test_the_threshold_is_the_best_one_of_the_evaluation_and_is_used_again(trained, script, tmp_path):
    out = trained / "out"
    evaluated = read_scores(out / "eval_results.txt")
    assert threshold_of(out) == pytest.approx(evaluated["eval_best_f1_thresh"], abs=2e-4) and threshold_of(out) != 0.0
    # The same file is evaluated and predicted here, by a threshold of 0 first and by the best one then.
    assert read_scores(out / "test_results.txt")["test_answer_f1"] == pytest.approx(evaluated["eval_best_f1"])
    assert evaluated["eval_best_f1"] >= evaluated["eval_answer_f1"]
    with open(out / "metrics.csv", encoding="utf-8") as file:
        assert sum(bool(row["eval/eval_answer_f1"]) for row in csv.DictReader(file)) >= 2  # --eval_steps=30
    ran = script(
        "run_squad.py",
        f"--init_checkpoint={out}",
        "--do_predict",
        f"--predict_file={trained / 'dev.json'}",
        f"--output_dir={tmp_path}",
    )
    assert ran.wait() == 0, ran.stderr[-3000:]
    assert (tmp_path / "predictions.json").read_text() == (out / "predictions.json").read_text()


def test_transformers_gives_the_same_logits(trained):
    pytest.importorskip("transformers")
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    model = AutoModelForQuestionAnswering.from_pretrained(trained / "out" / "model")
    tokenizer = AutoTokenizer.from_pretrained(trained / "out" / "model")
    nbest, compared = json.loads((trained / "out" / "nbest_predictions.json").read_text()), 0
    for paragraph in json.loads((trained / "dev.json").read_text())["data"][0]["paragraphs"]:
        batch = tokenizer("is the", paragraph["context"], return_tensors="pt")
        if batch["input_ids"].shape[1] > 18:
            continue
        with torch.no_grad():
            outputs = model(**batch)
        compared += 1
        none = next(entry for entry in nbest[paragraph["qas"][0]["id"]] if not entry["text"])
        assert none["start_logit"] == pytest.approx(float(outputs.start_logits[0, 0]), abs=1e-4)
    assert compared > 20


def test_a_dry_run_shows_windows_and_answers(script, tiny_bert, trained, tmp_path):
    ran = script(
        "run_squad.py",
        f"--init_checkpoint={tiny_bert}",
        "--do_train",
        f"--train_file={trained / 'train.json'}",
        "--version_2_with_negative",
        "--max_seq_length=18",
        "--max_query_length=6",
        "--dry_run",
        f"--output_dir={tmp_path}",
    )
    assert ran.wait() == 0, ran.stderr[-3000:]
    shown = ran.stdout.splitlines()
    assert sum(line.startswith("tokens: [CLS] is the [SEP] ") for line in shown) == 4
    starts, ends = (
        [int(line.split(": ")[1]) for line in shown if line.startswith(f"  {name}_positions: ")]
        for name in ("start", "end")
    )
    assert len(starts) == len(ends) == 4 and all(start <= end < 18 for start, end in zip(starts, ends))


def test_a_window_that_has_no_room_is_one_line(script, tiny_bert, trained, tmp_path):
    ran = script(
        "run_squad.py",
        f"--init_checkpoint={tiny_bert}",
        "--do_predict",
        f"--predict_file={trained / 'dev.json'}",
        "--max_seq_length=18",
        f"--output_dir={tmp_path}",
    )
    assert ran.wait() == 2 and "--max_query_length=64" in ran.stderr.strip().splitlines()[-1]
