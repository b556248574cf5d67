"""Which rows are learnt from, chosen on and scored; what is refused before anything is encoded."""

import json

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.settings.scripts.evaluate_vectors import EvaluationSettings
from bertline.vector_evaluation import scores
from bertline.vector_evaluation.tasks import read_tasks

PAIRS = "text_a\ttext_b\tscore\na b\tc d\t1.5\ne\tf\t3\ng\th\t0\n"
CLASSES = "label\ttext\n" + "".join(f"{'xy'[i % 2]}\tword{i}\n" for i in range(12))


def read(tasks, **settings):
    return read_tasks(EvaluationSettings(init_checkpoint="m", tasks=tasks, **{"folds": 3, **settings}))


def sizes(task):
    return task.scored_split, len(task.scored), len(task.train), len(task.dev)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file below the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    return write


def glue(split, count, labelled=True):
    rows = [f"{i % 2}\t1\t2\ta{i}\tb{i}" if labelled else f"{i}\t1\t2\ta{i}\tb{i}" for i in range(count)]
    return "\n".join(["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", *rows]) + "\n"


def test_files_of_ones_own(write):
    write("data/pairs.tsv", PAIRS)
    write("classes.csv", CLASSES.replace("\t", ","))
    write("rows.jsonl", "".join(json.dumps({"text": f"t{i}", "label": i % 2}) + "\n" for i in range(10)))
    pairs, classes, rows = read("data/pairs.tsv,mine=classes.csv,rows.jsonl")
    assert (pairs.name, pairs.labels, sizes(pairs)) == ("pairs", [], ("all rows", 3, 0, 0))
    assert pairs.metrics == ("spearman", "pearson") and pairs.is_similarity
    assert [(e.text_a, e.text_b, e.label) for e in pairs.scored][0] == ("a b", "c d", 1.5)
    assert (classes.name, classes.labels, sizes(classes)) == ("mine", ["x", "y"], ("all rows", 12, 0, 0))
    assert classes.metrics == ("accuracy", "f1_macro")
    assert (rows.labels, sizes(rows)) == (["0", "1"], ("all rows", 10, 0, 0))


def test_folders_of_ones_own(write):
    for split in ("train", "dev", "test"):
        write(f"topics/{split}.tsv", CLASSES)
        write(f"pairs/{split}.tsv", PAIRS)
    topics, pairs = read("topics=topics,pairs")
    assert sizes(topics) == ("test", 12, 12, 12) and sizes(pairs) == ("test", 3, 0, 0)
    assert sizes(read("topics", split="dev")[0]) == ("dev", 12, 12, 0)
    assert sizes(read("pairs", split="dev")[0]) == ("dev", 3, 0, 0)
    assert sizes(read("tsv", data_dir="topics")[0]) == ("test", 12, 12, 12)
    # A transform is fitted on what is not scored, where there is such.
    assert sizes(read("pairs", transform="none,whitening:1")[0]) == ("test", 3, 3, 0)
    assert sizes(read("pairs", transform="whitening:1", fit_texts="x")[0]) == ("test", 3, 0, 0)


def test_test_rows_without_labels(write):
    for split, count in (("train", 12), ("dev", 6)):
        write(f"MRPC/{split}.tsv", glue(split, count))
    write("MRPC/test.tsv", glue("test", 5, labelled=False))
    assert sizes(read("mrpc=MRPC")[0]) == ("dev", 6, 12, 0)
    write("topics/train.tsv", CLASSES)
    write("topics/test.tsv", CLASSES + "\tno label\n")
    assert sizes(read("topics")[0]) == ("test", 12, 12, 0)


def test_a_stand_in_chooses_nothing(data_dir):
    [task] = read(f"trec={data_dir}/trec")
    assert sizes(task) == ("test", 500, 5452, 0)


@pytest.mark.long
def test_a_data_set_without_splits(data_dir):
    [task] = read(f"mr={data_dir}/mr")
    assert sizes(task) == ("all rows", 10662, 0, 0)


def test_data_root(write, data_dir):
    write("glue/STS-B/train.tsv", "")
    write("glue/MRPC/train.tsv", glue("train", 12))
    (mrpc,) = read("mrpc", data_root="glue")
    assert sizes(mrpc) == ("all rows", 12, 0, 0)
    stsb, trec = read("STS-B,trec", data_root=str(data_dir))
    assert sizes(stsb) == ("test", 1379, 0, 0) and sizes(trec)[0] == "test"
    write("glue/stsb/train.tsv", "")
    with pytest.raises(InputError, match="STS-B and stsb are both there; say sts-b=FOLDER"):
        read("sts-b", data_root="glue")


