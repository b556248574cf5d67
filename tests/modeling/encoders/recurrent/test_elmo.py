"""ELMo against bilm-tf's own vectors, and what each direction may see."""

import json

import h5py
import numpy as np
import pytest
import small_models

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.recurrent import elmo
from bertline.modeling.encoders.recurrent.elmo import Elmo, ElmoConfig
from bertline.processors.layouts.characters import character_ids
from bertline.weights.formats.bilm import Bilm
from bertline.weights.load_save import load_weights, open_weights


def loaded(folder):
    source = open_weights(folder)
    encoder = Elmo(ElmoConfig.from_dict(source.config))
    encoder.build()
    load_weights(encoder, source)
    return encoder


def batch(sentences):
    """Sentences, lists of words, as the encoder reads them; in the order in which they come, padded."""
    steps = max(map(len, sentences))
    ids, mask = np.zeros([len(sentences), steps, 50], np.int32), np.zeros([len(sentences), steps], np.int32)
    for row, words in enumerate(sentences):
        ids[row, : len(words)], mask[row, : len(words)] = character_ids(words), 1
    return {"character_ids": ids, "input_mask": mask}


def both(array):
    """[2, T, P] of a file -> [T, 2 * P]."""
    return np.concatenate(list(array), axis=-1)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("lanes", [(0, 1, 2), (2, 0), (1,)])
def test_the_fixture_in_any_batch(lanes, data_dir):
    """The three files were made as lanes of batches, the state carried from one sentence of a lane to the next."""
    folder = data_dir / "elmo_fixture"
    encoder = loaded(folder)
    lines = json.loads((folder / "lm_embeddings_sentences.json").read_text())
    files = [h5py.File(folder / f"lm_embeddings_{lane}.hdf5") for lane in lanes]
    state = encoder.zero_state(len(lanes))
    for i in range(len(files[0])):
        outputs = encoder(batch([lines[lane][i].split() for lane in lanes]), state=state)
        state = outputs["state"]
        for row, file in enumerate(files):
            expected = both(file[str(i)][...])
            np.testing.assert_allclose(outputs["sequence_output"][row, : len(expected)], expected, atol=1e-5)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["chars", "chars_tanh"])
def test_all_layers_are_those_of_a_dump(kind, golden_dir):
    """`dump_bilm_embeddings` embeds one sentence after the other and carries the state."""
    folder = golden_dir / "bilm"
    encoder = loaded(folder / kind)
    state = encoder.zero_state(1)
    with h5py.File(folder / kind / "embeddings.hdf5") as file:
        for i, line in enumerate((folder / "heldout.txt").read_text(encoding="utf-8").splitlines()):
            outputs = encoder(batch([line.split()]), all_layers=True, state=state)
            state = outputs["state"]
            np.testing.assert_allclose(np.concatenate(outputs["all_layers"]), file[str(i)][...], atol=1e-5)


def test_each_word_goes_through_the_filters_once(monkeypatch):
    encoder, sentences = small_models.encoder("elmo"), [["to", "be", "or", "not", "to", "be"], ["to"]]
    seen, filters = [], encoder.filters.call
    monkeypatch.setattr(encoder.filters, "call", lambda rows: seen.append(rows.shape[0]) or filters(rows))
    encoder(batch(sentences))
    assert seen == [4 + 2 + 1]  # boundaries of sentences, and padding


@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_direction_sees_its_own_side_alone(place):
    """A word that is another one: states of the forward half change from it on, those of the backward half up to it."""
    encoder, inputs = small_models.encoder("elmo"), small_models.inputs("elmo", (8, 8))
    changed = {**inputs, "character_ids": inputs["character_ids"].copy()}
    changed["character_ids"][0, place] = character_ids(["other"])[0, :8]
    one, other = (np.stack(encoder(b, all_layers=True)["all_layers"][1:]) for b in (inputs, changed))
    moved = np.abs(one - other).max(axis=0)[0] > 1e-7  # [T, 2 * P]
    forward, backward = np.split(moved, 2, axis=-1)
    assert np.flatnonzero(forward.any(axis=-1)).tolist() == list(range(place, 8))
    assert np.flatnonzero(backward.any(axis=-1)).tolist() == list(range(place + 1))
    np.testing.assert_array_equal(one[:, 1], other[:, 1])


