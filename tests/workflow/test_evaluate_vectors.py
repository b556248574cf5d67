"""evaluate_vectors.py as its users run it: tables, files, transforms that extract_features.py applies, wrong input."""

import csv
import json
import os

import numpy as np
import pytest
from colours import sentences, write_table

from bertline.serving import TextEncoder


@pytest.fixture(scope="session")
def evaluate(script, tiny_bert):
    """evaluate(*flags, status=0) -> the finished Script of evaluate_vectors.py with the tiny BERT."""

    def run(*flags, status=0, name="evaluate_vectors.py"):
        given = {flag.split("=")[0] for flag in flags}
        more = [] if "--init_checkpoint" in given else [f"--init_checkpoint={tiny_bert}"]
        ran = script(name, *(flag for flag in (*flags, *more) if not flag.endswith("=None")))
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Pairs of sentences; those of one colour are similar."""
    first, second = sentences(60, 1), sentences(60, 2)
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    rows = [(a, b, 5.0 if x == y else i % 3) for i, ((a, _, x), (b, _, y)) in enumerate(zip(first, second))]
    write_table(path, [("text_a", "text_b", "score"), *rows])
    return path


@pytest.fixture(scope="module")
def words_dir(tmp_path_factory):
    """Single texts with train, dev and test, all with labels."""
    folder = tmp_path_factory.mktemp("words")
    for split, count, seed in (("train", 60, 1), ("dev", 30, 2), ("test", 33, 3)):
        rows = [(label, text) for text, _, label in sentences(count, seed)]
        write_table(folder / f"{split}.tsv", [("label", "text"), *rows])
    return folder


def test_tasks_transforms_and_files(evaluate, pairs, words_dir, cola_dir, colours_dir, tiny_bert, tmp_path):
    """One similarity task; classes with dev and test, without labels in test, and of pairs."""
    flags = (
        f"--tasks={pairs},words={words_dir},cola={cola_dir},colours={colours_dir}",
        "--transform=none,whitening:8",
        "--folds=3",
    )
    first = evaluate(*flags, f"--output_dir={tmp_path}/a")
    lines = first.stdout.splitlines()
    assert lines[0].split("  ")[0] == "task" and lines[0].endswith("tiny_bert0, whitening:8")
    starts = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert starts == ["task", "pairs", "words", "cola", "colours", "mean", "(scores", "written:"]
    assert "not times 100" in lines[-2]
    assert sorted(os.listdir(tmp_path / "a")) == ["scores.json", "scores.png", "scores.tsv"]
    assert (tmp_path / "a" / "scores.png").read_bytes().startswith(b"\x89PNG")
    content = json.loads((tmp_path / "a" / "scores.json").read_text())
    assert content["settings"]["folds"] == 3
    found = {(r["task"], r["transform"]): r for r in content["results"]}
    how = {task: (r["split"], r["rows"], r["chosen_on"]) for (task, _), r in found.items()}
    assert how == {
        "pairs": ("all rows", 60, None),
        "words": ("test", 33, "dev"),
        "cola": ("dev", 23, "3 folds of train"),
        "colours": ("dev", 23, "3 folds of train"),
    }
    assert list(found["cola", "none"]["scores"]) == ["accuracy", "mcc"]
    assert found["words", "whitening:8"]["fitted_on"] == "60 texts of train"
    assert found["words", "none"]["scores"]["accuracy"] > 0.8  # a shade is a token of its own
    with open(tmp_path / "a" / "scores.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == 16 and set(row["model"] for row in rows) == {str(tiny_bert)}
    for row in rows:
        assert float(row["score"]) == found[row["task"], row["transform"]]["scores"][row["metric"]]
    evaluate(*flags, f"--output_dir={tmp_path}/b")
    assert (tmp_path / "a" / "scores.tsv").read_bytes() == (tmp_path / "b" / "scores.tsv").read_bytes()


def test_the_cosine_is_that_of_the_vectors(evaluate, pairs, tiny_bert):
    import scipy.stats

    ran = evaluate(f"--tasks={pairs}", "--pooling=max", "--layers=-1,0", "--layer_mix=mean")
    rows = [line.split("\t") for line in pairs.read_text().splitlines()[1:]]
    encoder = TextEncoder(tiny_bert)
    wanted = {"pooling": "max", "layers": (-1, 0), "layer_mix": "mean", "normalize": True}
    first, second = (encoder.encode([row[column] for row in rows], **wanted) for column in (0, 1))
    expected = scipy.stats.spearmanr((first * second).sum(axis=1), [float(row[2]) for row in rows]).statistic
    assert f" {expected:.4f}\n" in ran.stdout


def test_several_models(evaluate, pairs, tiny_bert, tmp_path):
    (tmp_path / "twin").symlink_to(tiny_bert)
    ran = evaluate(f"--tasks={pairs}", f"--init_checkpoint={tiny_bert},{tmp_path}/twin")
    header, spearman, *_ = ran.stdout.splitlines()
    assert header.split()[-2:] == [tiny_bert.name, "twin"]
    assert len(set(spearman.split()[-2:])) == 1


def test_a_transform_is_saved_and_applied(evaluate, pairs, tiny_bert, tmp_path):
    texts = [line.split("\t")[0] for line in pairs.read_text().splitlines()[1:]]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
    file = tmp_path / "w.npz"
    flags = (f"--fit_texts={tmp_path}/texts.txt", "--pooling=mean", "--normalize=False", f"--save_transform={file}")
    ran = evaluate(*flags, "--transform=whitening:6")
    assert ran.stdout == f"written: {file}\n"
    both = evaluate(
        f"--tasks={pairs}",
        "--pooling=mean",
        "--normalize=False",
        f"--transform={file},whitening:6",
        f"--fit_texts={tmp_path}/texts.txt",
    ).stdout.splitlines()
    assert len(set(both[1].split()[-2:])) == 1
    source = (f"--input_file={tmp_path}/texts.txt", f"--output_file={tmp_path}/out.npz", "--unit=sentence")
    source += ("--max_seq_length=40",)
    evaluate(*source, f"--transform={file}", name="extract_features.py")
    with np.load(tmp_path / "out.npz") as out:
        values, settings = out["values"], json.loads(str(out["settings"]))
    assert values.shape == (60, 6) and settings["transform"]
    np.testing.assert_allclose(np.cov(np.unique(values, axis=0), rowvar=False), np.eye(6), atol=0.1)
    vectors = TextEncoder(tiny_bert).encode(list(dict.fromkeys(texts)))
    expected = np.linalg.eigh(np.cov(vectors.astype(np.float64), rowvar=False))[1][:, -6:]
    projected = (TextEncoder(tiny_bert).encode(texts) - vectors.mean(axis=0)) @ expected[:, ::-1]
    projected /= projected[np.unique(texts, return_index=True)[1]].std(axis=0, ddof=1)
    np.testing.assert_allclose(np.abs(values), np.abs(projected), atol=1e-3)
    # What was made otherwise is not mixed up.
    for flag, error in (
        ("--pooling=max", "fitted on vectors with pooling 'mean', here it is 'max'"),
        ("--unit=token", "--transform is for one vector per sentence"),
        (f"--transform={tmp_path}/texts.txt", "no file of evaluate_vectors.py --save_transform"),
    ):
        ran = evaluate(*source, f"--transform={file}", flag, "--layers=-1", name="extract_features.py", status=2)
        assert error in ran.stderr.splitlines()[-1]
    evaluate(*source, f"--output_file={tmp_path}/out.jsonl", f"--transform={file}", name="extract_features.py")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    np.testing.assert_allclose([row["features"][0]["layers"][0]["values"] for row in rows], values, atol=5.1e-7)
    more = (*source, f"--transform={file}", "--append")
    evaluate(*more, name="extract_features.py")
    ran = evaluate(*source, "--append", name="extract_features.py", status=2)
    assert "made with other settings: transform" in ran.stderr


WRONG = {
    "--tasks=None": "--tasks is needed",
    "--init_checkpoint=": "--init_checkpoint is needed",
    "--init_checkpoint=nothing": "nothing: no such file or folder",
    "--tasks=nothing.tsv": "nothing.tsv: no such file or folder",
    "--tasks=nothing": "unknown processor 'nothing'",
    "--split=train": "--split=train: one of test, dev is needed",
    "--split=dev": "--split=dev: one file has no splits",
    "--folds=1": "--folds=1: at least 2 are needed",
    "--seed=-1": "--seed=-1: a number from 0",
    "--transform=": "--transform is empty",
    "--transform=whiten": "did you mean whitening?",
    "--transform=nothing.npz": "--transform=nothing.npz: cannot be read",
    "--transform=whitening:33": "the vectors have 32 dimensions; at most whitening:32",
    "--fit_texts=x.txt": "--fit_texts: no transform is fitted",
    "--save_transform=x.npz": "name one that is fitted in --transform",
    "--pooling=none": "--pooling=none: one vector per text is needed",
    "--pooling=meen": "did you mean mean?",
    "--layers=-1,-2": "several vectors per text; --layer_mix=mean or concat joins them",
    "--layers=-9": "there is no layer -9",
    "--dtype=half": "--dtype=half: one of",
    "--batch_size=0": "--batch_size=0: a number above 0",
    "--max_seq_length=2": "at least 3 are needed",
    "--max_seq_length=64": "the model has positions for 40 tokens",
    "--output_dir=/dev/null/x": "cannot be written",
    "--no_such_flag": "--help lists the flags",
}


@pytest.mark.parametrize("flag", WRONG)
def test_wrong_flags(evaluate, pairs, flag):
    ran = evaluate(*([] if flag.startswith("--tasks") else [f"--tasks={pairs}"]), flag, status=2)
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("error: ") and WRONG[flag] in last and ran.stdout == ""


def test_too_few_texts(evaluate, pairs):
    ran = evaluate(f"--tasks={pairs}", "--transform=whitening", "--pooling=mean+max+cls+last", status=2)
    assert "texts are too few for 128 dimensions" in ran.stderr.splitlines()[-1]


def test_vectors_that_are_not_finite(evaluate, pairs, tiny_bert, tmp_path):
    import safetensors.numpy

    for name in os.listdir(tiny_bert):
        (tmp_path / name).write_bytes((tiny_bert / name).read_bytes())
    weights = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    for name in weights:
        if name.endswith("layer.1.output.LayerNorm.bias"):
            weights[name] = weights[name] * np.float32(np.nan)
    safetensors.numpy.save_file(weights, tmp_path / "model.safetensors")
    ran = evaluate(f"--tasks={pairs}", f"--init_checkpoint={tmp_path}", status=2)
    assert "texts of pairs are not finite" in ran.stderr.splitlines()[-1]


def test_neighbours_of_a_word(evaluate, tiny_bert, tmp_path):
    """Each context with all others, by rank; the screen shows some, the picture all."""
    lines = ["dog\tthe dog is red", "cat\tdog of a blue cat", "dog\ta red dog is the", "cat\tblue cat is a dog"]
    (tmp_path / "contexts.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "words.txt").write_text("dog 0.1 0.2\nblue 0.3 0.1\n")
    flags = [f"--contexts_file={tmp_path / 'contexts.txt'}", "--neighbours_of=dog", "--num_neighbours=1"]
    flags += [f"--init_checkpoint={tiny_bert},{tmp_path / 'words.txt'}"]
    ran = evaluate(*flags, f"--output_dir={tmp_path / 'out'}", "--layers=-1")
    assert ran.stdout.splitlines()[0] == str(tiny_bert) and "dog: the [dog] is red" in ran.stdout
    assert "the nearest context has the same sense for" in ran.stdout
    with open(tmp_path / "out" / "neighbours.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert f"{tmp_path / 'words.txt'}\n  the word has the same vector in each context" in ran.stdout
    assert len(rows) == 24 and [row["rank"] for row in rows[:3]] == ["1", "2", "3"]
    for i in range(0, 12, 3):
        cosines = [float(row["cosine"]) for row in rows[i : i + 3]]
        assert cosines == sorted(cosines, reverse=True) and {row["line"] for row in rows[i : i + 3]} == {
            str(i // 3 + 1)
        }
    assert rows[0]["context"] == "the [dog] is red" and rows[0]["sense"] == "dog"
    assert (tmp_path / "out" / "neighbours.png").read_bytes().startswith(b"\x89PNG")
