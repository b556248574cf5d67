"""extract_features.py as its users run it: the original's answers, formats, resume after a kill, wrong input."""

import gzip
import io
import json
import os
import random
import signal
import string
import sys

import h5py
import numpy as np
import pytest


@pytest.fixture(scope="session")
def extract(script, tiny_bert):
    """extract(*flags, status=0) -> the finished Script of extract_features.py with the tiny BERT."""

    def run(*flags, status=0, **options):
        given = {flag.split("=")[0] for flag in flags}
        defaults = {"--init_checkpoint": tiny_bert, "--max_seq_length": 16, "--layers": "-1,-2"}
        more = [f"{name}={value}" for name, value in defaults.items() if name not in given]
        ran = script(
            "extract_features.py", *(flag for flag in (*flags, *more) if not flag.endswith("=None")), **options
        )
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


def lines_of(count, seed=0):
    draw = random.Random(seed)
    words = [draw.choice(string.ascii_lowercase) * draw.randint(1, 3) for _ in range(50)]
    return [" ".join(draw.choices(words, k=draw.randint(0, 9))) for _ in range(count)]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A file of 40 lines: empty ones, pairs, one that is too long, odd characters, no end of the last line."""
    lines = [*lines_of(35), "", "a b ||| c d e", "x " * 40, "naïve 北京 \u2028 🙂", "end"]
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def rows_of(lines):
    return [json.loads(line) for line in lines]


def values_of(row):
    """[tokens, layers, width] of a line, as a reader of the original's format does it."""
    return np.array([[layer["values"] for layer in feature["layers"]] for feature in row["features"]])


def test_equals_the_original(extract, golden_dir, tmp_path):
    folder = golden_dir / "tiny_bert"
    extract(
        f"--input_file={folder}/extract_input.txt",
        f"--output_file={tmp_path}/out.jsonl",
        "--layers=-1,-2",
        f"--bert_config_file={folder}/bert_config.json",
        f"--vocab_file={folder}/vocab.txt",
        "--do_lower_case=True",
        f"--init_checkpoint={folder}/bert_model.ckpt",
        "--batch_size=8",
    )
    found = rows_of((tmp_path / "out.jsonl").read_text().splitlines())
    expected = rows_of((folder / "extract_features.jsonl").read_text().splitlines())
    for ours, original in zip(found, expected, strict=True):
        assert list(ours) == list(original) and ours["linex_index"] == original["linex_index"]
        assert [f["token"] for f in ours["features"]] == [f["token"] for f in original["features"]]
        for one, other in zip(ours["features"], original["features"]):
            assert list(one) == list(other) and [list(x) for x in one["layers"]] == [list(x) for x in other["layers"]]
            assert [layer["index"] for layer in one["layers"]] == [layer["index"] for layer in other["layers"]]
        np.testing.assert_allclose(values_of(ours), values_of(original), atol=2e-6)
    assert sorted(os.listdir(tmp_path)) == [".out.jsonl.made.json", "out.jsonl"]  # the first is for --append


@pytest.mark.parametrize("unit", ["token", "word", "sentence"])
def test_formats_hold_the_same(extract, texts, tmp_path, unit):
    flags = (f"--input_file={texts}", f"--unit={unit}", "--layers=-1,0")
    for ending in ("jsonl", "jsonl.gz", "hdf5", "npz"):
        extract(*flags, f"--output_file={tmp_path}/out.{ending}")
    plain = (tmp_path / "out.jsonl").read_bytes()
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == plain
    rows = rows_of(plain.decode().splitlines())
    assert [row["linex_index"] for row in rows] == list(range(40))
    with h5py.File(tmp_path / "out.hdf5") as file:
        arrays = {name: file[name][:] for name in file}
        settings = file.attrs["settings"]
    with np.load(tmp_path / "out.npz") as file:
        assert str(file["settings"]) == settings and json.loads(settings)["unit"] == unit
        for name, array in arrays.items():
            assert array.dtype == file[name].dtype
            np.testing.assert_array_equal(array, file[name])
    assert arrays["lines"].tolist() == list(range(40)) and arrays["values"].dtype == np.float32
    values = np.concatenate([values_of(row).reshape(-1, 2, 32) for row in rows])
    np.testing.assert_allclose(arrays["values"], values, atol=5.1e-7)
    tokens = [feature["token"] for row in rows for feature in row["features"]]
    if unit == "sentence":
        assert arrays["values"].shape == (40, 2, 32) and "offsets" not in arrays
        assert tokens == [line.strip() for line in texts.read_text(encoding="utf-8").split("\n")]
    else:
        assert arrays["offsets"].tolist() == np.cumsum([0] + [len(row["features"]) for row in rows]).tolist()
        assert arrays["tokens"].tobytes().decode().split("\n")[:-1] == tokens