def test_the_forward_half_goes_on_from_a_state():
    """Two sentences one after the other are one stretch of words with the boundaries between them."""
    encoder = small_models.encoder("elmo")
    first, second = ["ab", "c"], ["d", "ef", "g"]
    state = encoder(batch([first]), state=encoder.zero_state(1))["state"]
    found = encoder(batch([second]), state=state)["sequence_output"][0, :, :8]
    boundaries = [[elmo.BEGIN_OF_WORD, one, elmo.END_OF_WORD] for one in (elmo.END_OF_SENTENCE, elmo.BEGIN_OF_SENTENCE)]
    joined = batch([first + ["x", "x"] + second])
    joined["character_ids"][0, 2:4] = 0
    joined["character_ids"][0, 2:4, :3] = boundaries
    whole = encoder(joined)["sequence_output"][0, 4:, :8]
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_a_long_word_is_cut_and_keeps_its_end():
    encoder = small_models.encoder("elmo", max_characters=6)
    found, expected = (encoder(batch([[word, "b"]]))["sequence_output"] for word in ("abcdefgh", "abcd"))
    np.testing.assert_array_equal(found, expected)


def test_words_are_looked_up_where_there_are_no_filters():
    encoder = small_models.encoder("elmo", filters=None, vocab_size=9, units=8)
    ids = np.array([[3, 4, 5]], np.int32)
    outputs = encoder({"input_ids": ids, "input_mask": np.ones_like(ids)}, all_layers=True)
    np.testing.assert_array_equal(outputs["all_layers"][0][..., :8], np.array(encoder.table)[ids])
    assert "lm/RNN_0/rnn/multi_rnn_cell/cell_0/lstm_cell/projection/kernel" not in encoder.named_weights()
    assert encoder.output_table() is encoder.table


def test_blocks_hold_all_weights_but_one_time_each():
    import re

    encoder = small_models.encoder("elmo")
    names, blocks = list(encoder.named_weights()), encoder.blocks()
    assert len(blocks) == 1 + encoder.num_layers
    assert [sum(bool(re.search(block, name)) for block in blocks) for name in names] == [1] * len(names)


def test_it_is_a_part_of_others_with_its_own_weights(tmp_path):
    """Frozen, of ELMo's files, beside the characters of words and under a bilstm."""
    alone = small_models.encoder("elmo")
    Bilm.save(alone, str(tmp_path / "weights.hdf5"))
    part = {**Elmo.small().to_dict(), "weights": str(tmp_path), "frozen": True}
    characters = {"model_type": "char_cnn", "width": 5}
    top = {"model_type": "bilstm", "units": 4, "embedding_size": 21}
    stacked = registry.get("encoder", "stacked")
    encoder = stacked(stacked.config_class.from_dict({"parts": [part, characters], "top": top}))
    encoder.build()
    for one, path, _ in encoder.initial_weights():
        report = load_weights(one, path)
        assert not report.missing and not report.unused
    inputs = batch([["a", "bc"], ["d"]])
    found = encoder(inputs, all_layers=True)["all_layers"][0][..., :16]
    np.testing.assert_allclose(found, alone(inputs)["sequence_output"], atol=1e-6)
    trained = {variable.path for variable in encoder.trainable_variables}
    assert trained and not any("/lm/" in path for path in trained)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"projection_size": 13}, "'projection_size' is 13, more than the 12 units"),
        ({"filters": [[1, 4], [2]]}, r"'filters' has \[2\]; pairs"),
        ({"filters": []}, "'filters' has None"),
        ({"max_characters": 51}, "'max_characters' is 51; 4 to 50"),
        ({"filter_activation": "gelu"}, "'filter_activation' is 'gelu'; known: relu, tanh"),
        ({"filters": None}, "looks words up: a vocab_size is needed"),
        ({"filters": None, "vocab_size": 5, "end_id": 5}, "'end_id' is 5"),
    ],
)
def test_sizes_that_cannot_be(changes, message):
    with pytest.raises(InputError, match=message):
        ElmoConfig.from_dict({**Elmo.small().to_dict(), **changes})


def test_the_released_model_has_as_many_weights():
    """93.6 million, https://allennlp.org/elmo; counted here from the configuration, before anything is built."""
    assert abs(ElmoConfig().num_parameters() - 93.6e6) < 5e4
    small = small_models.encoder("elmo")
    assert small.config.num_parameters() == sum(int(np.prod(v.shape)) for v in small.variables)
