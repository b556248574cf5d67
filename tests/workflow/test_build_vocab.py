"""build_vocab.py as people run it; `transformers` and numpy judge the checkpoints that it writes."""

import gzip
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from bertline.processors.tokenization import load_tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = f"{ROOT}/samples/corpus/*.txt"
DOMAIN = "the capataz was blue and the capataz met a nostromo. " * 3 + "capataz nostromo almayer\n"


@pytest.fixture
def build(script):
    """build(*flags, status=0) -> stdout, or the one line of stderr where an error is expected."""

    def run(*flags, status=0, **options):
        ran = script("build_vocab.py", *flags, **options)
        assert ran.wait() == status, ran.stderr[-3000:]
        lines = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == (status != 0) and "Traceback" not in ran.stderr, ran.stderr
        return lines[0] if status else ran.stdout

    return run


@pytest.fixture
def domain(tmp_path):
    path = tmp_path / "domain.txt"
    path.write_text(DOMAIN, encoding="utf-8")
    return path


def test_wordpiece(build, tmp_path):
    printed = build(f"--input_file={CORPUS}", f"--output_file={tmp_path}/v/vocab.txt", "--vocab_size=1000")
    lines = (tmp_path / "v" / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert lines[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] and len(set(lines)) == len(lines) == 1000
    config = json.loads((tmp_path / "v" / "tokenizer_config.json").read_text())
    assert config["do_lower_case"] is True
    assert "vocabulary: 1000 entries" in printed and "0.000% hold something unknown" in printed
    tokenizer = load_tokenizer(tmp_path / "v")
    texts = [line for path in (ROOT / "samples" / "corpus").glob("*.txt") for line in path.read_text().splitlines()]
    words = sum(len(tokenizer.basic_tokenizer.tokenize(text)) for text in texts)
    ids, _ = tokenizer.encode_batch(texts)
    assert f"  {words} running words" in printed and f"  {len(ids) / words:.3f} pieces for each" in printed
    assert tokenizer.unk_id not in ids


def test_words(build, domain, tmp_path):
    folder = tmp_path / "v"
    printed = build(f"--input_file={domain}", f"--output_file={folder}/vocab.txt", "--model_type=words")
    words = ["capataz", "the", "nostromo", ".", "a", "and", "blue", "met", "was"]  # almayer occurs once
    assert (folder / "vocab.txt").read_text().split()[5:] == words
    tokenizer = load_tokenizer(folder)
    assert tokenizer.tokenize("The capataz, blue") == ["the", "capataz", "[UNK]", "blue"]
    assert "vocabulary: 14 entries" in printed and "  36 running words" in printed


def test_cased_vocabulary_with_berts_places(build, tmp_path):
    build(f"--input_file={CORPUS}", f"--output_file={tmp_path}/my.txt", "--vocab_size=2500", "--do_lower_case=false")
    tokenizer = load_tokenizer(tmp_path / "my.txt")
    special = (tokenizer.pad_id, tokenizer.unk_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id)
    assert special == (0, 100, 101, 102, 103) and not tokenizer.do_lower_case and "The" in tokenizer.vocab


def test_the_same_from_gzip_and_in_any_run(build, tmp_path):
    """Other hash seeds, numbers of threads, packing and order of files: the same bytes."""
    files = sorted((ROOT / "samples" / "corpus").glob("*.txt"))
    for path in files[1:]:
        with gzip.open(tmp_path / f"{path.name}.gz", "wb") as packed:
            packed.write(path.read_bytes())
    for kind, name in (("wordpiece", "vocab.txt"), ("unigram", "spiece.model"), ("bpe", "spiece.model")):
        outputs = []
        for i, source in enumerate((CORPUS, f"{tmp_path}/*.gz,{files[0]}")):
            out = tmp_path / f"{kind}{i}" / name
            environment = {**os.environ, "PYTHONHASHSEED": str(i), "RAYON_NUM_THREADS": str(i + 1)}
            command = [
                sys.executable,
                str(ROOT / "build_vocab.py"),
                f"--input_file={source}",
                f"--output_file={out}",
                "--vocab_size=800",
                f"--model_type={kind}",
            ]
            subprocess.run(command, check=True, env=environment, capture_output=True)
            outputs.append(out.read_bytes())
        assert outputs[0] == outputs[1]


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_sentence_pieces(build, tmp_path, model_type):
    out = tmp_path / "spiece.model"
    build(f"--input_file={CORPUS}", f"--output_file={out}", "--vocab_size=900", f"--model_type={model_type}")
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.vocab_size == 900 and tokenizer.do_lower_case and tokenizer.mask_id == 4
    assert tokenizer.unk_id not in tokenizer.encode_batch(["The baker looks at the dough."])[0]


def test_a_novel(build, data_dir, tmp_path):
    """The vocabulary of one novel covers it better than the released one of the same size."""
    novel = data_dir / "novels_a" / "Conrad_Nostromo_1904.txt"
    build(f"--input_file={novel}", f"--output_file={tmp_path}/vocab.txt", "--vocab_size=12000")
    ours, released = load_tokenizer(tmp_path), load_tokenizer(data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt")
    lines = novel.read_text(encoding="utf-8").splitlines()
    (ids, _), (theirs, _) = ours.encode_batch(lines), released.encode_batch(lines)
    assert ours.unk_id not in ids and len(ids) < len(theirs)


def test_new_words_and_their_rows(build, domain, tmp_path, vocabulary):
    """Every weight of `transformers` as before, but the new rows, which are means."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    size = dict(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12)
    old, new = tmp_path / "old", tmp_path / "new"
    model = transformers.BertForPreTraining(transformers.BertConfig(vocab_size=len(vocabulary) + 2, **size))
    model.cls.predictions.bias.data.normal_()
    model.save_pretrained(old)
    (old / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    printed = build(
        f"--input_file={domain}",
        f"--extend={old}",
        f"--init_checkpoint={old}",
        f"--output_dir={new}",
        "--num_new_tokens=5",
        f"--output_file={tmp_path}/v/vocab.txt",
    )
    assert "largest difference of the output for old tokens: 0\n" in printed
    # The old model has two rows more than words; the third new word brings the first new row.
    lines = (new / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert lines[: len(vocabulary)] == vocabulary and lines[len(vocabulary) : len(vocabulary) + 2] == [
        "capataz",
        "nostromo",
    ]
    assert len(vocabulary) + 2 < len(lines) <= len(vocabulary) + 5
    assert (tmp_path / "v" / "vocab.txt").read_bytes() == (new / "vocab.txt").read_bytes()

    again, info = transformers.BertForPreTraining.from_pretrained(new, output_loading_info=True)
    assert not any(info.values()) and again.config.vocab_size == max(len(vocabulary) + 2, len(lines))
    before, after = model.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    per_token = {name for name in before if len(before[name]) == len(vocabulary) + 2}
    assert {"bert.embeddings.word_embeddings.weight", "cls.predictions.bias"} <= per_token
    for name in before.keys() - per_token:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    theirs = transformers.BertTokenizer(str(old / "vocab.txt"))
    for name in per_token:
        one, other = before[name].numpy(), after[name].numpy()
        np.testing.assert_array_equal(one[: len(vocabulary)], other[: len(vocabulary)], err_msg=name)
        for i, word in enumerate(lines[len(vocabulary) :], len(vocabulary)):
            rows = one[theirs.convert_tokens_to_ids(theirs.tokenize(word))]
            assert len(rows) >= 2
            np.testing.assert_allclose(other[i], rows.mean(axis=0), rtol=1e-6, atol=1e-7, err_msg=f"{name} {word}")
    extended = transformers.AutoTokenizer.from_pretrained(new)
    assert extended.tokenize("The capataz, blue") == ["the", "capataz", ",", "blue"]


def test_a_vocabulary_of_tokenizer_json_is_extended(build, domain, tmp_path):
    """Its settings stay; where it has added tokens, these have the ids of new words."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyzé"]
    tokens += [f"##{letter}" for letter in tokens[5:]]
    tokenizer = transformers.BertTokenizer({token: i for i, token in enumerate(tokens)}, strip_accents=False)
    tokenizer.save_pretrained(tmp_path / "old")
    build(f"--input_file={domain}", f"--extend={tmp_path}/old", f"--output_file={tmp_path}/new/vocab.txt")
    ours, theirs = (kind(tmp_path / "new") for kind in (load_tokenizer, transformers.AutoTokenizer.from_pretrained))
    assert "nostromo" in ours.vocab and ours.vocab_size == len(theirs)
    for text in ("Nostromo, é É [MASK]", "the capataz"):
        assert ours.tokenize(text) == theirs.tokenize(text)
    tokenizer.add_tokens(["<e1>"])
    tokenizer.save_pretrained(tmp_path / "old")
    ran = build(
        f"--input_file={domain}", f"--extend={tmp_path}/old", f"--output_file={tmp_path}/other/vocab.txt", status=2
    )
    assert "has added tokens, whose ids are those that new words would get" in ran


def test_new_words_in_unused_rows_of_the_originals_checkpoint(build, golden_dir, tmp_path):
    """A TF1 checkpoint; the words take the place of unused entries, and no array grows."""
    import tensorflow as tf
    from safetensors.numpy import load_file

    tiny = golden_dir / "tiny_bert"
    entries = (tiny / "vocab.txt").read_text(encoding="utf-8").splitlines()
    places = [i for i, entry in enumerate(entries) if entry.isalpha()][:2]
    gone = [entries[i] for i in places]
    for number, place in enumerate(places):
        entries[place] = f"[unused{number}]"
    (tmp_path / "vocab.txt").write_text("\n".join(entries) + "\n", encoding="utf-8")
    (tmp_path / "text.txt").write_text(f"{' '.join(gone)} " * 5, encoding="utf-8")
    build(
        f"--input_file={tmp_path}/text.txt",
        f"--extend={tmp_path}/vocab.txt",
        "--use_unused",
        "--do_lower_case",
        f"--init_checkpoint={tiny}/bert_model.ckpt",
        f"--output_dir={tmp_path}/new",
    )
    written = (tmp_path / "new" / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(written[i] for i in places) == sorted(gone) and len(written) == len(entries)
    before = tf.train.load_checkpoint(str(tiny / "bert_model.ckpt")).get_tensor("bert/embeddings/word_embeddings")
    after = load_file(tmp_path / "new" / "model.safetensors")["bert.embeddings.word_embeddings.weight"]
    old = load_tokenizer(tmp_path / "vocab.txt", True)
    for row in range(len(before)):
        pieces = old.convert_tokens_to_ids(old.tokenize(written[row])) if row in places else [row]
        np.testing.assert_allclose(after[row], before[pieces].mean(axis=0), rtol=1e-6, atol=1e-7)


def test_run_classifier_takes_the_result(build, classify, domain, cola_dir, tiny_bert, tmp_path):
    new = tmp_path / "new"
    build(f"--input_file={domain}", f"--extend={tiny_bert}", f"--init_checkpoint={tiny_bert}", f"--output_dir={new}")
    ran = classify(
        "--task_name=cola",
        f"--data_dir={cola_dir}",
        "--do_train",
        "--do_eval",
        "--num_train_epochs=1",
        f"--init_checkpoint={new}",
        f"--output_dir={tmp_path}/run",
    )
    assert "missing        2" in ran.stderr  # the classifier's own
    saved = load_tokenizer(tmp_path / "run" / "model")
    assert saved.tokenize("capataz") == ["capataz"]


def test_bad_flags(build, tmp_path, tiny_bert):
    text, out = f"--input_file={CORPUS}", f"--output_file={tmp_path}/vocab.txt"
    old = f"--extend={tiny_bert}"
    for flags, message in (
        ([], "--input_file is needed"),
        ([text], "--output_file is needed"),
        ([text, out, "--model_type=characters"], "one of wordpiece, words, unigram, bpe"),
        ([text, out, "--vocab_size=0"], "--vocab_size=0"),
        ([text, out, "--vocab_size=many"], "vocab_size"),
        ([text, out, "--character_coverage=2"], "at most 1"),
        ([text, out, "--num_unused_tokens=-1"], "0 or more"),
        ([text, out, "--model_type=bpe"], "ends in .model"),
        (
            [text, f"--output_file={tmp_path}/x.model", "--model_type=bpe", "--min_frequency=3"],
            "--min_frequency has no",
        ),
        ([text, out, "--use_unused"], "without --extend"),
        ([text, out, old, "--vocab_size=9000"], "with --extend"),
        ([text, old, f"--output_dir={tmp_path}"], "belong together"),
        ([text, out, old, f"--init_checkpoint={tiny_bert}"], "belong together"),
        ([text, out, "--limit_alphabet=0"], "--limit_alphabet=0"),
        ([text, out, "--vocabsize=9"], "vocabsize"),
    ):
        assert message in build(*flags, status=2), flags
    assert list(tmp_path.iterdir()) == []


def test_bad_files(build, tmp_path, tiny_bert, domain):
    out = f"--output_file={tmp_path}/out/vocab.txt"
    (tmp_path / "latin1.txt").write_bytes("good\nsch\u00f6n\n".encode("latin1"))
    (tmp_path / "empty.txt").write_text(" \n\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"word " * 1000)[:-9])
    for name, message in (
        ("latin1.txt", "latin1.txt:2: byte 0xf6"),
        ("empty.txt", "no word"),
        ("cut.gz", "cut.gz"),
        ("nothing.txt", "nothing.txt"),
        ("*.csv", "*.csv"),
        ("", "folder"),
    ):
        assert message in build(f"--input_file={tmp_path}/{name}", out, status=2)
    text = f"--input_file={CORPUS}"
    assert "need" in build(text, out, "--vocab_size=40", status=2)
    assert "need" in build(text, f"--output_file={tmp_path}/x.model", "--vocab_size=9", "--model_type=bpe", status=2)
    assert "is a file" in build(text, f"--output_file={tmp_path}/empty.txt/vocab.txt", status=2)
    assert not (tmp_path / "out").exists()

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "vocab.txt").write_text("precious\n")
    assert "exists" in build(text, out, status=2)
    assert (tmp_path / "out" / "vocab.txt").read_text() == "precious\n"
    domain_flags = (f"--extend={tiny_bert}", f"--init_checkpoint={tiny_bert}", f"--output_dir={tmp_path}/out")
    assert "exists" in build(f"--input_file={domain}", *domain_flags, status=2)
    build(text, out, "--overwrite", "--vocab_size=500")
    assert len((tmp_path / "out" / "vocab.txt").read_text().splitlines()) == 500


def test_what_cannot_be_extended(build, tmp_path, tiny_bert, domain):
    text, new = f"--input_file={domain}", tmp_path / "new"
    outputs = (f"--output_dir={new}", f"--init_checkpoint={tiny_bert}")
    (tmp_path / "other").mkdir()
    short = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij", *(f"word{i}" for i in range(200))]
    (tmp_path / "other" / "vocab.txt").write_text("\n".join(short) + "\n")
    message = build(text, f"--extend={tmp_path}/other", "--do_lower_case", *outputs, status=2)
    assert "rows of word embeddings" in message and f"{len(short)} entries" in message
    assert "nowhere" in build(text, f"--extend={tmp_path}/nowhere", *outputs, status=2)
    assert "do_lower_case" in build(text, f"--extend={tiny_bert}", "--do_lower_case=false", *outputs, status=2)
    (tmp_path / "known.txt").write_text("blue red\n" * 5)
    assert "no word to add" in build(f"--input_file={tmp_path}/known.txt", f"--extend={tiny_bert}", *outputs, status=2)
    build(f"--input_file={CORPUS}", f"--output_file={tmp_path}/sp/x.model", "--model_type=bpe", "--vocab_size=300")
    assert "WordPiece" in build(text, f"--extend={tmp_path}/sp", f"--output_file={tmp_path}/v/vocab.txt", status=2)
    assert not new.exists()


def test_help_and_wrong_flags_do_not_wait_for_tensorflow():
    code = (
        "import sys, runpy; sys.modules['tensorflow'] = sys.modules['numpy'] = None; "
        "sys.argv = ['build_vocab.py', {!r}]; runpy.run_path('build_vocab.py', run_name='__main__')"
    )
    for flag, status in (("--help", 0), ("--model_type=x", 2), ("--vocabsize=9", 2)):
        run = subprocess.run([sys.executable, "-c", code.format(flag)], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == status and "Traceback" not in run.stderr, run.stderr
        assert status or "--vocab_size" in run.stdout
