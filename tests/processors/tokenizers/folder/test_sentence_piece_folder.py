"""What the files beside a SentencePiece model say: casing, accents and length by class; what changes ids is refused."""

import json

import pytest
import small_pieces

from bertline.errors import InputError
from bertline.processors import tokenization
from bertline.processors.corpora.making.instance_records import Manifest, check_vocabulary


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return small_pieces.train(tmp_path_factory.mktemp("pieces") / "spiece.model").read_bytes()


@pytest.fixture
def folder(tmp_path, model):
    """folder(file=content): a model with JSON files beside it."""

    def make(config, **files):
        (tmp_path / "spiece.model").write_bytes(model)
        for name, content in {"tokenizer_config": config, **files}.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return make


@pytest.mark.parametrize(
    "config, lower, accents, length",
    [
        ({}, False, True, None),
        ({"tokenizer_class": "AlbertTokenizerFast", "model_max_length": 64}, True, False, 64),
        ({"tokenizer_class": "XLNetTokenizer", "model_max_length": 1e30}, False, False, None),
        ({"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "keep_accents": True}, False, True, None),
    ],
)
def test_defaults_of_the_class(folder, config, lower, accents, length):
    tokenizer = tokenization.load_tokenizer(folder(config))
    found = (tokenizer.do_lower_case, tokenizer.keep_accents, tokenizer.model_max_length)
    assert found == (lower, accents, length)


@pytest.mark.parametrize(
    "config, files, message",
    [
        (
            {"tokenizer_class": "T5Tokenizer"},
            {},
            "tokenizer_class T5Tokenizer: SentencePiece models are read as by Albert",
        ),
        ({"remove_space": False}, {}, "remove_space is false"),
        ({"model_max_length": "x"}, {}, "model_max_length"),
        ({}, {"added_tokens": {"<e1>": 150}}, 'adds "<e1>", which is no piece'),
        ({"added_tokens_decoder": {"150": {"content": "<e1>"}}}, {}, 'adds "<e1>", which is no piece'),
    ],
)
def test_what_changes_ids_is_refused(folder, config, files, message):
    with pytest.raises(InputError, match=message):
        tokenization.load_tokenizer(folder(config, **files))


def test_added_tokens_that_are_pieces(folder):
    assert tokenization.load_tokenizer(folder({}, added_tokens={"[MASK]": 4})).mask_id


def test_records_of_another_vocabulary(folder):
    """An InputError that names the model's file; it once was an AttributeError."""
    tokenizer = tokenization.load_tokenizer(folder({}))
    check_vocabulary(["a.tfrecord"], Manifest(tokenizer=tokenizer.fingerprint()), tokenizer)
    with pytest.raises(InputError, match="vocabulary and casing of .*spiece.model"):
        check_vocabulary(["a.tfrecord"], Manifest(tokenizer="of another"), tokenizer)
