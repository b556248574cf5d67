"""Shards of instances and their manifests: written, overwritten, stopped in the middle, and read."""

import json
import os
import types

import pytest
import small_pieces
import tensorflow as tf
from small_records import MALFORMED_MANIFESTS, changed, write

from bertline.common import files
from bertline.errors import InputError
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.processors.corpora.making import instance_records, shard_files
from bertline.processors.corpora.masked.reader import MaskedReader
from bertline.processors.corpora.masked.sequences import dynamic_spec, masked_lm_spec
from bertline.processors.corpora.pairs.reader import hard_negatives, pair_spec
from bertline.processors.corpora.reader import CorpusReader
from bertline.processors.records import record_checks
from bertline.processors.records.feature_spec import EXAMPLE_INDEX
from bertline.processors.tokenizers.sentencepiece import SentencePieceTokenizer

MADE_FROM = {"settings": {"random_seed": 1}}
CONTENT = {
    "num_instances": 10,
    "max_length": 7,
    "max_predictions_per_seq": 20,
    "instances": "next_sentence",
    "dynamic_masking": False,
    "masking": "token",
    "masked_lm_prob": 0.15,
    "vocab_file": "/vocab.txt",
    "do_lower_case": True,
    "tokenizer": "abc",
    **MADE_FROM,
}


class Killed(BaseException):
    """What no clean-up of the program's own expects."""


def make(output, shards=1, overwrite=False, made_from=MADE_FROM, letter=b"a", show=lambda *_: None, **more):
    """Writes 10 records as create_pretraining_data.py does. Returns the names of the shards, as they were given."""
    run = types.SimpleNamespace(output_file=str(output), num_output_shards=shards)
    outputs, manifest = shard_files.output_files(run), shard_files.manifest_file(run)
    earlier = shard_files.prepare(outputs, manifest, made_from, overwrite)
    content = {**CONTENT, **made_from, **more}
    shard_files.write(outputs, (letter * i for i in range(10)), show, manifest, content, earlier)
    return outputs


def read(*patterns):
    return instance_records.read_manifest(instance_records.find_files(",".join(map(str, patterns))))


def shards_in(folder):
    return sorted(name for name in os.listdir(folder) if not name.endswith(".json"))


@pytest.fixture
def killed_at(monkeypatch):
    """killed_at(number): whatever gives files their names dies at the call of this number, from 1."""
    replace = os.replace

    def at(number):
        left = [number - 1]

        def counted(*args):
            if not left[0]:
                raise Killed
            left[0] -= 1
            replace(*args)

        monkeypatch.setattr(files.os, "replace", counted)

    yield at
    monkeypatch.undo()


@pytest.mark.parametrize("names, second", [("a/x,b/y", "b"), ("a/part,b/part", "b"), ("x,{}/b/y", "b")])
def test_several_folders_are_refused(tmp_path, monkeypatch, names, second):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="--output_file=.*: several folders; one folder is needed"):
        make(names.format(tmp_path))
    assert not os.path.exists(second)


@pytest.mark.parametrize("names", ["a/p,a/../a/q", "a/p,{}/a/q", "link/p,a/q", "a//p,a/q", " ,a/p , a/q,"])
def test_two_spellings_of_a_folder(tmp_path, monkeypatch, names):
    """Overwriting removes nothing of what it wrote."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    make(names.format(tmp_path))
    make(names.format(tmp_path), overwrite=True)
    assert shards_in("a") == ["p", "q"]
    assert read("link/p", "a/q").num_instances == read(f"{tmp_path}/a/*").num_instances == 10
    with pytest.raises(InputError, match="a file is named twice"):
        make("a/p,a/../a/p")


@pytest.mark.parametrize("name", ["a//p", "link/p", "a/../a/p"])
def test_overwriting_shards_of_an_odd_spelling(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("a")
    for count in (3, 2, 2):
        make(name, count, overwrite=True)
    assert shards_in("a") == ["p-00000-of-00002", "p-00001-of-00002"]


def test_stopped_before_all_records_are_there_the_old_files_are_as_they_were(tmp_path):
    """As by Ctrl-C, or a full disk."""

    def show(number, _):
        if number == 5:
            raise Killed

    make(tmp_path / "x", 3)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Killed):
        make(tmp_path / "x", 2, overwrite=True, letter=b"b", show=show)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert read(tmp_path / "x-*").num_instances == 10


# The manifest that says "unfinished" gets its name, then two shards, then the manifest.
@pytest.mark.parametrize("number", [2, 3, 4])
def test_killed_among_the_renames(tmp_path, killed_at, monkeypatch, number):
    """No reader takes old and new shards for one set; the same command goes on without --overwrite, and cleans up."""
    make(tmp_path / "x", 8)
    killed_at(number)
    with pytest.raises(Killed):
        make(tmp_path / "x", 2, overwrite=True, letter=b"b")
    monkeypatch.undo()
    for name in shards_in(tmp_path):
        with pytest.raises(InputError, match="x.manifest.json is of a run that was killed"):
            read(tmp_path / name)
    (tmp_path / "x-00001-of-00003").write_text("not listed")
    for more in ({"made_from": {"settings": {"random_seed": 2}}}, {"shards": 3}):
        with pytest.raises(InputError, match="is there already"):
            make(**{"output": tmp_path / "x", "shards": 2, **more})
    (tmp_path / "x-00001-of-00003").unlink()
    make(tmp_path / "x", 2, letter=b"b")
    assert shards_in(tmp_path) == ["x-00000-of-00002", "x-00001-of-00002"]
    assert read(tmp_path / "x-*").num_instances == 10
    with pytest.raises(InputError, match="from the same files by the same settings"):
        make(tmp_path / "x", 2)


def test_shards_that_no_manifest_names(tmp_path):
    """Alone they are the original's, and read; beside others they may be left over from another run."""
    make(tmp_path / "x", 2)
    write(tmp_path / "x-00000-of-00008", [b"old"])
    with pytest.raises(InputError, match="x-00000-of-00008: in no manifest, as .*x-00000-of-00002 is in .*x.manifest"):
        read(tmp_path / "x-*")
    assert read(tmp_path / "x-?????-of-00002").num_instances == 10
    assert read(tmp_path / "x-00000-of-00008") == instance_records.Manifest()


