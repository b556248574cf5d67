"""Vectors of ELMo in files as bilm-tf and AllenNLP write them."""

import json

import h5py
import numpy as np
import pytest
import small_models

from bertline.errors import InputError
from bertline.processors.layouts.characters import character_ids
from bertline.serving.files import extraction
from bertline.settings.scripts.extract_features import ExtractionSettings
from bertline.weights.formats.bilm import Bilm

TEXTS = ["Don 't !", "U.S.  naïve", "a", "to be or not to be ."]


@pytest.fixture(scope="module")
def elmo(tmp_path_factory):
    """(a folder of ELMo's files, text -> float32 [layers, words, W] of the encoder itself)."""
    encoder, folder = small_models.encoder("elmo"), tmp_path_factory.mktemp("elmo")
    Bilm.save(encoder, str(folder / "weights.hdf5"))

    def vectors(text):
        words = text.split()
        batch = {"character_ids": character_ids(words)[None], "input_mask": np.ones([1, len(words)], np.int32)}
        return np.concatenate(encoder(batch, all_layers=True)["all_layers"])

    return folder, vectors


def extract(folder, tmp_path, **settings):
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    run = ExtractionSettings(
        input_file=str(tmp_path / "texts.txt"),
        output_file=str(tmp_path / "out.hdf5"),
        init_checkpoint=str(folder),
        unit="word",
        **{"layers": "all", **settings},
    )
    extraction.extract(run)
    return h5py.File(run.output_file)


def test_all_layers_as_bilm_tf_writes_them(elmo, tmp_path):
    folder, vectors = elmo
    with extract(folder, tmp_path, output_format="bilm") as file:
        assert sorted(file) == ["0", "1", "2", "3"]
        for i, text in enumerate(TEXTS):
            assert file[str(i)].dtype == np.float32
            np.testing.assert_allclose(file[str(i)], vectors(text), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings, reduce", [({"layer_mix": "mean"}, lambda v: v.mean(axis=0)), ({"layers": "-1"}, lambda v: v[-1])]
)
def test_average_and_top_as_allennlp_writes_them(elmo, tmp_path, settings, reduce):
    folder, vectors = elmo
    with extract(folder, tmp_path, output_format="allennlp", **settings) as file:
        for i, text in enumerate(TEXTS):
            np.testing.assert_allclose(file[str(i)], reduce(vectors(text)), atol=1e-5)
        found = json.loads(file["sentence_to_index"][0])
        assert found == {" ".join(text.split()): str(i) for i, text in enumerate(TEXTS)}


@pytest.mark.real_data
def test_a_carried_state_gives_the_file_of_bilm_tf(golden_dir, tmp_path, monkeypatch):
    monkeypatch.setattr("bertline.serving.encoder.text_encoder.POOL_TEXTS", 5)
    folder = golden_dir / "bilm"
    lines = (folder / "heldout.txt").read_text(encoding="utf-8").splitlines()
    monkeypatch.setattr(f"{__name__}.TEXTS", lines)
    with (
        extract(folder / "chars", tmp_path, output_format="bilm", carry_state=True) as file,
        h5py.File(folder / "chars" / "embeddings.hdf5") as expected,
    ):
        assert file.keys() == expected.keys()
        for name in expected:
            np.testing.assert_allclose(file[name], expected[name], atol=1e-5)


def test_layers_that_are_not_there(elmo, tmp_path):
    with pytest.raises(InputError, match="there is no layer -4; the model has 2"):
        extract(elmo[0], tmp_path, output_format="bilm", layers="-4")
