"""A search over folds, trained by the script: killed and given again it goes on; its models give what its files say."""

import csv
import random
import signal

import pytest
from running import Script

from bertline.serving.prediction.predictor import Predictor

pytestmark = [pytest.mark.slow, pytest.mark.long]
SEARCH = "learning_rate:1e-3"


@pytest.fixture
def flags(classifier, tmp_path):
    rng = random.Random(1)
    texts = [" ".join(rng.choices(["fed", "a", "b", "c d", "x y"], k=4)) for _ in range(24)]
    rows = [
        ("text", "label", "who"),
        *((text, "fed" if "fed" in text else "not", f"g{i % 9}") for i, text in enumerate(texts)),
    ]
    (tmp_path / "train.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    return [
        *(
            "--task_name=tsv",
            f"--data_dir={tmp_path}",
            f"--init_checkpoint={classifier}",
            "--do_train",
            f"--search={SEARCH}",
        ),
        *(
            "--num_folds=2",
            "--group_column=who",
            "--max_seq_length=12",
            "--num_train_epochs=1",
            "--train_batch_size=4",
            "--num_processes=1",
        ),
    ]


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_killed_and_given_again(flags, tmp_path):
    out = tmp_path / "out"
    flags.append(f"--output_dir={out}")
    first = Script("run_classifier.py", flags, tmp_path / "2")
    first.wait_for(lambda: (out / "trial-1" / "fold-1" / "finished.json").exists())
    first.send(signal.SIGKILL)
    first.wait()
    assert not (out / "best_command.txt").exists()
    notes = {path: path.stat().st_mtime_ns for path in out.rglob("finished.json")}
    again = Script("run_classifier.py", flags, tmp_path / "3")
    assert again.wait() == 0, again.stderr
    assert len(notes) == 1 and all(path.stat().st_mtime_ns == at for path, at in notes.items())
    [row], folds = table(out / "search.tsv"), table(out / "trial-1" / "folds.tsv")
    assert row["state"] == "finished" and "trial-1/fold-1 is finished" in again.stderr
    assert [one["fold"] for one in folds] == ["fold-1", "fold-2", "mean", "deviation"]
    assert [row["eval_accuracy"], row["deviation"]] == [one["eval_accuracy"] for one in folds[2:]]
    assert "best: trial-1, --learning_rate=0.001" in again.stdout and "num_folds" not in again.stdout
    _look_at_folds(out / "trial-1", tmp_path / "train.tsv")


def _look_at_folds(folder, file):
    """Each row is answered by the model of the fold that it is in; rows of a group are in one fold."""
    held_out = {n: [row["guid"] for row in table(folder / f"fold-{n}" / "predictions.tsv")] for n in (1, 2)}
    fold = {guid: n for n, guids in held_out.items() for guid in guids}
    rows, source = table(folder / "predictions.tsv"), table(file)
    assert [row["text_a"] for row in rows] == [row["text"] for row in source]
    assert [row["true_label"] for row in rows] == [row["label"] for row in source]
    where = {}
    for row, its in zip(rows, source):
        where.setdefault(its["who"], set()).add(fold[row["guid"]])
    assert all(len(folds) == 1 for folds in where.values()) and set.union(*where.values()) == {1, 2}
    for number in (1, 2):
        own = [row for row in rows if fold[row["guid"]] == number]
        answers = Predictor(str(folder / f"fold-{number}")).predict([row["text_a"] for row in own])
        for row, answer in zip(own, answers):
            assert answer.label == row["label"]
            assert answer.confidence == pytest.approx(float(row["confidence"]), abs=2e-5)