def test_some_of_the_shards(tmp_path):
    """What the manifest says is of the files that are read; counted by TensorFlow."""
    paths = make(tmp_path / "x", 3, statistics={"hard_negatives": 4})
    for chosen in (paths[:1], paths[1:2], paths[::-2], paths):
        found = read(*chosen)
        assert found.num_instances == sum(1 for _ in tf.data.TFRecordDataset(chosen))
        assert hard_negatives(found) == (4 if chosen == paths else None)
    (more,) = make(tmp_path / "y", statistics={"hard_negatives": 0})
    assert hard_negatives(read(more)) == 0
    assert hard_negatives(read(more, *paths)) == 4 and read(more, *paths).num_instances == 20
    assert read(more, paths[2]).num_instances == 13


def test_a_file_of_two_spellings_is_read_once(tmp_path):
    make(tmp_path / "x")
    assert len(instance_records.find_files(f"{tmp_path}/x,{tmp_path}/../{tmp_path.name}/x,{tmp_path}/*")) == 1


def test_a_set_of_several_calls(tmp_path):
    for name, kind in (("n", "next_sentence"), ("o", "sentence_order"), ("t", "text_pairs"), ("r", "response_pairs")):
        make(tmp_path / name, instances=kind)
    with pytest.raises(InputError, match="o.manifest.json: instances is sentence_order, in .*n.manifest.json next_sen"):
        read(tmp_path / "n", tmp_path / "o")
    assert read(tmp_path / "t", tmp_path / "r").num_instances == 20


def test_paths_with_a_scheme_have_a_manifest_too(tmp_path):
    make(f"file://{tmp_path}/x", 2)
    assert read(f"file://{tmp_path}/x-00000*").num_instances == 5
    (tmp_path / "x-00001-of-00002").write_bytes(b"cut")
    with pytest.raises(InputError, match="3 bytes, .*x.manifest.json says"):
        read(f"file://{tmp_path}/x-*")


@pytest.mark.parametrize(
    "content, message",
    (
        *MALFORMED_MANIFESTS,
        (changed(num_instances=None), "num_instances is None"),
        (changed(num_instances="10"), "num_instances is '10'"),
        (changed(num_instances=True), "num_instances is True"),
        (changed(num_instances=-1), "num_instances is -1"),
        (changed(max_length=1e3), "max_length is 1000.0"),
        (changed(masked_lm_prob=float("nan")), "masked_lm_prob is nan"),
        (changed(tokenizer=[]), "tokenizer is []"),
        (changed(instances={}), "instances is {}"),
        (changed(dynamic_masking=0), "dynamic_masking is 0"),
    ),
)
def test_a_manifest_that_is_malformed_is_one_line(tmp_path, content, message):
    (path,) = make(tmp_path / "x")
    manifest = tmp_path / "x.manifest.json"
    manifest.write_bytes(content(manifest.read_bytes()))
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value).startswith(str(manifest)) and message in str(error.value)
    # What is there is not passed over, and --overwrite replaces it.
    with pytest.raises(InputError, match="x.*: is there already, made "):
        make(tmp_path / "x")
    make(tmp_path / "x", overwrite=True)
    assert read(path).num_instances == 10


