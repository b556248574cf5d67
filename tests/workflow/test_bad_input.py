"""Bad input: one line that names it, exit status 2, and nothing touched."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import small_records
from running import ROOT

TRAIN = ("--do_train", "--train_batch_size=8")


def listing(folder):
    """path -> (size, time of change) of all below a folder."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.fixture
def refused(classify, cola_dir, tmp_path):
    """refused(*flags) -> the one line of the error; checks that neither output folder nor data were touched."""

    def run(*flags, status=2, **options):
        out = tmp_path / "out"
        given = {flag.split("=")[0].replace("--no", "--") for flag in flags}
        defaults = {"--task_name": "COLA", "--data_dir": cola_dir, "--output_dir": out}
        flags = (*(f"{name}={value}" for name, value in defaults.items() if name not in given), *flags)
        flags = flags if given & {"--do_eval", "--do_predict", "--do_train"} else (*TRAIN, *flags)
        before = listing(tmp_path)
        ran = classify(*flags, status=status, **options)
        after = listing(tmp_path)
        assert after.keys() == before.keys()
        assert {p: s for p, s in after.items() if os.path.isfile(p)} == {
            p: s for p, s in before.items() if os.path.isfile(p)
        }
        lines = [line for line in ran.stderr.splitlines() if line.startswith("error:")]
        assert len(lines) == 1 and ran.stderr.splitlines()[-1] == lines[0], ran.stderr
        return lines[0]

    return run


def data(folder, source, **files):
    """A copy of a data folder with some files of other bytes (None: absent)."""
    shutil.copytree(source, folder)
    for name, content in files.items():
        path = folder / f"{name}.tsv"
        path.unlink() if content is None else path.write_bytes(content)
    return folder


GOOD = b"x\t1\t\tthe navy box\nx\t0\t\tthe ruby box\n"

DATA = {
    "missing file": (
        dict(train=None),
        "train.tsv: no such file (train.tsv is needed); files found there: dev.tsv, test.tsv",
    ),
    "wrong delimiter": (dict(train=GOOD.replace(b"\t", b",")), "train.tsv:1: 1 columns, column 4"),
    "missing column": (
        dict(train=GOOD + b"x\t1\t\n"),
        "train.tsv:3: 3 columns, column 4 (text_a) is needed; is the file tab-separated?",
    ),
    "unknown label in train": (dict(train=GOOD + b"x\t2\t\tbox\n"), "train.tsv:3: label '2' in train; allowed: 0, 1"),
    "unknown label in dev": (dict(dev=GOOD + b"x\tyes\t\tbox\n"), "dev.tsv:3: label 'yes' in dev; allowed: 0, 1"),
    "empty file": (dict(dev=b""), "dev.tsv: the file is empty"),
    "NUL bytes": (dict(train=GOOD + b"x\t1\t\tb\0x\n"), "train.tsv:3: NUL byte at offset 42"),
    "invalid UTF-8": (dict(train=GOOD + b"x\t1\t\tb\xe9x\n"), "train.tsv:3: byte 0xe9 at offset 42 is not utf-8"),
    "UTF-16": (dict(train=GOOD.decode().encode("utf-16")), "train.tsv:1: UTF-16 text"),
    "only a header": (dict(test=b"index\tsentence\n"), "test.tsv: 1 rows, none of them an example"),
    "too few rows for a step": (dict(train=GOOD), "no step to train: 2 examples, --train_batch_size=8"),
}


@pytest.mark.parametrize("case", DATA)
def test_data(refused, cola_dir, tmp_path, case):
    files, message = DATA[case]
    folder = data(tmp_path / "data", cola_dir, **files)
    epochs = () if "too few" not in case else ("--num_train_epochs=1",)
    assert message in refused(*TRAIN, "--do_eval", "--do_predict", f"--data_dir={folder}", *epochs)


def test_bom_and_crlf_are_read_as_if_they_were_not_there(classify, cola_dir, tmp_path):
    windows = {
        s: b"\xef\xbb\xbf" + (cola_dir / f"{s}.tsv").read_bytes().replace(b"\n", b"\r\n") for s in ("train", "dev")
    }
    folder = data(tmp_path / "data", cola_dir, **windows)
    flags = (*TRAIN, "--task_name=COLA", "--dry_run", f"--output_dir={tmp_path}/out")
    with_them, without = (classify(*flags, f"--data_dir={place}").stdout for place in (folder, cola_dir))
    assert with_them == without and "checks passed" in without