WRONG = {
    "sts": (PAIRS, "unknown processor 'sts'; did you mean"),
    "sts-b": (PAIRS, "say where its files are: sts-b=FOLDER, or --data_root"),
    "sts-b=nothing": (PAIRS, "sts-b: nothing: no such file or folder"),
    "sts-b=file.tsv": (PAIRS, "a file; the folder of the task's files is needed"),
    "file.tsv,file=file.tsv": (PAIRS, "two tasks are called file"),
    "mrpc=.": (PAIRS, "train.tsv: no such file"),
    "file.tsv": ("", "the file is empty"),
    "only=file.tsv": ("text_a\ttext_b\tscore\n", "a header and no rows"),
    "a=file.tsv": ("a\tb\tc\n", "the header is a, b, c; columns text_a, text_b and score, or text and label, are"),
    "b=file.tsv": ("text\tscore\na\t1\nb\t2\n", "file.tsv:2: one text and a score; similarity needs two"),
    "c=file.tsv": ("text_a\ttext_b\tscore\na\tb\t1\nb\tc\t1\n", "all 2 scores of c are equal"),
    "d=file.tsv": ("text_a\ttext_b\tscore\na\tb\tnan\nb\tc\t1\n", "file.tsv:2: label nan; a finite number is needed"),
    "e=file.tsv": ("text_a\ttext_b\tscore\na\tb\thigh\n", "file.tsv:2: score 'high'; a number is needed"),
    "f=file.tsv": ("text\tlabel\na\tx\nb\tx\n", "all 2 rows of f to learn from are 'x'; two classes are needed"),
    "g=file.tsv": (
        "text\tlabel\na\tx\nb\ty\nc\tx\n",
        "--folds=3: g has 3 rows to learn from, and no second class of 5",
    ),
    "h=file.tsv": ("text\tlabel\na\n", "file.tsv:2: 1 columns, column 2"),
    "i=file.tsv": ("text\tlabel\na\tx\nb\t\n", "file.tsv:3: no label; every train row needs one"),
    "j=file.md": (PAIRS, "the ending .md is none of"),
}


@pytest.mark.parametrize("tasks", WRONG)
def test_wrong_tasks(write, tasks):
    text, error = WRONG[tasks]
    write("file.tsv", text)
    write("file.md", text)
    with pytest.raises(InputError, match=r"^.+$") as raised:
        read(tasks)
    assert error in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("folds", [2, 3, 10])
def test_what_is_not_refused_can_be_cut_into_folds(write, folds):
    """Without other splits folds are cut of what a fold leaves: no class may be too small for those."""

    def table(count):
        return "label\ttext\n" + "".join(f"{'xy'[i % 2]}\tword{i}\n" for i in range(2 * count))

    def rows(count):
        return scores.LabelledVectors(np.random.default_rng(0).normal(size=(2 * count, 3)), np.arange(2 * count) % 2)

    write("all.tsv", table(folds + 2))
    assert sizes(read("all.tsv", folds=folds)[0])[0] == "all rows"
    assert len(scores.FrozenClassifier(folds, 1).predict_all(rows(folds + 2))[1]) == folds
    for count in (folds, folds + 1):
        write("all.tsv", table(count))
        with pytest.raises(InputError, match=f"no second class of {folds + 2} rows; give fewer folds"):
            read("all.tsv", folds=folds)
    with pytest.raises(ValueError):
        scores.FrozenClassifier(folds, 1).predict_all(rows(folds))
    # Where other rows are scored there is one level of folds.
    write("topics/train.tsv", table(folds))
    write("topics/test.tsv", table(2))
    assert sizes(read("topics", folds=folds)[0]) == ("test", 4, 2 * folds, 0)


def test_wrong_places(write, tmp_path):
    write("file.tsv", CLASSES)
    with pytest.raises(InputError, match="--data_dir is the folder of a single task"):
        read("mrpc,rte", data_dir=".")
    with pytest.raises(InputError, match="no folder of that name; say mrpc=FOLDER"):
        read("mrpc", data_root=".")
    with pytest.raises(InputError, match="--split=dev: one file has no splits"):
        read("file.tsv", split="dev")
    write("topics/train.tsv", CLASSES)
    write("topics/test.tsv", CLASSES.replace("y\t", "x\t"))
    with pytest.raises(InputError, match="all 12 rows of test are 'x'; .* --split=dev"):
        read("topics")
    write("topics/dev.tsv", CLASSES.replace("text\n", "text\nz\tother\n"))
    with pytest.raises(InputError, match=r"dev.tsv:2: label 'z' in dev; allowed: x, y"):
        read("topics")
