"""A kind of corpus data that is no token sequence fits without a line of shared code: word pairs, to and fro."""

import collections
import itertools
import json
import types

import numpy as np
import pytest
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.processors.corpora.kind import CorpusKind
from bertline.processors.corpora.making import instance_records, instance_shards
from bertline.processors.corpora.making.instance_records import find_records
from bertline.processors.records.feature_spec import Feature
from bertline.processors.tokenization import FullTokenizer
from bertline.settings.scripts.create_pretraining_data import PretrainingDataSettings

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdef"]
TEXT = "a b c\nd e\n\nf a\n"


class Pairs:
    """What `make` gives, beside Segments: two columns of ids."""

    labels, dropped_tokens = None, 0

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    @property
    def num_tokens(self):
        return self.rows.size

    def part(self, first, end):
        return Pairs(self.rows[first:end])


class Neighbours(CorpusKind):
    """Each word with the next one of its sentence."""

    form = "neighbours"
    objective = "skip_gram"
    spec = {"center": Feature("int32"), "context": Feature("int32")}

    def make(self, block, rng):
        ends = set(block.sentence_splits.tolist())
        kept = [i for i in range(len(block.ids) - 1) if i + 1 not in ends]
        return Pairs(np.stack([block.ids[kept], block.ids[np.array(kept) + 1]], axis=1))

    def features(self, made, block, prepared, rng):
        splits = np.arange(len(made) + 1)
        found = {name: (made.rows[:, i], splits) for i, name in enumerate(("center", "context"))}
        return found, collections.Counter(instances=len(made), tokens=made.num_tokens, max_length=1)


class DistinctNeighbours(Neighbours):
    """Each such pair once, wherever it stands: pairs have keys of their own, so that equal ones meet."""

    def make(self, block, rng):
        made = super().make(block, rng)
        self.pairs = made.rows
        return made

    def keys(self, block, count, rng):
        return (self.pairs[:, 0] * 1000 + self.pairs[:, 1]).astype(np.uint64)

    def merge(self, records):
        return (record for record, _ in itertools.groupby(records))


@pytest.fixture
def neighbours(monkeypatch):
    monkeypatch.setitem(registry._registered["corpus"], "neighbours", Neighbours)
    monkeypatch.setitem(registry._registered["corpus"], "distinct", DistinctNeighbours)


def settings(folder, name, text):
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    (folder / "a.txt").write_text(text)
    return PretrainingDataSettings(
        input_file=f"{folder}/a.txt",
        output_file=f"{folder}/out",
        vocab_file=f"{folder}/vocab.txt",
        instances=name,
        num_processes=1,
    )


def test_records_of_equal_keys_are_merged(neighbours, tmp_path):
    run = settings(tmp_path, "distinct", TEXT + "a b\nc d e\n\na b c d\n")
    manifest = instance_shards.create(run, [run.input_file], FullTokenizer(run.vocab_file))
    assert manifest["num_instances"] == 5  # ab, bc, cd, de, fa
    assert instance_records.read_manifest([run.output_file]).num_instances == 5
    assert len(list(tf.data.TFRecordDataset(run.output_file))) == 5


def test_from_text_to_batches(neighbours, tmp_path):
    run = settings(tmp_path, "neighbours", TEXT)
    tokenizer = FullTokenizer(run.vocab_file)
    manifest = instance_shards.create(run, [run.input_file], tokenizer)
    assert manifest == json.loads((tmp_path / "out.manifest.json").read_text())
    assert manifest["num_instances"] == 4 and manifest["dupe_factor"] == 1
    assert "instances    4 (neighbours, 1 times through the corpus)" in instance_shards.summary(manifest)

    data = find_records(run.output_file, "neighbours", 128, {})
    data.open(types.SimpleNamespace(max_length=None, id_limits=dict, rows_apart=dict, layout="packed"), tokenizer)
    found = [
        (WORDS[a], WORDS[b])
        for batch in data.evaluation_batches(2, -1)
        for a, b in zip(batch["center"].numpy(), batch["context"].numpy())
    ]
    assert sorted(found) == [("a", "b"), ("b", "c"), ("d", "e"), ("f", "a")]
    assert next(iter(data.train_batches(3, seed=1)))["center"].shape == (3,)
    with pytest.raises(InputError, match="made by --instances=neighbours; this objective learns from records of"):
        find_records(run.output_file, "next_sentence", 128, {})


def test_records_of_a_kind_that_nothing_registers(neighbours, tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"")
    content = {
        "files": {"x": 0},
        "instances": "neighbors",
        "num_instances": 0,
        "max_length": 0,
        "tokenizer": None,
        "vocab_file": None,
        "do_lower_case": None,
    }
    (tmp_path / "x.manifest.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="x.manifest.json: unknown corpus 'neighbors'; did you mean.*--plugin names"):
        find_records(f"{tmp_path}/x", "next_sentence", 128, {})