FLAGS = {
    "no verb": (["--nodo_train"], "at least one of --do_train, --do_eval and --do_predict"),
    "no task": (["--task_name=None"], "--task_name is needed"),
    "unknown task": (["--task_name=colla"], "unknown processor 'colla'; did you mean 'cola'?"),
    "no output folder": (["--output_dir=None"], "--output_dir is needed"),
    "no data folder": (["--data_dir=None"], "--data_dir is needed"),
    "no such data folder": (["--data_dir=/no/such"], "there is no folder /no/such"),
    "unknown flag": (["--learning_rat=1"], "Unknown command line flag 'learning_rat'. Did you mean: learning_rate"),
    "no number": (["--train_batch_size=many"], "flag --train_batch_size=many"),
    "not positive": (["--train_batch_size=0"], "--train_batch_size=0: a number above 0 is needed"),
    "no learning": (["--layer_decay=0"], "--layer_decay=0.0: a number above 0 is needed"),
    "negative norm": (["--max_grad_norm=-1"], "--max_grad_norm=-1.0: 0, which is none, or a number above it"),
    "negative interval": (["--eval_steps=-1"], "--eval_steps=-1: 0, which is none, or a number above it"),
    "no share": (["--warmup_proportion=10"], "--warmup_proportion=10.0: a number from 0 to 1 is needed"),
    "a bucket to write to": (["--output_dir=gs://bucket/out"], "gs://bucket/out: a folder of this machine is needed"),
    "no flag": (["train"], "'train' is not a flag"),
    "best of nothing": (["--keep_best"], "--eval_steps is needed"),
    "class weights": (["--class_weights=1,2,3"], "--class_weights=1,2,3: 2 numbers"),
    "files of another task": (
        ["--train_file=x.tsv", "--data_dir=None"],
        "--train_file is of no use with --task_name=COLA; "
        "it is for --task_name=conll, csv, delimited, jsonl, parquet, ranking, tsv, ",
    ),
    "language of another task": (["--xnli_language=en"], "--xnli_language is of no use with --task_name=COLA"),
    "pooling of another objective": (["--pooling=max"], "--pooling is of no use with --objective=sequence_class"),
    "dtype": (["--dtype=float8"], "--dtype=float8: one of float32, bfloat16, float16"),
    "frozen layers": (["--freeze_layers=3"], "--freeze_layers=3: a number from 0 to 2"),
    "processor module": (["--processor_module=/no/such.py"], "/no/such.py: no such file"),
    "no GPU": (["--require_gpu"], "TensorFlow sees no GPU"),
    "sequence length above the position table": (
        ["--max_seq_length=41"],
        "--max_seq_length=41: the model has positions for 40",
    ),
    "sequence length too short": (["--max_seq_length=2"], "--max_seq_length=2: at least 3"),
    "no such checkpoint": (["--init_checkpoint=/no/such"], "/no/such: no such file or folder"),
    "no model at all": (["--init_checkpoint=None"], "--bert_config_file is needed"),
    "nothing trained": (["--do_eval"], "add --do_train"),
    "no such records": ([*TRAIN, "--train_records=/no/such*"], "no file matches /no/such*"),
    "no such flagfile": (["--flagfile=/no/such"], "/no/such"),
}


@pytest.mark.parametrize("case", FLAGS)
def test_flags(refused, case):
    flags, message = FLAGS[case]
    assert message in refused(*flags)


def test_help_and_wrong_flags_do_not_wait_for_tensorflow():
    script = [sys.executable, str(ROOT / "run_classifier.py")]
    shows = (
        "import sys, runpy\nsys.argv = ['run_classifier.py', *sys.argv[1:]]\n"
        "try: runpy.run_path({!r}, run_name='__main__')\nfinally: print('tensorflow' in sys.modules)"
    )
    for flags, status, text in (
        (["--help"], 0, "of the task xnli:\n  --xnli_language"),
        (["--max_seq_lenght=3"], 2, "did you mean"),
        ([], 2, "--do_train"),
    ):
        ran = subprocess.run([*script, *flags], capture_output=True, text=True)
        assert ran.returncode == status and text.lower() in (ran.stdout + ran.stderr).lower()
        assert "Traceback" not in ran.stderr
        code = [sys.executable, "-c", shows.format(script[1]), *flags]
        assert subprocess.run(code, capture_output=True, text=True, cwd=ROOT).stdout.endswith("False\n")


# The model's files.


@pytest.fixture
def model(tiny_bert, tmp_path):
    """A copy of the tiny model to be spoilt."""
    return pathlib.Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def config(model, **changes):
    values = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**values, **changes}))


def test_vocabulary_that_does_not_fit_the_configuration(refused, model, vocabulary):
    (model / "vocab.txt").write_text("\n".join([*vocabulary, "more"]) + "\n")
    (model / "tokenizer.json").unlink()
    line = refused(f"--init_checkpoint={model}")
    assert f"the vocabulary has {len(vocabulary) + 1} tokens" in line and f"vocab_size {len(vocabulary)}" in line


def test_lower_casing_for_a_cased_vocabulary(refused, model, vocabulary):
    cased = [
        token if token.startswith("[") else token.title() if i % 2 else token for i, token in enumerate(vocabulary)
    ]
    (model / "vocab.txt").write_text("\n".join(cased) + "\n")
    for name in ("tokenizer_config.json", "tokenizer.json"):
        (model / name).unlink()
    line = refused(f"--init_checkpoint={model}", "--do_lower_case")
    assert "vocab.txt" in line and "cased" in line and "--do_lower_case" in line


