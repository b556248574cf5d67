"""Shards of instances and their manifests: written, overwritten, stopped in the middle, and read."""

import json
import os
import types

import pytest
import tensorflow as tf
from small_records import write

import files
from errors import InputError
from processors import instance_records, records, shard_files

MADE_FROM = {"settings": {"random_seed": 1}}
CONTENT = {
    "num_instances": 10, "max_length": 7, "max_predictions_per_seq": 20, "instances": "next_sentence",
    "dynamic_masking": False, "masking": "token", "masked_lm_prob": 0.15, "vocab_file": "/vocab.txt",
    "do_lower_case": True, "tokenizer": "abc", **MADE_FROM,
}  # fmt: skip


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
        assert found.hard_negatives == (4 if chosen == paths else None)
    (more,) = make(tmp_path / "y", statistics={"hard_negatives": 0})
    assert read(more).hard_negatives == 0
    assert read(more, *paths).hard_negatives == 4 and read(more, *paths).num_instances == 20
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
            list(records.checked_records(str(path)))