def test_overwriting_removes_nothing_that_a_foreign_manifest_names(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "precious").write_text("text")
    manifest = {"files": {"../precious": 4, str(tmp_path / "precious"): 4}, **CONTENT}
    (tmp_path / "a" / "x.manifest.json").write_text(json.dumps(manifest))
    make(tmp_path / "a" / "x", overwrite=True)
    assert (tmp_path / "precious").read_text() == "text"


def test_manifests_of_other_records_in_the_folder(tmp_path):
    """One of fine-tuning records has other fields."""
    make(tmp_path / "x")
    content = {"files": {"train-1-00000-of-00001.tfrecord": 7}, "num_examples": 1, "max_length": 3}
    (tmp_path / "train-1.manifest.json").write_text(json.dumps(content))
    assert read(tmp_path / "x").num_instances == 10


def test_a_manifest_of_earlier_versions(tmp_path):
    write(tmp_path / "x", [b"1", b"2"])
    content = {"format": 1, "files": {"x": os.path.getsize(tmp_path / "x")}, **CONTENT, "num_instances": 2}
    (tmp_path / "x.manifest.json").write_text(json.dumps(content))
    assert read(tmp_path / "x").num_instances == 2


@pytest.mark.parametrize(
    "pattern, message",
    [
        ("", "--input_file is needed"),
        ("{}", "a folder; name its files, as .*tfrecord"),
        ("{}/x, {}/", "a folder; name its files, as .*tfrecord"),
        ("{}/none*", "no file matches .*none"),
        ("{}/x,{}/none*", "no file matches .*none"),
        ("{}/*.json", "no file matches .*json"),
    ],
)
def test_find_files_refuses(tmp_path, pattern, message):
    make(tmp_path / "x")
    with pytest.raises(InputError, match=message):
        instance_records.find_files(pattern.replace("{}", str(tmp_path)))


def test_outputs_in_a_folder_with_a_comma(tmp_path):
    (tmp_path / "a,b").mkdir()

    def outputs(name):
        return shard_files.output_files(types.SimpleNamespace(output_file=name, num_output_shards=1))

    assert outputs(f"{tmp_path}/a,b/c.tfrecord") == [f"{tmp_path}/a,b/c.tfrecord"]
    assert outputs(f"{tmp_path}/c,{tmp_path}/d") == [f"{tmp_path}/c", f"{tmp_path}/d"]


def test_what_cannot_be_read_is_named(tmp_path):
    """A folder and a file that is gone stand for one without rights, which a superuser can read."""
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "gone", "No such file or directory")):
        with pytest.raises(InputError, match=f"{path}: cannot be read: {why}; "):
            list(record_checks.check_records(str(path)))


CONFIG = BertConfig(vocab_size=30, type_vocab_size=2, max_position_embeddings=16)
MASKED = {
    "input_ids": [2, 4, 9, 3, 8, 3],
    "segment_ids": [0, 0, 0, 0, 1, 1],
    "masked_lm_positions": [1, 4],
    "masked_lm_ids": [7, 8],
    "masked_lm_weights": [1.0, 1.0],
    "next_sentence_labels": [1],
}
PADDED = {
    "input_ids": [2, 4, 9, 3, 0, 0],
    "input_mask": [1, 1, 1, 1, 0, 0],
    "segment_ids": [0] * 6,
    "masked_lm_positions": [1, 0],
    "masked_lm_ids": [7, 0],
    "masked_lm_weights": [1.0, 0.0],
    "next_sentence_labels": [0],
}
UNMASKED = {"input_ids": [2, 9, 3], "segment_ids": [0, 0, 0], "word_starts": [1, 0, 1]}
PAIR = {"a_input_ids": [2, 9, 3], "b_input_ids": [2, 3]}
SPECS = {
    "masked": masked_lm_spec(3),
    "padded": masked_lm_spec(3),
    "unmasked": dynamic_spec(),
    "pair": pair_spec(True),
}
GOOD = {"masked": MASKED, "padded": PADDED, "unmasked": UNMASKED, "pair": PAIR}


def example_of(features):
    example = tf.train.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        (feature.float_list if isinstance(values[0], float) else feature.int64_list).value.extend(values)
    return example.SerializeToString()


def open_instances(kind, *paths):
    spec = {**SPECS[kind], **EXAMPLE_INDEX}
    limits = (CorpusReader if kind == "pair" else MaskedReader).limits(spec, CONFIG)
    return instance_records.existing_instances([str(path) for path in paths], instance_records.Manifest(), spec, limits)