def test_windows_and_half_precision(extract, texts, tmp_path):
    flags = (f"--input_file={texts}", "--layers=-1", f"--output_file={tmp_path}/out.npz")
    said = extract(*flags).stderr
    with np.load(tmp_path / "out.npz") as file:
        cut, longest = file["values"], np.diff(file["offsets"]).max()
        assert longest == 16 and cut.ndim == 2
    ran = extract(*flags, "--window_stride=8", "--output_dtype=float16")
    assert "truncated" not in ran.stderr
    with np.load(tmp_path / "out.npz") as file:
        lengths = np.diff(file["offsets"])
        truncated = f"{np.sum(lengths > 16)} of 40 texts have more than --max_seq_length=16 tokens and were truncated"
        assert said.count(truncated) == 1
        assert lengths.max() == 42 and file["values"].dtype == np.float16
        np.testing.assert_allclose(file["values"][:16], cut[:16], atol=2e-3)


def test_mixed_layers(extract, texts, tmp_path):
    flags = (f"--input_file={texts}", f"--output_file={tmp_path}/out.jsonl", "--unit=sentence", "--layers=-1,-2")
    extract(*flags, "--layer_mix=concat", "--pooling=mean+max", "--normalize")
    for row in rows_of((tmp_path / "out.jsonl").read_text().splitlines()):
        [[layer]] = [feature["layers"] for feature in row["features"]]
        assert layer["index"] == [-1, -2] and len(layer["values"]) == 128
        assert abs(np.linalg.norm(layer["values"]) - 1.0) < 1e-4


def test_layers_by_default(extract, texts, tmp_path):
    flags = (f"--input_file={texts}", f"--output_file={tmp_path}/out.npz", "--layers=None")
    assert "there is no layer -4" in extract(*flags, status=2).stderr
    extract(*flags, "--unit=sentence")
    assert read(tmp_path / "out.npz")["values"].shape == (40, 32)


def test_standard_input_and_output(extract, texts, tmp_path):
    extract(f"--input_file={texts}", f"--output_file={tmp_path}/out.jsonl")
    with open(texts, "rb") as file:
        packed = tmp_path / "texts.txt.gz"
        packed.write_bytes(gzip.compress(file.read()))
    ran = extract(f"--input_file={packed}", "--output_file=-")
    assert ran.stdout == (tmp_path / "out.jsonl").read_text()


def test_standard_input(texts, tiny_bert, tmp_path):
    from bertline.serving.texts.input_lines import strip_lines

    read, write = os.pipe()
    os.write(write, b"a b\n\nc ||| d")
    os.close(write)
    before = os.dup(0)
    try:
        os.dup2(read, 0)
        sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False))
        assert list(strip_lines("-")) == ["a b", "", "c ||| d"]
    finally:
        os.dup2(before, 0)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A file of 9,000 lines: three pools."""
    path = tmp_path_factory.mktemp("many") / "texts.txt"
    path.write_text("\n".join(lines_of(9000, 1)) + "\n")
    return path


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "hdf5", "npz"])
@pytest.mark.long
def test_killed_and_resumed(extract, script, many, tmp_path, tiny_bert, ending):
    common = (f"--input_file={many}", "--unit=sentence", "--layers=-1,-2", "--max_seq_length=16")
    flags = (*common, f"--init_checkpoint={tiny_bert}", f"--output_file={tmp_path}/killed.{ending}")
    extract(*common, f"--output_file={tmp_path}/whole.{ending}")
    part = tmp_path / f"killed.{ending}.part"
    job = script("extract_features.py", *flags)
    job.wait_for((part / "state.json").exists)
    job.send(signal.SIGKILL)
    job.wait()
    assert part.is_dir() and not (tmp_path / f"killed.{ending}").exists(), "it was too fast to be killed"
    assert 0 < json.loads((part / "state.json").read_text())["progress"]["texts"] < 9000
    with open(part / ("lines" if "json" in ending else "values"), "ab") as file:
        file.write(b"half a l")  # killed while it wrote
    other = extract(*flags, "--pooling=max", status=2)
    assert "begun with pooling 'mean', now it is 'max'" in other.stderr
    ran = extract(*flags)
    assert "going on after" in ran.stderr and "9000 texts" in ran.stderr
    assert (tmp_path / f"killed.{ending}").read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()
    left = sorted(name for name in os.listdir(tmp_path) if not name.endswith(".made.json"))  # for --append
    assert left == [f"killed.{ending}", f"whole.{ending}"]


def test_another_input_does_not_go_on(extract, script, many, tmp_path, tiny_bert):
    changed = tmp_path / "texts.txt"
    flags = (
        "--unit=sentence",
        "--max_seq_length=16",
        "--layers=-1",
        f"--output_file={tmp_path}/out.npz",
        f"--init_checkpoint={tiny_bert}",
    )
    job = script("extract_features.py", f"--input_file={many}", *flags)
    job.wait_for((tmp_path / "out.npz.part" / "state.json").exists)
    job.send(signal.SIGKILL)
    job.wait()
    changed.write_text("other\n" + many.read_text())
    ran = extract(f"--input_file={changed}", *flags, status=2)
    assert "lines are not those that" in ran.stderr


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "hdf5", "npz"])
@pytest.mark.parametrize("unit", ["token", "sentence"])
def test_append(extract, texts, tmp_path, ending, unit):
    more = tmp_path / "more.txt"
    more.write_text("one more\nand another\n")
    both = tmp_path / "both.txt"
    both.write_bytes(texts.read_bytes() + b"\n" + more.read_bytes())
    flags = (f"--output_file={tmp_path}/out.{ending}", f"--unit={unit}", "--append")
    extract(f"--input_file={texts}", *flags)
    extract(f"--input_file={more}", *flags)
    extract(f"--input_file={both}", f"--output_file={tmp_path}/both.{ending}", f"--unit={unit}")
    found, expected = (read(tmp_path / f"{name}.{ending}") for name in ("out", "both"))
    assert found.keys() == expected.keys()
    for name in found:  # batches were others, so that the last digit may be another
        if found[name].dtype.kind == "f":
            np.testing.assert_allclose(found[name], expected[name], atol=2e-6)
        else:
            np.testing.assert_array_equal(found[name], expected[name])
    if ending in ("hdf5", "npz"):
        ran = extract(f"--input_file={more}", *flags, "--normalize", status=2)
        assert "made with other settings: normalize False there, True here" in ran.stderr


def read(path):
    """name -> array of any of the formats."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name] for name in file.files}
    if path.suffix == ".hdf5":
        with h5py.File(path) as file:
            return {name: file[name][:] for name in file}
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        rows = rows_of(file)
    return {
        "lines": np.array([row["linex_index"] for row in rows]),
        "tokens": np.array([feature["token"] for row in rows for feature in row["features"]]),
        "values": np.concatenate([values_of(row) for row in rows]),
    }


