"""ELMo's files: read, written again, and what is wrong with them."""

import json
import shutil

import h5py
import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoders.recurrent.elmo import Elmo, ElmoConfig
from bertline.processors.layouts.characters import character_ids
from bertline.processors.tokenizers import bilm_words
from bertline.processors.tokenizers.words import WordTokenizer
from bertline.weights import conversion
from bertline.weights.formats.bilm import Bilm
from bertline.weights.load_save import load_weights, open_weights
from bertline.weights.open_model import open_model


def arrays(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, one: found.update({name: one[...]}) if isinstance(one, h5py.Dataset) else None)
    return found


def loaded(source):
    encoder = Elmo(ElmoConfig.from_dict(source.config))
    encoder.build()
    report = load_weights(encoder, source)
    assert not report.unused and not report.missing
    return encoder


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["data/elmo_fixture", "golden/bilm/chars", "golden/bilm/words"])
def test_what_is_written_is_what_was_read(folder, data_dir, tmp_path):
    folder = data_dir.parent / folder
    encoder, config = loaded(open_weights(folder)), open_weights(folder).config
    Bilm.save(encoder, str(tmp_path / "weights.hdf5"), extra_config={"objective": config.get("objective")})
    [path] = [path for path in folder.iterdir() if path.name.endswith("weights.hdf5")]
    found, expected = arrays(tmp_path / "weights.hdf5"), arrays(path)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    before, after = (json.loads((one / "options.json").read_text()) for one in (folder, tmp_path))
    assert before["lstm"].items() <= after["lstm"].items()
    assert before.get("share_embedding_softmax") == after.get("share_embedding_softmax")
    known = before.get("char_cnn", {})
    assert {**known, "n_characters": 262}.items() == {**after.get("char_cnn", known), "n_characters": 262}.items()
    assert loaded(open_weights(tmp_path)).config == encoder.config


@pytest.mark.real_data
def test_a_folder_without_a_vocabulary_has_the_boundaries_of_sentences(data_dir):
    model = open_model(data_dir / "elmo_fixture")
    assert model.tokenizer.words == ("<S>", "</S>", "<UNK>")
    ids, splits = model.tokenizer.encode_words(["U.S.", "<S>"])
    assert ids.tolist() == [2, 0] and splits.tolist() == [0, 1, 2]


@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["chars", "words"])
@pytest.mark.parametrize("name, golden", [("initial.ckpt", "initial.npz"), ("model.ckpt-8", "after_8_steps.npz")])
def test_checkpoints_of_its_training(kind, name, golden, golden_dir, tmp_path):
    folder = golden_dir / "bilm" / kind
    for path in [folder / "options.json", *folder.glob(f"{name}.*")]:
        shutil.copy(path, tmp_path)
    source, expected = open_weights(tmp_path), np.load(folder / golden)
    encoder = Elmo(ElmoConfig.from_dict(source.config))
    encoder.build()
    report = load_weights(encoder, source)
    assert report.unused == (["lm/softmax/W", "lm/softmax/b"] if kind == "chars" else ["lm/softmax/b"])
    for name, variable in encoder.named_weights().items():
        np.testing.assert_array_equal(variable, expected[name], err_msg=name)


def test_a_table_of_words_gives_the_states_that_their_characters_give(tmp_path):
    """Written as ELMo's files, of words now, and read again; the boundaries of sentences are two of the words."""
    encoder, words = small_models.encoder("elmo"), ["the", "<S>", "U.S.", "<UNK>", "</S>", "naïve"]
    tokenizer = WordTokenizer(words, bilm_words.SETTINGS)
    Bilm.save(conversion.with_table_of_words(encoder, tokenizer), str(tmp_path / "weights.hdf5"), tokenizer)
    assert arrays(tmp_path / "weights.hdf5")["embedding"].shape == (6, 8)
    again, known = loaded(open_weights(tmp_path)), ["naïve", "the", "U.S.", "the"]
    ids = np.array([tokenizer.convert_tokens_to_ids(known)], np.int32)
    found = again({"input_ids": ids, "input_mask": np.ones_like(ids)})["sequence_output"]
    batch = {"character_ids": character_ids(known)[None], "input_mask": np.ones_like(ids)}
    np.testing.assert_allclose(found, encoder(batch)["sequence_output"], atol=1e-6)
    # A file of others says no places of the boundaries; its vocabulary does.
    options = json.loads((tmp_path / "options.json").read_text())
    (tmp_path / "options.json").write_text(json.dumps({k: v for k, v in options.items() if not k.endswith("_id")}))
    assert open_weights(tmp_path).config["start_id"] == 1 and open_weights(tmp_path).config["end_id"] == 4


def test_words_that_no_table_can_be_made_of(tmp_path):
    with pytest.raises(InputError, match="--cache_words: an encoder bert; elmo is needed"):
        conversion.with_table_of_words(small_models.encoder("bert"), None)
    with pytest.raises(InputError, match="has a table of words already"):
        tokenizer = WordTokenizer(bilm_words.SPECIAL, bilm_words.SETTINGS)
        conversion.with_table_of_words(small_models.encoder("elmo", filters=None, vocab_size=3), tokenizer)


def folder_of(tmp_path, **options):
    encoder = small_models.encoder("elmo")
    Bilm.save(encoder, str(tmp_path / "weights.hdf5"))
    path = tmp_path / "options.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **options}))
    return encoder


@pytest.mark.parametrize(
    "options, message",
    [
        ({"lstm": {}}, "options.json: lstm has no dim"),
        ({"lstm": 3}, "options.json: no object 'lstm'"),
        ({"lstm": {"dim": "12"}}, 'options.json: lstm.dim is "12"'),
        ({"bidirectional": False}, "options.json: bidirectional is not true"),
        ({"char_cnn": {"n_characters": 100}}, "options.json: n_characters is 100; 261 or 262"),
        ({"share_embedding_softmax": True}, "share_embedding_softmax is true beside char_cnn.*no table to share"),
        ({"share_embedding_softmax": 1}, "share_embedding_softmax is 1; true or false is needed"),
    ],
)
def test_options_that_cannot_be(options, message, tmp_path):
    folder_of(tmp_path, **options)
    with pytest.raises(InputError, match=message):
        open_weights(tmp_path)


def test_files_that_cannot_be_read(tmp_path):
    folder_of(tmp_path)
    data = (tmp_path / "weights.hdf5").read_bytes()
    (tmp_path / "weights.hdf5").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="weights.hdf5: cannot be read as HDF5"):
        open_weights(tmp_path)
    shutil.copy(tmp_path / "weights.hdf5", tmp_path / "other_weights.hdf5")
    with pytest.raises(InputError, match=r"2 files ...weights.hdf5 \(other_weights.hdf5, weights.hdf5\); name one"):
        open_weights(tmp_path)


def test_a_name_before_both_files_as_released_models_have_it(tmp_path):
    encoder = folder_of(tmp_path)
    for name in ("options.json", "weights.hdf5"):
        (tmp_path / name).rename(tmp_path / f"elmo_small_{name}")
    found = loaded(open_weights(tmp_path / "elmo_small_weights.hdf5"))
    batch = small_models.tensors(small_models.inputs("elmo"))
    one, other = (model(batch)["sequence_output"] for model in (found, encoder))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_another_encoder_has_no_such_form(tmp_path):
    with pytest.raises(InputError, match="this format is of elmo alone, the encoder is bert"):
        Bilm.save(small_models.encoder("bert"), str(tmp_path / "weights.hdf5"))
    assert not tf.io.gfile.listdir(tmp_path)
