"""create_pretraining_data.py as it is called: files in, records out, and what goes wrong."""

import gzip
import hashlib
import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from patience import PATIENCE
from running import ROOT, Script

from bertline.create_pretraining_data import next_command
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.processors.corpora.making.instance_records import find_records
from bertline.processors.tokenization import FullTokenizer
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings

NAME = "create_pretraining_data.py"
WORDS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon".split()
)
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *"abcdefghijklmnopqrstuvwxyz", "##ed", "##ing", "."]


def text(num_documents, seed=0):
    rng = random.Random(seed)

    def sentence():
        return " ".join(rng.choice(WORDS) + rng.choice(["", "", "ed", "ing"]) for _ in range(rng.randint(3, 14))) + " ."

    return "\n\n".join("\n".join(sentence() for _ in range(rng.randint(2, 9))) for _ in range(num_documents)) + "\n"


@pytest.fixture
def corpus(tmp_path):
    """A folder with a vocabulary and a text, and the flags that name them."""
    (tmp_path / "vocab.txt").write_text("\n".join(VOCAB) + "\n")
    (tmp_path / "a.txt").write_text(text(60))
    return tmp_path


def flags(folder, *more, output="out.tfrecord", files="a.txt"):
    names = ",".join(str(folder / name) for name in files.split(","))
    outputs = ",".join(str(folder / name) for name in output.split(","))
    return [
        f"--input_file={names}",
        f"--output_file={outputs}",
        f"--vocab_file={folder}/vocab.txt",
        "--max_seq_length=32",
        "--dupe_factor=2",
        *more,
    ]


def made(folder, *more, **names):
    """Runs the script, which must end well; returns it."""
    script = Script(NAME, flags(folder, *more, **names), folder / f"log-{time.monotonic_ns()}")
    assert script.wait() == 0, script.stderr[-3000:]
    return script


def refused(folder, *more, **names):
    script = Script(NAME, flags(folder, *more, **names), folder / f"log-{time.monotonic_ns()}")
    assert script.wait() == 2, script.stderr[-3000:]
    lines = script.stderr.strip().splitlines()
    assert lines[-1].startswith("error: ")
    return lines[-1]


def records(*paths):
    return [record.numpy() for path in paths for record in tf.data.TFRecordDataset(str(path))]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_flags_of_the_original_keep_names_and_defaults():
    run = PretrainingDataSettings()
    for name, default in {
        "input_file": None,
        "output_file": None,
        "vocab_file": None,
        "do_whole_word_mask": False,
        "max_seq_length": 128,
        "max_predictions_per_seq": 20,
        "random_seed": 12345,
        "dupe_factor": 10,
        "masked_lm_prob": 0.15,
        "short_seq_prob": 0.1,
    }.items():
        assert getattr(run, name) == default, name


def test_records_manifest_and_summary(corpus):
    script = made(corpus, "--num_processes=2")
    manifest = json.loads((corpus / "out.tfrecord.manifest.json").read_text())
    found = records(corpus / "out.tfrecord")
    assert manifest["num_instances"] == len(found) > 60
    assert manifest["files"] == {"out.tfrecord": (corpus / "out.tfrecord").stat().st_size}
    lengths = [len(tf.train.Example.FromString(r).features.feature["input_ids"].int64_list.value) for r in found]
    assert manifest["max_length"] == max(lengths) <= 32
    for name, value in {
        "format": 1,
        "max_seq_length": 32,
        "max_predictions_per_seq": 20,
        "instances": "next_sentence",
        "dynamic_masking": False,
        "masking": "token",
        "masked_lm_prob": 0.15,
        "random_seed": 12345,
        "dupe_factor": 2,
        "vocab_file": str(corpus / "vocab.txt"),
        "do_lower_case": True,
        "vocab_size": len(VOCAB),
    }.items():
        assert manifest[name] == value
    assert script.stderr.count("*** Example ***") == 3 and "tokens: [CLS] " in script.stderr
    assert f"{len(found)} (next_sentence, 2 times" in script.stdout
    assert "python run_pretraining.py --do_train" in script.stdout
    assert sorted(os.listdir(corpus)) == sorted(
        ["vocab.txt", "a.txt", "out.tfrecord", "out.tfrecord.manifest.json", script.out.parent.name]
    )


