"""run_squad.py as a real command, with the original's flags and files."""

import json

import numpy as np
import pytest
from colours import FILLERS, WORDS


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


@pytest.fixture(scope="module")
def trained(script, tiny_bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("squad")
    write_questions(folder / "train.json", 160, 1), write_questions(folder / "dev.json", 40, 2)
    ran = script(
        "run_squad.py", f"--init_checkpoint={tiny_bert}", "--do_train=True", f"--train_file={folder / 'train.json'}",
        "--do_predict=True", f"--predict_file={folder / 'dev.json'}", "--train_batch_size=16", "--learning_rate=3e-3",
        "--num_train_epochs=6.0", "--max_seq_length=18", "--doc_stride=5", "--max_query_length=6",
        "--version_2_with_negative=True", f"--output_dir={folder / 'out'}",
    )  # fmt: skip
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
    for guid, entries in nbest.items():
        assert sum(entry["probability"] for entry in entries) == pytest.approx(1.0)
        best = next(entry for entry in entries if entry["text"])
        assert predictions[guid] == ("" if odds[guid] > 0.0 else best["text"])
    scores = dict(line.split(" = ") for line in (out / "test_results.txt").read_text().splitlines())
    assert float(scores["test_exact_match"]) == pytest.approx(100.0 * np.mean(right))


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


def test_a_window_that_has_no_room_is_one_line(script, tiny_bert, trained, tmp_path):
    ran = script(
        "run_squad.py", f"--init_checkpoint={tiny_bert}", "--do_predict", f"--predict_file={trained / 'dev.json'}",
        "--max_seq_length=18", f"--output_dir={tmp_path}",
    )  # fmt: skip
    assert ran.wait() == 2 and "--max_query_length=64" in ran.stderr.strip().splitlines()[-1]
