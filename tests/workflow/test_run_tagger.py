"""run_tagger.py as a real command: tags are learned, told word for word, and the folder is used again."""

import json

import numpy as np
import pytest
from colours import FILLERS, WORDS
from seqeval.metrics.sequence_labeling import get_entities

COLOURS = {word: colour for colour, words in WORDS.items() for word in words}


def write_sentences(path, count, seed):
    """A word of a colour is tagged by its colour; one that follows another of its colour goes on with it."""
    draw, words = np.random.default_rng(seed), [*COLOURS, *FILLERS]
    blocks = []
    for _ in range(count):
        chosen, before, lines = draw.choice(words, draw.integers(1, 12)), None, []
        for word in chosen:
            colour = COLOURS.get(word)
            tag = "O" if colour is None else f"{'I' if colour == before else 'B'}-{colour}"
            lines.append(f"{word} {tag}")
            before = colour
        blocks.append("\n".join(lines))
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tags")
    for seed, (split, count) in enumerate((("train", 160), ("dev", 30), ("test", 20))):
        write_sentences(folder / f"{split}.txt", count, seed)
    return folder


@pytest.fixture(scope="module")
def tag(script, tiny_bert, data_dir):
    def run(*flags, status=0):
        ran = script(
            "run_tagger.py",
            f"--data_dir={data_dir}",
            f"--init_checkpoint={tiny_bert}",
            "--max_seq_length=16",
            "--learning_rate=3e-3",
            "--num_train_epochs=10",
            "--train_batch_size=16",
            *flags,
        )
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


def results(folder, name="eval_results.txt"):
    return dict(line.split(" = ") for line in (folder / name).read_text().splitlines())


@pytest.fixture(scope="module")
def trained(tag, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "crf"
    tag("--do_train", "--do_eval", "--do_predict", "--crf", "--report", f"--output_dir={folder}")
    return folder


def test_tags_are_learned_and_told_word_for_word(trained, data_dir):
    assert float(results(trained)["eval_entity_f1"]) > 0.9
    given = (data_dir / "test.txt").read_text().splitlines()
    told = (trained / "predictions.conll").read_text().splitlines()
    assert [line.split("\t")[:2] for line in told if line] == [line.split(" ") for line in given if line]
    spans = [json.loads(line) for line in (trained / "predictions.jsonl").read_text().splitlines()]
    assert len(spans) == 20 and all(len(one["words"]) == len(one["tags"]) for one in spans)
    assert float(results(trained, "test_results.txt")["test_tag_accuracy"]) > 0.9
    rows = [line.split("\t") for line in (trained / "test_per_type.tsv").read_text().splitlines()]
    micro = next(row for row in rows if row[0] == "micro avg")
    assert float(micro[3]) == pytest.approx(float(results(trained, "test_results.txt")["test_entity_f1"]), abs=1e-5)
    assert {row[0] for row in rows[1:-3]} == set(WORDS)
    page = (trained / "report.html").read_text(encoding="utf-8")
    assert "Least certain sentences of dev" in page and "Entities of test" in page and "Calibration of test" in page


def test_the_folder_is_used_again_as_it_was_trained_for_raw_text(trained, tag, data_dir, tmp_path):
    blocks = (data_dir / "test.txt").read_text().strip().split("\n\n")
    texts = ["  ".join(line.split()[0] for line in block.splitlines()) for block in blocks]
    (tmp_path / "raw.txt").write_text("\n".join([*texts[:5], "", *texts[5:]]) + "\n", encoding="utf-8")
    told = tag("--do_predict", f"--predict_file={tmp_path / 'raw.txt'}", f"--output_dir={trained}").stderr
    assert "--crf=True" in told and not (trained / "test_per_type.tsv").exists()
    lines = [json.loads(line) for line in (trained / "predictions.jsonl").read_text().splitlines()]
    empty = lines.pop(5)
    assert (empty["text"], empty["tags"], empty["spans"]) == ("", [], [])
    assert [one["text"] for one in lines] == texts
    for one in lines:
        expected = [(label, first, last) for label, first, last in get_entities(one["tags"])]
        found = [(span["label"], one["text"][span["start"] : span["end"]].split()) for span in one["spans"]]
        assert found == [(label, one["words"][first : last + 1]) for label, first, last in expected]
    again = [tag for one in lines for tag in one["tags"]]
    tag("--do_predict", f"--output_dir={trained}")
    columns = [line.split("\t") for line in (trained / "predictions.conll").read_text().splitlines() if line]
    assert again == [cells[-1] for cells in columns]
    assert (trained / "predictions.html").read_text(encoding="utf-8").count("<h2>gold</h2>") == len(texts)


def test_predictor_gives_the_tags_of_the_script(trained):
    """Words, and the text that they make, with the same spans of characters."""
    from bertline.serving import Predictor

    lines = [json.loads(line) for line in (trained / "predictions.jsonl").read_text().splitlines()]
    for line, found in zip(lines, Predictor(trained).tag([line["words"] for line in lines]), strict=True):
        assert list(found.tags) == line["tags"] and found.text == line["text"]
        spans = [{"start": one.start, "end": one.end, "label": one.type} for one in found.entities]
        assert spans == line["spans"]


def test_transformers_gives_the_same_tags(tag, data_dir, tmp_path):
    pytest.importorskip("transformers")
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tag("--do_train", "--do_predict", f"--output_dir={tmp_path}")
    model = AutoModelForTokenClassification.from_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    for line in (tmp_path / "predictions.jsonl").read_text().splitlines():
        told = json.loads(line)
        batch = tokenizer(told["words"], is_split_into_words=True, return_tensors="pt")
        if batch["input_ids"].shape[1] > 16:
            continue
        with torch.no_grad():
            best = model(**batch).logits[0].argmax(-1).tolist()
        firsts = [batch.word_ids().index(i) for i in range(len(told["words"]))]
        assert [model.config.id2label[best[place]] for place in firsts] == told["tags"]


@pytest.fixture(scope="module")
def stacked(tag, tiny_bert, tmp_path_factory):
    """A tagger over words and a frozen BERT with word pieces of its own, below and above a bidirectional LSTM."""
    folder = tmp_path_factory.mktemp("stacked")
    words = folder / "words"
    words.mkdir()
    (words / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", *list(COLOURS)[::2], *FILLERS]) + "\n")
    (words / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "WordTokenizer"}))
    parts = [
        {"model_type": "static_vectors", "width": 8},
        {"weights": str(tiny_bert), "frozen": True, "prefix": "bert_", "at": [0, -1]},
    ]
    config = {
        "model_type": "stacked",
        "parts": parts,
        "mix": "scalar_mix",
        "top": {"model_type": "bilstm", "units": 16},
    }
    (folder / "config.json").write_text(json.dumps(config))
    flags = [f"--bert_config_file={folder / 'config.json'}", f"--vocab_file={words}", f"--output_dir={folder / 'run'}"]
    ran = tag("--do_train", "--do_eval", "--do_predict", "--crf", "--init_checkpoint=", *flags)
    return folder / "run", ran.stderr