def test_flags_without_meaning_and_an_empty_file(extract, tmp_path):
    (tmp_path / "empty").write_text("")
    for ending in ("jsonl", "hdf5", "npz"):
        flags = ("--use_tpu=False", "--num_tpu_cores=8", "--master=x", "--use_one_hot_embeddings=True")
        ran = extract(f"--input_file={tmp_path}/empty", f"--output_file={tmp_path}/out.{ending}", *flags)
        assert ran.stderr.count("no effect on TensorFlow 2: ") == 1
        assert ran.stderr.count("--use_one_hot_embeddings") == 1
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert len(read(tmp_path / "out.hdf5")["lines"]) == 0


WRONG = {
    "--input_file=None": "--input_file is needed",
    "--output_file=None": "--output_file is needed",
    "--init_checkpoint=None": "--init_checkpoint is needed",
    "--input_file=nothing.txt": "--input_file=nothing.txt: no such file",
    "--output_file=.": "a folder; the name of a file is needed",
    "--layers=-1;-2": "--layers=-1;-2: numbers separated by commas are needed",
    "--unit=sentense": "unknown unit 'sentense'; did you mean sentence?",
    "--pooling=max": "--pooling=max: each token has a vector of its own; --unit=sentence, or word, is needed",
    "--pooling=meen": "unknown pooling 'meen'; did you mean mean?",
    "--output_format=hdf": "unknown output_format 'hdf'; did you mean hdf5?",
    "--output_dtype=float64": "--output_dtype=float64: one of float32, float16 is needed",
    "--layer_mix=sum": "none of none, mean, concat, and no such file",
    "--batch_size=0": "--batch_size=0: a number above 0 is needed",
    "--window_stride=0": "--window_stride=0: a number above 0 is needed",
    "--max_seq_length=2": "at least 3 are needed",
    "--max_seq_length=64": "the model has positions for 40 tokens",
    "--layers=-9": "there is no layer -9; the model has 2",
    "--window_stride=15": "a number from 1 to 14 is needed",
    "--dtype=half": "--dtype=half: one of float32, bfloat16, float16 is needed",
    "--init_checkpoint=nothing": "nothing: no such file or folder",
    "--do_lower_case=False": "do_lower_case is True, --do_lower_case=False was asked for",
}


@pytest.mark.parametrize("flag", WRONG)
def test_wrong_flags(extract, texts, tmp_path, flag):
    given = flag.split("=")[0]
    others = {"--input_file": texts, "--output_file": tmp_path / "out.jsonl"}
    ran = extract(flag, *(f"{name}={value}" for name, value in others.items() if name != given), status=2)
    assert ran.stderr.startswith("error: ") and WRONG[flag] in ran.stderr and ran.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_text_that_is_not_utf_8(extract, tmp_path):
    (tmp_path / "latin").write_bytes("good\ncaf\xe9\n".encode("latin-1"))
    ran = extract(f"--input_file={tmp_path}/latin", f"--output_file={tmp_path}/out.jsonl", status=2)
    assert f"{tmp_path}/latin:2: byte 0xe9 at offset 8 is not utf-8" in ran.stderr
    assert "likely --encoding=cp1252 reads “café”" in ran.stderr
    assert os.listdir(tmp_path) == ["latin"], "nothing is left of a job that wrote nothing"
