"""The vectors of a vocabulary's words in a file: those of AllenNLP and bilm-tf, and tables made of them."""

import io
import tarfile

import h5py
import numpy as np
import pytest
import small_models

from bertline.errors import InputError
from bertline.modeling.encoders.recurrent.elmo import Elmo, ElmoConfig
from bertline.processors.layouts.characters import characters_of_vocabulary
from bertline.processors.tokenizers import bilm_words
from bertline.processors.tokenizers.words import WordTokenizer
from bertline.weights import conversion
from bertline.weights.formats.bilm import Bilm
from bertline.weights.reading import bilm_options, token_embeddings

WORDS = ["the", "<S>", "U.S.", "<UNK>", "</S>", "naïve"]


def weights_of_allennlp(path):
    """Name of ours -> array, of what makes words of characters in a tagger that AllenNLP trained on a frozen ELMo."""
    torch = pytest.importorskip("torch", reason="make peers")
    with tarfile.open(path) as archive:
        state = torch.load(io.BytesIO(archive.extractfile("weights.th").read()), map_location="cpu")
    before = "text_field_embedder.token_embedder_elmo._elmo._elmo_lstm._token_embedder."
    arrays = {name.removeprefix(before): one.numpy() for name, one in state.items() if name.startswith(before)}
    found = {"lm/char_embed": arrays["_char_embedding_weights"][1:]}  # their first row is padding
    for i in range(5):
        found[f"lm/CNN/W_cnn_{i}"] = arrays[f"char_conv_{i}.weight"].transpose(2, 1, 0)[None]
        found[f"lm/CNN/b_cnn_{i}"] = arrays[f"char_conv_{i}.bias"]
    for i in range(2):
        # Theirs is the share that is carried, and lies behind what is transformed.
        for letter in "Wb":
            both = arrays[f"_highways._layers.{i}.{'weight' if letter == 'W' else 'bias'}"]
            found[f"lm/CNN_high_{i}/{letter}_transform"], found[f"lm/CNN_high_{i}/{letter}_carry"] = (
                both[:124].T,
                -both[124:].T,
            )
    return {
        **found,
        "lm/CNN_proj/W_proj": arrays["_projection.weight"].T,
        "lm/CNN_proj/b_proj": arrays["_projection.bias"],
    }


@pytest.mark.real_data
def test_the_cache_of_allennlp(golden_dir):
    folder = golden_dir / "techniques" / "allennlp_elmo"
    encoder = Elmo(ElmoConfig.from_dict(bilm_options.config_of(str(folder / "options.json"))))
    encoder.build()
    names = encoder.named_weights()
    for name, array in weights_of_allennlp(folder / "model.tar.gz").items():
        names[name].assign(array)
    words = (folder / "vocab_test.txt").read_text().strip().split("\n")
    expected = token_embeddings.read(str(folder / "elmo_token_embeddings.hdf5"), len(words), 16)
    characters = characters_of_vocabulary(WordTokenizer(words, bilm_words.SETTINGS))
    np.testing.assert_allclose(encoder.vectors_of_vocabulary(characters), expected, atol=1e-5)


def states(encoder, ids):
    return encoder({"input_ids": ids, "input_mask": np.ones_like(ids)})["sequence_output"]


def test_a_table_is_what_a_file_has(tmp_path):
    """A weights.hdf5 of words is such a file; another model of the same words takes it."""
    encoder, tokenizer = small_models.encoder("elmo"), WordTokenizer(WORDS, bilm_words.SETTINGS)
    of_words = conversion.with_table_of_words(encoder, tokenizer)
    path = str(tmp_path / "weights.hdf5")
    Bilm.save(of_words, path, tokenizer)
    # What makes words of characters is not asked.
    encoder.table.assign(np.zeros(encoder.table.shape))
    found, ids = conversion.with_table_of_words(encoder, tokenizer, path), np.array([[0, 5, 2, 0]], np.int32)
    np.testing.assert_array_equal(states(found, ids), states(of_words, ids))
    assert (found.config.start_id, found.config.end_id) == (1, 4)


def test_files_that_do_not_fit(tmp_path):
    path = str(tmp_path / "embeddings.hdf5")
    with pytest.raises(InputError, match="embeddings.hdf5: cannot be read as HDF5"):
        token_embeddings.read(path, 6, 8)
    with h5py.File(path, "w") as file:
        file["other"] = np.zeros([6, 8])
    with pytest.raises(InputError, match="no data set 'embedding' of numbers; dump_token_embeddings writes one"):
        token_embeddings.read(path, 6, 8)
    with h5py.File(path, "w") as file:
        file["embedding"] = np.zeros([7, 8])
    with pytest.raises(
        InputError, match=r"embedding has shape \(7, 8\), \(6, 8\) is needed: the words of --vocab_file"
    ):
        token_embeddings.read(path, 6, 8)
    with pytest.raises(InputError, match="--token_embeddings_file: no vocabulary; elmo is needed"):
        conversion.with_table_of_words(small_models.encoder("elmo"), None, path)