def test_a_frozen_part_with_word_pieces_of_its_own(stacked, tiny_bert):
    """Half of the coloured words are unknown to the shared vocabulary: BERT's pieces tell them."""
    from safetensors.numpy import load_file

    run, told = stacked
    assert float(results(run)["eval_entity_f1"]) > 0.9
    assert "layers of bert, input: " in told and "layers of bert, output: " in told
    mixes = json.loads((run / "layer_weights.json").read_text())["mixes"]
    assert [len(mix["shares"]) for mix in mixes] == [3, 3] and mixes[0]["scalars"] != mixes[1]["scalars"]
    assert (run / "layer_weights.png").exists()
    before, after = load_file(tiny_bert / "model.safetensors"), load_file(run / "model" / "model.safetensors")
    own = "stacked.part_1."
    tables = {name: array for name, array in after.items() if name.startswith(own) and "word_embeddings" in name}
    assert len(tables) == 1
    np.testing.assert_array_equal(*tables.values(), before["bert.embeddings.word_embeddings.weight"])


def test_predictor_reads_the_vocabularies_of_all_parts(stacked):
    from bertline.serving import Predictor

    run, _ = stacked
    assert (run / "model" / "bert_vocabulary" / "vocab.txt").exists()
    assert "weights" not in (run / "model" / "config.json").read_text()
    lines = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
    for line, found in zip(lines, Predictor(run).tag([line["words"] for line in lines]), strict=True):
        assert list(found.tags) == line["tags"]


@pytest.mark.parametrize(
    "flags, said",
    [
        (
            ["--objective=sequence_classification"],
            "--objective=sequence_classification is for .*; --task_name=conll is ",
        ),
        (["--doc_stride=3"], "Unknown command line flag 'doc_stride'"),
        (["--predictions_format=csv"], "Unknown command line flag 'predictions_format'"),
        (["--label_list=O"], "label 'B-.*' in train; allowed: O"),
    ],
)
def test_what_does_not_fit_is_one_line(tag, tmp_path, flags, said):
    import re

    ran = tag("--do_train", f"--output_dir={tmp_path}", *flags, status=2)
    assert re.search(said, ran.stderr.strip().splitlines()[-1])