@pytest.mark.parametrize("kind", GOOD)
def test_instances_that_fit(tmp_path, kind):
    write(tmp_path / "x", [example_of(GOOD[kind])] * 3)
    found = open_instances(kind, tmp_path / "x", tmp_path / "x")
    assert (found.num_examples, found.max_length) == (6, max(len(ids) for ids in GOOD[kind].values()))


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, change, message",
    (
        ("masked", {"input_ids": [2, 4, 30, 3, 8, 3]}, "input_ids has 30; 0 to 29 are allowed (the model's vocab_size"),
        ("masked", {"masked_lm_ids": [7, 30]}, "masked_lm_ids has 30; 0 to 29 are allowed"),
        ("masked", {"masked_lm_ids": [7]}, "masked_lm_ids has 1 numbers; 2 are needed"),
        ("masked", {"masked_lm_weights": [1.0]}, "masked_lm_weights has 1 numbers; 2 are needed"),
        ("masked", {"masked_lm_weights": [1.0, -1.0]}, "masked_lm_weights has -1; finite numbers from 0 on are needed"),
        ("masked", {"masked_lm_weights": [1.0, float("nan")]}, "masked_lm_weights has nan; finite numbers from 0 on"),
        ("masked", {"masked_lm_weights": [1, 1]}, "masked_lm_weights is a int64_list; this task needs float_list"),
        ("masked", {"masked_lm_positions": [1, 6]}, "masked_lm_positions has 6; 0 to 5 are allowed (the number of tok"),
        ("masked", {"masked_lm_positions": [1, -1]}, "masked_lm_positions has -1; 0 to"),
        ("padded", {"masked_lm_positions": [4, 0]}, "masked_lm_positions has 4; 0 to 3 are allowed (the number of tok"),
        ("padded", {"input_mask": [1, 1, 0, 1, 0, 0]}, "input_mask is 1 1 0 1 0 0; ones, one"),
        ("padded", {"input_mask": [1, 3, 1, 1, 0, 0]}, "input_mask has 3; ones, one at least, then"),
        ("masked", {"next_sentence_labels": [2]}, "next_sentence_labels has 2; 0 to 1 are allowed"),
        ("masked", {"segment_ids": None}, "no segment_ids; it has input_ids, masked_lm_ids"),
        ("masked", {"segment_ids": [0, 0]}, "segment_ids has 2 numbers; 6 are needed"),
        ("masked", {"masked_lm_positions": None}, "no masked_lm_positions; it has"),
        (
            "masked",
            {name: values * 2 for name, values in MASKED.items() if name.startswith("masked")},
            "masked_lm_positions has 4 numbers; at most 3 are needed",
        ),
        ("unmasked", {"segment_ids": None}, "no segment_ids; it has input_ids, word_starts"),
        ("unmasked", {"word_starts": [1]}, "word_starts has 1 numbers; 3 are needed"),
        ("pair", {"b_input_ids": None}, "no b_input_ids; it has a_input_ids"),
        ("pair", {"c_input_ids": [31]}, "c_input_ids has 31; 0 to 29 are allowed"),
        ("pair", {"c_segment_ids": [0]}, "c_segment_ids has 1 numbers; 0 are needed"),
    ),
)
def test_every_record_is_looked_at_and_one_that_does_not_fit_is_named(tmp_path, monkeypatch, kind, change, message):
    monkeypatch.setattr("bertline.processors.records.record_checks.RECORDS_AT_ONCE", 40)
    good = example_of(GOOD[kind])
    bad = example_of({name: values for name, values in {**GOOD[kind], **change}.items() if values is not None})
    number = instance_records.RECORDS_HASHED + 7
    write(tmp_path / "0", [good] * 3)
    write(tmp_path / "1", [good] * (number - 1) + [bad, good])
    with pytest.raises(InputError) as error:
        open_instances(kind, tmp_path / "0", tmp_path / "1")
    assert str(error.value).startswith(f"{tmp_path}/1, record {number}: ") and message in str(error.value)


def test_another_number_of_records_than_the_manifest_says(tmp_path):
    (path,) = make(tmp_path / "x")
    write(path, [example_of(UNMASKED)] * 3)
    manifest = instance_records.Manifest({path: os.path.getsize(path)}, num_instances=10)
    with pytest.raises(InputError, match=r"3 records in 1 file\(s\), their manifest says 10"):
        instance_records.existing_instances([path], manifest, {**dynamic_spec(), **EXAMPLE_INDEX}, {})


def test_records_of_a_vocabulary_and_a_sentencepiece_model(tmp_path):
    tokenizer = SentencePieceTokenizer(small_pieces.train(tmp_path / "spiece.model"))
    manifest = instance_records.Manifest(tokenizer="abc", vocab_file="/vocab.txt", do_lower_case=True)
    with pytest.raises(
        InputError, match=r"^x: made with /vocab.txt, do_lower_case True, not with .*/spiece\.model; use"
    ):
        instance_records.check_vocabulary(["x"], manifest, tokenizer)
