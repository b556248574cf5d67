"""Encoders side by side and on top of each other: what comes out, where weights come from, what stays as it is."""

import json

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.composed.stacked import Stacked, StackedConfig
from bertline.modeling.encoders.recurrent.bilstm import Bilstm, BilstmConfig
from bertline.modeling.encoders.static.static_vectors import StaticVectors, StaticVectorsConfig
from bertline.modeling.encoders.transformers.bert import Bert
from bertline.modeling.layers.dropout import DropoutKey
from bertline.training.optimizers.adamw import AdamW
from bertline.weights.load_save import load_weights, open_weights, save_huggingface
from bertline.weights.open_model import ModelSettings, open_model

WORDS = {"model_type": "static_vectors", "vocab_size": 60, "width": 6}
WIDER = {**WORDS, "width": 10}
BERT = small_models.SIZES
TOP = {"model_type": "bilstm", "units": 5}


def stacked(parts, **values):
    encoder = Stacked(StackedConfig(parts=parts, **values))
    encoder.build()
    small_models.randomize(encoder)
    return encoder


def alone(encoder, i):
    """A part by itself, of its own class, with the weights that it has in the whole."""
    part = encoder.parts[i]
    copy = type(part)(part.config)
    copy.build()
    for name, variable in part.named_weights().items():
        copy.named_weights()[name].assign(variable)
    return copy


@pytest.mark.parametrize("mix", ["concat", "mean"])
def test_parts_side_by_side(mix):
    encoder = stacked([WORDS, BERT] if mix == "concat" else [WORDS, WORDS], mix=mix)
    batch = small_models.features()
    found, parts = encoder(batch), [alone(encoder, i)(batch) for i in range(2)]
    for name in ("sequence_output", "pooled_output"):
        one, other = (part[name].numpy() for part in parts)
        expected = np.concatenate([one, other], axis=-1) if mix == "concat" else (one + other) / 2
        np.testing.assert_allclose(found[name], expected, atol=1e-6)
    assert encoder.width == (22 if mix == "concat" else 6)


def test_scalar_mix():
    """Peters et al. 2018, equation 1, of BERT's embeddings and layers; the vectors, one layer, stay as they are."""
    encoder, batch = stacked([BERT, WORDS], mix="scalar_mix"), small_models.features()
    names = [name for name in encoder.named_weights() if "/mix" in name]
    assert names == ["stacked/mix_0/scalars", "stacked/mix_0/gamma"]
    scalars, gamma = (encoder.named_weights()[name].numpy() for name in names)
    shares = np.exp(scalars) / np.exp(scalars).sum()
    layers = alone(encoder, 0)(batch, all_layers=True)["all_layers"]
    expected = gamma * sum(share * layer.numpy() for share, layer in zip(shares, layers, strict=True))
    vectors = alone(encoder, 1)(batch)["sequence_output"]
    np.testing.assert_allclose(encoder(batch)["sequence_output"], np.concatenate([expected, vectors], -1), atol=2e-6)


