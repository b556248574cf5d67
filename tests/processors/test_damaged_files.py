"""Damage that the fuzzer found (`make fuzz`)."""

import json
import pathlib

import pytest
import small_classifiers
import small_pieces
import small_records

from bertline.errors import InputError
from bertline.processors.records import manifests, record_files
from bertline.processors.tokenization import load_tokenizer


def test_a_piece_that_is_not_utf8(tmp_path):
    path = tmp_path / "spiece.model"
    small_pieces.train(path)
    path.write_bytes(path.read_bytes().replace(b"[SEP]", b"[\xcaEP]", 1))
    with pytest.raises(InputError, match=r"spiece\.model: a piece is not UTF-8"):
        load_tokenizer(str(path))


@pytest.mark.parametrize("value", [[], [None], {}, 7, True])
def test_text_rules_of_another_type(value, tmp_path):
    folder = small_classifiers.classifier_folder(tmp_path)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "text_rules": value}))
    with pytest.raises(InputError, match="text_rules"):
        load_tokenizer(str(folder))


@pytest.mark.parametrize("count", [0, 11, 2**63])
def test_a_manifest_of_another_number_of_examples(count, tmp_path):
    encoder, examples = small_records.encoder(tmp_path), small_records.examples(12)
    written = record_files.write_records(examples, encoder, str(tmp_path), "train", 1)
    (path,) = tmp_path.glob("train-*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_examples": count}))
    again = record_files.write_records(examples, encoder, str(tmp_path), "train", 1)
    assert (again.num_examples, again.files) == (12, written.files)
    assert all(pathlib.Path(name).is_file() for name in again.files)


@pytest.mark.parametrize("count", [2**63, 10**30, -1])
def test_a_manifest_of_numbers_that_are_no_counts(count, tmp_path):
    path = tmp_path / "x.manifest.json"
    path.write_text(json.dumps({"files": {"x": 3}, "num_instances": count}))
    with pytest.raises(InputError, match="not a manifest: num_instances is"):
        manifests.read(str(path), {"num_instances": int})