@pytest.mark.parametrize(
    "name, start", [("model.safetensors", "{}"), ("bert_model.ckpt.index", "{}/bert_model.ckpt"), (None, "...")]
)
def test_the_next_command_names_where_to_start(tmp_path, name, start):
    if name:
        (tmp_path / name).write_text("")
    run = PretrainingDataSettings(output_file="out", vocab_file=str(tmp_path / "vocab.txt"))
    assert f"--init_checkpoint={start.format(tmp_path)}" in next_command(run, {})
    assert ("--bert_config_file=..." in next_command(run, {})) == (name is None)


def test_the_same_bytes_whatever_the_processes(corpus):
    """Several blocks: the text is larger than two of them."""
    (corpus / "a.txt").write_text(text(14_000))
    for count in (1, 2, 3):
        made(corpus, f"--num_processes={count}", "--do_whole_word_mask", output=f"out{count}")
    assert json.loads((corpus / "out1.manifest.json").read_text())["statistics"]["documents"] == 14_000
    assert os.path.getsize(corpus / "a.txt") > 2 * (2 << 20)
    assert digest(corpus / "out1") == digest(corpus / "out2") == digest(corpus / "out3")


def test_the_same_instances_whatever_the_files(corpus):
    """Cut anywhere between lines, packed or not, with NUL bytes; and dealt to any number of shards."""
    lines = text(60).strip().split("\n")
    first, second = lines.index("", 70) + 2, lines.index("", 180)  # in a document, and before a blank line
    (corpus / "b1.txt").write_text("\n".join(lines[:first]))
    (corpus / "b2.txt").write_bytes(gzip.compress("\n".join(lines[first:second]).encode()))
    (corpus / "b3.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines[second:]).encode().replace(b"e", b"e\0"))
    made(corpus)
    made(corpus, "--num_output_shards=3", output="shards", files="b[1-9].txt")
    made(corpus, output="x,y", files="b1.txt,b2.txt,b3.txt")
    whole = records(corpus / "out.tfrecord")
    shards = [records(corpus / f"shards-0000{i}-of-00003") for i in range(3)]
    assert all(shards[i % 3][i // 3] == record for i, record in enumerate(whole)) and sum(map(len, shards)) == len(
        whole
    )
    assert records(corpus / "x") == whole[::2] and records(corpus / "y") == whole[1::2]
    manifest = json.loads((corpus / "x.manifest.json").read_text())
    assert set(manifest["files"]) == {"x", "y"} and manifest["statistics"]["documents"] == 60
    made(corpus, "--documents=blank_line_or_file", output="z", files="b1.txt,b2.txt,b3.txt")
    assert json.loads((corpus / "z.manifest.json").read_text())["statistics"]["documents"] == 61


def test_instances_are_in_random_order(corpus):
    """Neighbours in the file come from anywhere in the text, whose documents grow from 2 words to 28."""
    words = [" ".join(WORDS[:1] * (1 + i // 15)) for i in range(200)]
    (corpus / "a.txt").write_text("\n\n".join(f"{one}\n{one}" for one in words))
    more = ("--instances=sentence_order", "--dupe_factor=1", "--short_seq_prob=0")
    made(corpus, *more)
    sizes = [
        len(tf.train.Example.FromString(r).features.feature["input_ids"].int64_list.value)
        for r in records(corpus / "out.tfrecord")
    ]
    assert len(sizes) == 200 and min(sizes) == 5 and max(sizes) > 28
    assert abs(np.corrcoef(sizes, range(200))[0, 1]) < 0.3  # of chance, four standard deviations
    made(corpus, *more, "--random_seed=1", output="other")
    assert set(records(corpus / "other")) != set(records(corpus / "out.tfrecord"))


def test_records_for_readers_of_the_original_train_here_too(corpus):
    """Nul bytes are told of; a corpus of files without blank lines too."""
    (corpus / "a.txt").write_text("\n\n".join(["a\0 b", *text(20).split("\n\n")]))
    script = made(corpus, "--pad_records", "--dupe_factor=1")
    assert re.search(r"dropped +1 NUL bytes", script.stdout) and "a.txt:1: a NUL byte" in script.stderr
    data = find_records(str(corpus / "out.tfrecord"), "next_sentence", 32, {})
    data.open(BertConfig(vocab_size=len(VOCAB)), FullTokenizer(corpus / "vocab.txt"))
    batch = next(iter(data.evaluation_batches(4, -1)))
    lengths = batch["input_mask"].numpy().sum(axis=1)
    assert data.record_set.max_length == 32 and lengths.max() == batch["input_ids"].shape[1]
    for name in ("c1.txt", "c2.txt"):
        (corpus / name).write_text("a b c\n" * 40)
    script = made(corpus, output="c", files="c1.txt,c2.txt")
    assert "1 document(s) in 2 files: only blank lines end a document" in script.stderr


@pytest.mark.parametrize(
    "more, keys, absent",
    [
        (("--instances=full_sentences", "--masking=span"), {"masked_lm_ids"}, {"next_sentence_labels", "word_starts"}),
        (("--instances=sentence_order", "--masking=ngram"), {"next_sentence_labels"}, {"word_starts"}),
        (("--dynamic_masking", "--do_whole_word_mask"), {"word_starts"}, {"masked_lm_ids", "masked_lm_positions"}),
        (("--split_sentences", "--documents=file"), {"masked_lm_ids", "next_sentence_labels"}, {"word_starts"}),
    ],
)
def test_kinds(corpus, more, keys, absent):
    made(corpus, *more)
    for record in records(corpus / "out.tfrecord"):
        found = set(tf.train.Example.FromString(record).features.feature)
        assert keys <= found and not absent & found
    manifest = json.loads((corpus / "out.tfrecord.manifest.json").read_text())
    assert manifest["dynamic_masking"] == ("--dynamic_masking" in more)


def test_the_longest_ngram_is_known_when_masks_are_drawn(corpus):
    made(corpus, "--dynamic_masking", "--masking=ngram", "--max_ngram=5")
    data = find_records(str(corpus / "out.tfrecord"), "next_sentence", 32, {})
    data.open(BertConfig(vocab_size=len(VOCAB)), FullTokenizer(corpus / "vocab.txt"))
    assert len(data._masking(0).length_probabilities) == 5


def chinese(corpus):
    (corpus / "vocab.txt").write_text("\n".join([*VOCAB, *"我爱自然语言处理。"]) + "\n", encoding="utf-8")
    (corpus / "a.txt").write_text("我爱自然语言处理。\n自然语言处理爱我。\n\n" * 20, encoding="utf-8")


def assert_words_begin_right(corpus):
    vocab = (corpus / "vocab.txt").read_text(encoding="utf-8").split("\n")
    for record in records(corpus / "out.tfrecord"):
        features = tf.train.Example.FromString(record).features.feature
        tokens = [vocab[i] for i in features["input_ids"].int64_list.value]
        for i, (token, begins) in enumerate(zip(tokens, features["word_starts"].int64_list.value)):
            before = tokens[i - 1]
            assert begins == int(before + token not in ("自然", "然语", "语言", "处理")), (tokens, i)


def test_chinese_words_by_a_function(corpus):
    chinese(corpus)
    (corpus / "mywords.py").write_text(
        "import re\n\ndef cut(text):\n    return re.findall('自然语言|处理|.', text)\n", encoding="utf-8"
    )
    options = ("--segmenter=mywords:cut", "--dynamic_masking", "--masking=whole_word", "--num_processes=2")
    script = Script(NAME, flags(corpus, *options), corpus / "log", env={"PYTHONPATH": str(corpus)})
    assert script.wait() == 2 and "there is no module 'mywords'" in script.stderr  # set too late for this process
    here = os.getcwd()
    try:
        os.chdir(corpus)
        script = Script(NAME, flags(corpus, *options), corpus / "log2")
        assert script.wait() == 0, script.stderr
    finally:
        os.chdir(here)
    assert_words_begin_right(corpus)


def test_chinese_words_by_jieba(corpus):
    chinese(corpus)
    options = ("--segmenter=jieba", "--dynamic_masking", "--masking=whole_word", "--num_processes=2")
    if importlib.util.find_spec("jieba") is None:
        assert "make chinese" in refused(corpus, *options)
        return
    made(corpus, *options)
    assert_words_begin_right(corpus)


def test_lint_writes_nothing(corpus):
    before = sorted(os.listdir(corpus))
    (corpus / "bad.txt").write_text(text(60).replace("\n", "\n\n"))
    script = made(corpus, "--lint", files="bad.txt")
    assert "warning: " in script.stdout and "blank line after every sentence" in script.stdout
    assert set(os.listdir(corpus)) == {*before, "bad.txt", script.out.parent.name}


def test_what_is_there_is_not_overwritten(corpus):
    made(corpus)
    before = digest(corpus / "out.tfrecord")
    assert "made from the same files by the same settings" in refused(corpus)
    assert "by the same settings" in refused(corpus, "--do_lower_case=True")  # as the vocabulary says
    assert "made by another run" in refused(corpus, "--masked_lm_prob=0.2")
    (corpus / "theirs").write_bytes(b"somebody else's")
    assert "theirs: is there already" in refused(corpus, output="theirs")
    assert digest(corpus / "out.tfrecord") == before
    made(corpus, "--overwrite", "--masked_lm_prob=0.2")
    assert digest(corpus / "out.tfrecord") != before
    made(corpus, "--overwrite", "--num_output_shards=3", output="out.tfrecord")
    script = made(corpus, "--overwrite", "--num_output_shards=2", output="out.tfrecord")
    assert f"--input_file='{corpus}/out.tfrecord-?????-of-00002' " in script.stdout  # and no shards of another run
    assert {name for name in os.listdir(corpus) if name.startswith("out")} == {
        "out.tfrecord-00000-of-00002",
        "out.tfrecord-00001-of-00002",
        "out.tfrecord.manifest.json",
    }


def test_paths_with_a_scheme(corpus):
    """TensorFlow's file systems; that of file:// stands for a bucket."""
    made(corpus)
    (corpus / "b.txt.gz").write_bytes(gzip.compress((corpus / "a.txt").read_bytes()))
    for name in ("a.txt", "*.gz"):
        more = (
            f"--input_file=file://{corpus}/{name}",
            f"--output_file=file://{corpus}/remote",
            "--num_output_shards=2",
        )
        made(corpus, *more, "--overwrite")
        shards = [records(corpus / f"remote-0000{i}-of-00002") for i in range(2)]
        assert shards == [records(corpus / "out.tfrecord")[i::2] for i in range(2)]
    assert "is there already" in refused(corpus, *more)
    assert "no file matches file://" in refused(corpus, f"--input_file=file://{corpus}/x*")
    assert set(json.loads((corpus / "remote.manifest.json").read_text())["files"]) == {
        "remote-00000-of-00002",
        "remote-00001-of-00002",
    }
    assert not [name for name in os.listdir(corpus) if "part" in name]


def test_what_a_killed_run_left_is_removed(corpus):
    (corpus / ".out.tfrecord.123.part").write_text("")
    made(corpus)
    assert not [name for name in os.listdir(corpus) if "part" in name]


@pytest.mark.parametrize(
    "more, message",
    [
        (("--input_file=/nowhere/*.txt",), "no file matches /nowhere/"),
        (("--input_file=",), "--input_file is needed"),
        (("--max_seq_length=4",), "--max_seq_length=4: at least 5 are needed"),
        (("--masked_lm_prob=1.5",), "--masked_lm_prob=1.5: a number from 0 to 1"),
        (("--short_seq_prob=-1",), "--short_seq_prob=-1.0: a number from 0 to 1"),
        (("--masking=words",), "--masking=words: one of token, whole_word, ngram, span"),
        (("--documents=book",), "--documents=book: one of blank_line, blank_line_or_file, file, line"),
        (("--instances=next_sentense",), "did you mean 'next_sentence'"),
        (("--segmenter=jieba:lcut",), "--masking=token has no use for them|there is no module 'jieba'"),
        (("--num_processes=0",), "--num_processes=0: a number above 0"),
        (("--do_lower_case=False",), "the vocabulary is uncased"),
        (("--output_file=/proc/x.tfrecord",), "/proc/x.tfrecord: cannot be written"),
        (("--output_file=a,b", "--num_output_shards=2"), "leave --num_output_shards"),
        (("--output_file=a,a",), "a file is named twice"),
        (("--output_file=a,b/a",), "one folder is needed"),
        (("--pad_records", "--dynamic_masking"), "--pad_records is for readers of the original, which need masks"),
        (("--pad_records", "--instances=full_sentences"), "--pad_records is of no use with --instances=full_sentences"),
        (("--max_ngram=2", "--instances=response_pairs"), "it is for --instances=full_sentences, next_sentence, sent"),
    ],
)
def test_wrong_flags(corpus, more, message):
    assert re.search(message, refused(corpus, *more))
    assert sorted(name for name in os.listdir(corpus) if not name.startswith("log")) == ["a.txt", "vocab.txt"]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "no text, only blank lines"),
        ("\n\n \n", "no text, only blank lines"),
        ("\u200b\n", "none of its lines has a token"),
        ("a\nb \xe9\n".encode("latin1"), "a.txt:2: byte 0xe9 at offset 4 is not utf-8; likely --encoding=cp1252 reads"),
    ],
)
def test_bad_corpora(corpus, content, message):
    (corpus / "a.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in refused(corpus)


def test_no_instance_is_an_error(corpus):
    (corpus / "a.txt").write_text("a\n\nb\n")
    assert "no instance could be made of 2 documents with 2 tokens" in refused(corpus, "--instances=sentence_order")


def test_a_vocabulary_without_mask(corpus):
    (corpus / "vocab.txt").write_text("\n".join(token for token in VOCAB if token != "[MASK]"))
    assert "no [MASK]" in refused(corpus)


def descendants(pid):
    """Ids of the processes that a process started, and those started."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def long_run(corpus):
    """A process of its own, with processes of its own, in the middle of much work; and their ids."""
    (corpus / "a.txt").write_text(text(2_000))
    command = [sys.executable, str(ROOT / NAME), *flags(corpus, "--dupe_factor=4000", "--num_processes=2")]

    # A shell without job control lets what it starts in the background ignore SIGINT, and so would what that starts.
    def heed():
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed
    ) as process:
        end = time.monotonic() + PATIENCE
        working = []
        while len(working) < 2 and time.monotonic() < end:
            time.sleep(0.1)
            working = [pid for pid in descendants(process.pid) if cpu_seconds(pid) > 0.5]
        assert len(working) == 2
        yield process, working, descendants(process.pid)
        if process.poll() is None:
            process.kill()


def cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


def nothing_left(folder, pids):
    end = time.monotonic() + 60  # less than the work that they would finish
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, pids))
    assert sorted(name for name in os.listdir(folder) if not name.startswith("log")) == ["a.txt", "vocab.txt"]


@pytest.mark.parametrize("whom", ["all, as a terminal does", "the script"])
def test_ctrl_c(corpus, long_run, whom):
    process, _, pids = long_run
    (os.kill if whom == "the script" else os.killpg)(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "stopped by SIGINT; nothing is left of it" in errors and "Traceback" not in errors
    nothing_left(corpus, pids)


def test_a_process_is_killed(corpus, long_run):
    process, working, pids = long_run
    os.kill(working[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"error: process {working[0]}, one of those of --num_processes, was killed by SIGKILL" in errors
    assert "Traceback" not in errors
    nothing_left(corpus, pids)


def test_the_script_is_killed(corpus, long_run):
    """Then nobody can clean up; but no process goes on, and no file looks finished."""
    process, _, pids = long_run
    process.kill()
    process.communicate(timeout=PATIENCE)
    nothing_left(corpus, pids)


def test_a_full_disk_names_the_file(corpus):
    """A limit of the size of files stands for a full disk."""
    script = Script(NAME, flags(corpus), corpus / "log", limits={"RLIMIT_FSIZE": 4096})
    assert script.wait() == 2
    assert "cannot be written" in script.stderr
    nothing_left(corpus, [])