def test_casing_against_the_saved_one(refused, model):
    line = refused(f"--init_checkpoint={model}", "--nodo_lower_case")
    assert "tokenizer_config.json: do_lower_case is True, --do_lower_case=False" in line


@pytest.mark.parametrize("damage", ("truncated", "header", "pickle", "shape", "missing weight", "config"))
def test_weights(refused, model, damage):
    path, flags = model / "model.safetensors", [f"--init_checkpoint={model}"]
    data = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(data[:-100])
        expected = f"the file ends at {len(data) - 100}"
    elif damage == "header":
        path.write_bytes(data[:9] + b"#" + data[10:])
        expected = "model.safetensors: the header at offset 8:1: not JSON"
    elif damage == "pickle":
        path.unlink()
        (model / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
        expected = "pytorch_model.bin: a Python pickle can run any program"
    elif damage == "shape":
        config(model, intermediate_size=48)
        expected = "(64,) in the checkpoint, (48,) in the model"
    elif damage == "missing weight":
        config(model, num_hidden_layers=3)
        expected = "16 weights of the encoder are missing: bert/encoder/layer_2/"
    else:
        config(model, hidden_size="32")
        expected = "config.json: configuration field 'hidden_size' is \"32\", int is needed"
    line = refused(*flags)
    assert expected in line and str(model) in line


def test_corrupted_tensorflow_checkpoint(refused, golden_dir, tmp_path):
    shutil.copytree(golden_dir / "tiny_bert", tmp_path / "tf1")
    path = tmp_path / "tf1" / "bert_model.ckpt.data-00000-of-00001"
    whole = path.read_bytes()
    flags = (f"--init_checkpoint={tmp_path}/tf1/bert_model.ckpt",)
    path.write_bytes(whole[:1000])
    line = refused(*flags)
    assert "bert_model.ckpt.data-00000-of-00001: the data ends at offset 1000" in line
    at = whole.find(b"\x00\x00\x80\x3f" * 8)  # a LayerNorm's gamma
    path.write_bytes(whole[: at + 2] + b"\xff" + whole[at + 3 :])
    assert "bert_model.ckpt: " in refused(*flags) and "cannot be read" in refused(*flags)


# Records.


def record(ids, label=1):
    return small_records.original_record(ids, [0] * len(ids), label, 16)


RECORDS = {
    "id out of range": ([record([2, 5, 3]), record([2, 30000, 3])], "record 2: input_ids has 30000"),
    "label out of range": ([record([2, 5, 3], label=2)], "record 1: label_ids has 2; 0 to 1 are allowed"),
    "no example": ([b"text"], "record 1: "),
    "too long": (
        [small_records.original_record([2, 5, 3], [0] * 3, 1, 32)],
        "records of 32 tokens, --max_seq_length=16",
    ),
    "empty": ([], "no record in 1 file(s)"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_found_records(refused, tmp_path, case):
    rows, message = RECORDS[case]
    path = small_records.write(tmp_path / "x.tf_record", rows)
    line = refused(f"--train_records={path}")
    assert path in line and message in line


def test_truncated_and_corrupted_records(refused, tmp_path):
    path = pathlib.Path(small_records.write(tmp_path / "x.tf_record", [record([2, 5, 3])] * 20))
    whole = path.read_bytes()
    size = len(whole) // 20
    path.write_bytes(whole[:-3])
    assert f"{path}: truncated record at byte {size * 19}, after 19 whole records" in refused(
        f"--eval_records={path}", *TRAIN, "--do_eval"
    )
    path.write_bytes(whole[: size * 4 + 30] + b"!" + whole[size * 4 + 31 :])
    assert f"{path}: corrupted record at byte {size * 4 + 12}, after 4 whole" in refused(f"--train_records={path}")


# The output folder.


def test_a_folder_below_a_file(refused, tmp_path):
    (tmp_path / "file").write_text("")
    line = refused(f"--output_dir={tmp_path}/file/out")
    assert f"--output_dir={tmp_path}/file/out: cannot be written: {tmp_path}/file is a file" in line


def test_generic_data(refused, colours_dir, tmp_path):
    folder = data(tmp_path / "data", colours_dir)
    flags = ("--task_name=delimited", f"--data_dir={folder}", *TRAIN)
    assert "no column 'sentence'" in refused(*flags, "--text_a_column=sentence")
    with open(folder / "dev.tsv", "a") as file:
        file.write("a box\ta door\tbleu\n")
    line = refused(*flags, "--do_eval")
    assert "dev.tsv:25: label 'bleu' in dev; allowed: blue, green, red; did you mean 'blue'?" in line
    assert "the ending .xls is none of" in refused(*flags, "--train_file=train.xls")
    assert "no such file" in refused(*flags, "--train_file=trian.tsv")


def test_labels_that_nothing_tells(refused, colours_dir):
    line = refused("--task_name=delimited", f"--data_dir={colours_dir}", "--do_predict")
    assert "label" in line