def test_the_top_reads_the_mix():
    encoder, batch = stacked([WORDS, WIDER], top=TOP), small_models.features()
    mix = np.concatenate([alone(encoder, i)(batch)["sequence_output"] for i in range(2)], axis=-1)
    top = Bilstm(BilstmConfig(units=5))
    top.build(16)
    for name, variable in encoder.top.named_weights().items():
        top.named_weights()[name].assign(variable)
    found = encoder(batch, all_layers=True)
    expected = top({"input_vectors": mix, "input_mask": batch["input_mask"]}, all_layers=True)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_prefix_names_rows_of_its_own():
    """Each shared token has the state of its place in them; one of no word has zeros."""
    encoder = stacked([WORDS, {**WIDER, "vocab_size": 9, "prefix": "short_"}])
    assert encoder.config.id_limits() == {"input_ids": ("vocab_size", 60), "short_input_ids": ("vocab_size", 9)}
    batch = small_models.features((3, 2))
    batch |= {"short_input_ids": np.array([[5, 6, 7, 8, 1], [2, 3, 0, 0, 0]], np.int32)}
    batch |= {
        "short_input_mask": np.array([[1] * 5, [1, 1, 0, 0, 0]]),
        "short_places": np.array([[1, 0, 4], [2, 2, 0]]),
    }
    tables = [encoder.parts[i].word_embeddings.numpy() for i in range(2)]
    nothing = np.zeros(10)
    places = [[tables[1][5], nothing, tables[1][8]], [tables[1][3], tables[1][3], nothing]]
    expected = np.concatenate([tables[0][batch["input_ids"]], places], axis=-1)
    np.testing.assert_allclose(encoder(batch)["sequence_output"], expected, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", registry.names("encoder"))
def test_every_encoder_may_be_a_part_with_rows_of_its_own(name):
    """Beside other tokens, with their own number and mask; frozen ones drop nothing and no optimizer has them."""
    part = {**small_models.config(name, dropout=0.3).to_dict(), "frozen": True, "prefix": "own_"}
    encoder, own = stacked([WORDS, part]), small_models.inputs(name, (6, 3), seed=4)
    places = np.array([[1, 0, 3, 6], [2, 2, 1, 0]], np.int32)
    batch = small_models.features((4, 3)) | {f"own_{key}": value for key, value in own.items()} | {"own_places": places}
    states = alone(encoder, 1)(own)["sequence_output"].numpy()
    expected = np.where(places[:, :, None] > 0, np.stack([states[i, places[i] - 1] for i in range(2)]), 0)
    found = encoder(batch, dropout_key=DropoutKey(tf.constant([1, 2])))["sequence_output"]
    np.testing.assert_allclose(found[:, :, 6:], expected, atol=2e-6)
    assert list(AdamW(encoder.named_weights(), None).weights) == ["stacked/part_0/static_vectors/word_embeddings"]


def test_a_frozen_part_stays_and_drops_nothing():
    rates = {"hidden_dropout_prob": 0.5, "attention_probs_dropout_prob": 0.5}
    encoder = stacked([{**BERT, **rates, "frozen": True}, {**WORDS, "trainable": False}, WIDER], top=TOP)
    weights = AdamW(encoder.named_weights(), None).weights
    assert {name.split("/")[1] for name in weights} == {"part_2", "top"}
    assert not any("part_0" in pattern for pattern in encoder.blocks())
    batch = small_models.features()
    one, other = (encoder(batch, dropout_key=DropoutKey(tf.constant([1, i])))["pooled_output"] for i in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_part_carries_its_state():
    encoder, batch = stacked([small_models.config("awd_lstm").to_dict(), WORDS]), small_models.features((8, 8))
    assert encoder.is_causal and not stacked([WORDS], top=TOP).is_causal
    state, found = encoder.zero_state(2), []
    for part in (slice(0, 5), slice(5, 8)):
        outputs = encoder({name: array[:, part] for name, array in batch.items()}, state=state)
        state = outputs["state"]
        found.append(outputs["sequence_output"])
    whole = encoder(batch)
    np.testing.assert_allclose(tf.concat(found, axis=1), whole["sequence_output"], atol=2e-6)
    for one, other in zip(tf.nest.flatten(state), tf.nest.flatten(whole["state"]), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def test_blocks_are_levels():
    encoder = stacked([WORDS, BERT], top=TOP)
    assert encoder.blocks() == [
        "^stacked/part_0/static_vectors/|^stacked/part_1/bert/embeddings/",
        *(f"^stacked/part_1/bert/encoder/layer_{i}/" for i in range(3)),
        "^stacked/top/bilstm/layer_0/",
    ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of parts that were trained before."""
    folder = tmp_path_factory.mktemp("parts")
    for name, encoder in (("glove", StaticVectors(StaticVectorsConfig(60, 6))), ("bert", small_models.encoder())):
        if not encoder.built:
            encoder.build()
            small_models.randomize(encoder, seed=3)
        save_huggingface(encoder, folder / name)
    return folder


def test_weights_are_read_from_their_paths_and_kept_in_the_folder(saved, tmp_path):
    parts = [{**WORDS, "weights": str(saved / "glove")}, {**BERT, "weights": str(saved / "bert"), "frozen": True}]
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "stacked", "parts": parts, "top": TOP}))
    first = open_model(bert_config_file=str(tmp_path / "config.json"), vocab_required=False)
    make = lambda encoder: registry.get("objective", "sequence_classification")(encoder, 2)  # noqa: E731
    objective = first.build(make, ModelSettings(), for_training=True)
    first.load_into(objective)
    for part, name in zip(objective.encoder.parts, ("glove", "bert")):
        for weight, tensor in open_weights(saved / name).canonical(part).items():
            np.testing.assert_array_equal(part.named_weights()[weight], tensor.read(), err_msg=weight)

    save_huggingface(objective, tmp_path / "model")
    assert "weights" not in (tmp_path / "model" / "config.json").read_text()
    again = open_model(tmp_path / "model", vocab_required=False)
    other = again.build(make, ModelSettings(), for_training=True)
    report = again.load_into(other)
    assert not report.missing and not report.unused
    batch = small_models.features((6, 4))
    np.testing.assert_allclose(objective(batch)["logits"], other(batch)["logits"], atol=1e-6)


def test_vectors_of_words_are_those_of_the_vocabulary(tmp_path):
    """In the order of its ids; a word that has none gets the mean, as unknown ones do."""
    (tmp_path / "glove.txt").write_text("dog 1 2\ncat 3 4\nbird 5 9\n")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\nbird\nfish\ndog\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "WordTokenizer"}))
    part = {"model_type": "static_vectors", "width": 2, "weights": str(tmp_path / "glove.txt")}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "stacked", "parts": [part]}))
    found = open_model(bert_config_file=str(tmp_path / "config.json"))
    make = lambda encoder: registry.get("objective", "sequence_classification")(encoder, 2)  # noqa: E731
    objective = found.build(make, ModelSettings(), for_training=True)
    found.load_into(objective)
    table = objective.encoder.parts[0].word_embeddings.numpy()
    np.testing.assert_allclose(table, [[0, 0], [3, 5], [5, 9], [3, 5], [1, 2]])


def test_weights_of_another_shape_are_one_line(saved):
    encoder = stacked([{**WIDER, "weights": str(saved / "glove")}])
    [(part, path, _)] = encoder.initial_weights()
    with pytest.raises(InputError, match=r"word_embeddings has shape \(60, 6\) in the checkpoint, \(60, 10\)"):
        load_weights(part, path)


def test_a_vocabulary_is_that_of_parts_that_say_none():
    parts = [{"model_type": "static_vectors"}, {**WORDS, "vocab_size": 5, "prefix": "other_"}]
    config = StackedConfig.from_dict({"parts": parts, "top": TOP, "vocab_size": 70})
    assert config.id_limits() == {"input_ids": ("vocab_size", 70), "other_input_ids": ("vocab_size", 5)}
    assert config.top_config.vocab_size is None
    assert parts[0] == {"model_type": "static_vectors"}


BAD = {
    "no parts": ({"parts": []}, "'parts' is empty"),
    "mix": ({"parts": [WORDS], "mix": "sum"}, "'mix' is 'sum'; known: concat, mean, scalar_mix"),
    "mean": ({"parts": [WORDS, WIDER], "mix": "mean"}, "the parts are 6, 10 numbers wide, which have no mean"),
    "layers": (
        {"parts": [{"model_type": "bilstm", "vocab_size": 9}], "mix": "scalar_mix"},
        r"parts\[0\]: its layers are \[100, 200\] numbers wide",
    ),
    "ids": ({"parts": [WORDS, {**WORDS, "vocab_size": 5}]}, r"parts\[1\]: vocab_size is 5, that of another part"),
    "model": ({"parts": [WORDS, {"width": 3}]}, r"parts\[1\]: .*an object with a model_type is needed; known"),
    "unknown": ({"parts": [{"model_type": "elmmo"}]}, r"parts\[0\]: unknown encoder 'elmmo'"),
    "misspelt": ({"parts": [{"model_type": "bilstm", "unitss": 3}]}, r"parts\[0\]: unknown field 'unitss'"),
    "frozen": ({"parts": [{**WORDS, "frozen": 1}]}, r"parts\[0\]: frozen is 1, true or false is needed"),
    "weights": ({"parts": [{**WORDS, "weights": 7}]}, r"parts\[0\]: weights is 7, a path is needed"),
    "top": ({"parts": [WORDS], "top": {**TOP, "vocab_size": 8}}, "top: it reads the parts' vectors"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_is_one_line(kind):
    values, message = BAD[kind]
    with pytest.raises(InputError, match=message) as error:
        StackedConfig.from_dict(values)
    assert "\n" not in str(error.value)


def test_a_top_needs_a_bottom():
    with pytest.raises(InputError, match="a bilstm that stands alone needs a vocab_size"):
        Bilstm(BilstmConfig()).build()


@pytest.mark.parametrize("objective", ["causal_lm", "masked_lm"])
def test_a_softmax_needs_a_table(objective):
    with pytest.raises(InputError, match=f"--objective={objective}: the encoder stacked has no table of words"):
        registry.get("objective", objective)(stacked([WORDS]))


def test_bert_is_read_as_before():
    """Names of weights and blocks of an encoder that stands alone are the original's."""
    encoder = small_models.encoder()
    assert isinstance(encoder, Bert) and all(name.startswith("bert/") for name in encoder.named_weights())
    assert encoder.blocks()[1] == "^bert/encoder/layer_0/"


def joined(encoder, batch, **wanted):
    """The outputs of a stacked, its parts and its top put together by hand: part 0 below it, part 1 where it says."""
    config, states = encoder.config, [alone(encoder, i)(batch)["sequence_output"].numpy() for i in range(2)]
    top = Bilstm(config.top_config)
    between = {level: config.members[1].config.width for level in config.levels if 0 < level < config.num_layers}
    top.build(config.width_at(0), between)
    for name, variable in encoder.top.named_weights().items():
        top.named_weights()[name].assign(variable)
    below = np.concatenate([states[i] for i in config.levels[0]], axis=-1)
    vectors = {"input_vectors": below, "input_mask": batch["input_mask"]}
    return top({**vectors, **{f"vectors_above_{level}": states[1] for level in between}}, **wanted), states[1]


@pytest.mark.parametrize("at", [[1], [0, -1], [0, 1, 2]])
def test_a_part_comes_in_where_it_says(at):
    """Below the top, above its first layer (TagLM), beside its last one (ELMo at the output)."""
    encoder = stacked([WORDS, {**WIDER, "at": at}], top={**TOP, "num_layers": 2})
    batch, positions = small_models.features(), np.array([[1, 0]] * 5)
    expected, states = joined(encoder, batch, all_layers=True)
    found = encoder(batch, all_layers=True)
    layers, pooled = [layer.numpy() for layer in expected["all_layers"]], expected["pooled_output"].numpy()
    if at != [1]:
        mask = batch["input_mask"][:, :, None]
        layers[-1] = np.concatenate([layers[-1], states], axis=-1)
        pooled = np.concatenate([pooled, (states * mask).sum(axis=1) / mask.sum(axis=1)], axis=-1)
    for one, other in zip(found["all_layers"], layers, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(found["sequence_output"], layers[-1], atol=1e-6)
    np.testing.assert_allclose(found["pooled_output"], pooled, atol=1e-6)
    some = encoder(batch, positions=positions)["sequence_output"]
    np.testing.assert_allclose(some, np.take_along_axis(layers[-1], positions[:, :, None], axis=1), atol=1e-6)
    assert encoder.width == (10 if at == [1] else 20)
    assert encoder.config.layer_widths() == [layer.shape[-1] for layer in layers]


def test_vectors_between_layers_are_read_by_the_next_one():
    """A first layer knows nothing of them, and the second one would give other states without them."""
    encoder = stacked([WORDS, {**WIDER, "at": [1]}], top={**TOP, "num_layers": 2})
    batch = small_models.features()
    before = encoder(batch, all_layers=True)["all_layers"]
    encoder.parts[1].word_embeddings.assign(encoder.parts[1].word_embeddings + 1.0)
    after = encoder(batch, all_layers=True)["all_layers"]
    np.testing.assert_array_equal(before[1], after[1])
    assert np.max(np.abs(before[2] - after[2])) > 1e-3


def test_each_place_has_a_mix_of_its_own():
    encoder = stacked([WORDS, {**BERT, "at": [0, -1], "frozen": True}], mix="scalar_mix", top=TOP)
    found = encoder.layer_mixes()
    assert [(mix.part, mix.at, len(mix.shares)) for mix in found] == [("bert", "input", 4), ("bert", "output", 4)]
    for name, mix in zip(("mix_1", "mix_1_above_1"), found, strict=True):
        scalars = encoder.named_weights()[f"stacked/{name}/scalars"].numpy()
        np.testing.assert_allclose(mix.shares, np.exp(scalars) / np.exp(scalars).sum(), atol=1e-6)
        assert mix.gamma == encoder.named_weights()[f"stacked/{name}/gamma"].numpy()
    trained = AdamW(encoder.named_weights(), None).weights
    assert {"stacked/mix_1/scalars", "stacked/mix_1_above_1/gamma"} < set(trained)


def test_what_a_part_leaves_out_lies_beside_its_weights(saved, tmp_path):
    parts = [{"weights": str(saved / "glove")}, {"weights": str(saved / "bert"), "prefix": "bert_", "frozen": True}]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "stacked", "parts": parts}))
    config = open_model(bert_config_file=str(path), vocab_required=False).config
    assert config.members[0].config == StaticVectorsConfig(60, 6)
    assert config.members[1].config == small_models.config() and config.members[1].frozen
    parts[0] |= {"dropout": 0.5}
    path.write_text(json.dumps({"model_type": "stacked", "parts": parts}))
    config = open_model(bert_config_file=str(path), vocab_required=False).config
    assert config.members[0].config == StaticVectorsConfig(60, 6, dropout=0.5)


PLACES = {
    "beyond": ({**WIDER, "at": [2]}, r"parts\[1\]: at is \[2\]; .* to 1, its last layer"),
    "no number": ({**WIDER, "at": ["top"]}, r"parts\[1\]: at is \[.*a list of numbers"),
    "no list": ({**WIDER, "at": 0}, r"parts\[1\]: at is 0, a list of numbers is needed"),
    "prefix": ({**WIDER, "prefix": "a/b"}, r'parts\[1\]: prefix is "a/b"'),
    "vocabulary": (
        {**WIDER, "vocab_file": "x"},
        r"parts\[1\]: vocab_file is x; a vocabulary of its own needs a prefix",
    ),
}


@pytest.mark.parametrize("kind", PLACES)
def test_a_place_that_cannot_be_is_one_line(kind):
    part, message = PLACES[kind]
    with pytest.raises(InputError, match=message):
        StackedConfig.from_dict({"parts": [WORDS, part], "top": TOP})


def test_shared_tokens_are_needed_below_the_top():
    with pytest.raises(InputError, match="each part has a prefix"):
        stacked([{**WORDS, "prefix": "a_"}])
    with pytest.raises(InputError, match="two parts have the prefix 'a_'"):
        stacked([WORDS, {**WORDS, "prefix": "a_"}, {**WIDER, "prefix": "a_"}])
    with pytest.raises(InputError, match="no part comes in below the top"):
        stacked([{**WORDS, "at": [1]}], top=TOP)
