"""BERT's configuration: each entry that transformers or the original writes is used, harmless or refused."""

import dataclasses
import json
import logging

import numpy as np
import pytest
import small_models
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.configuration import config_fields
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.modeling.layers.dense import ACTIVATIONS, SYNONYMS

SMALL = {**small_models.SIZES, "model_type": "bert"}
FIELDS = {field.name for field in dataclasses.fields(BertConfig)}


def read(**changes):
    return BertConfig.from_dict({**SMALL, **changes})


# Each entry has one meaning.


def test_every_entry_of_transformers_has_a_meaning(caplog):
    """A new version of the library that writes a new entry fails here: decide what it means."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    written = transformers.BertConfig().to_dict()
    generation = transformers.GenerationConfig._get_default_generation_params()
    known = {name for name in (*written, *generation) if config_fields.is_known(name) or name in FIELDS}
    assert known == {*written, *generation}
    BertConfig.from_dict(written)
    assert caplog.text == ""


def test_no_entry_has_two_meanings():
    tables = [FIELDS, set(config_fields.ONLY), set(config_fields.OF_HEADS), set(config_fields.NO_EFFECT)]
    assert len(set().union(*tables)) == sum(map(len, tables))


# entry -> a value that transformers' own classes, older ones or other people's, compute something else by.
OTHERS = {
    "is_decoder": True,
    "add_cross_attention": True,
    "is_encoder_decoder": True,
    "position_embedding_type": "relative_key_query",
    "pruned_heads": {"1": [0, 2]},
    "per_layer_config": {"0": {"intermediate_size": 8}},
    "quantization_config": {"load_in_8bit": True},
    "auto_map": {"AutoModel": "modeling_own.OwnModel"},
    "directionality": "unidi",
    "pooler_type": "mean",
}


@pytest.mark.parametrize("name", config_fields.ONLY)
def test_another_model_is_refused(name):
    with pytest.raises(InputError, match=f"^{name} is .*: .*, which is not built here; .* by --bert_config_file$"):
        read(**{name: OTHERS[name]})
    for allowed in config_fields.ONLY[name][0]:
        read(**{name: allowed})


def test_a_number_is_no_truth_value():
    with pytest.raises(InputError, match="is_decoder is 0"):
        read(is_decoder=0)


def test_words_of_another_width_are_refused():
    with pytest.raises(InputError, match="embedding_size is 8, hidden_size 16"):
        read(embedding_size=8)
    read(embedding_size=16)


@pytest.mark.parametrize("name", [*config_fields.NO_EFFECT, *config_fields.OF_HEADS])
def test_what_has_no_effect_is_passed_over_in_silence(name, caplog):
    if name not in ("model_type", "embedding_size"):
        assert read(**{name: "anything"}) == read()
    assert caplog.text == ""


def test_what_nobody_knows_is_said_once(caplog, monkeypatch):
    monkeypatch.setattr(config_fields, "_said", set())
    for _ in range(2):
        read(sliding_window=5, alibi_slopes=1)
    assert [record.message for record in caplog.records] == [
        "configuration: alibi_slopes, sliding_window are not known here and not read; does the model compute anything "
        "by them?"
    ]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_released_file_of_the_original(caplog):
    """The multilingual and Chinese models' bert_config.json, written down again."""
    values = {
        "attention_probs_dropout_prob": 0.1,
        "directionality": "bidi",
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": 768,
        "initializer_range": 0.02,
        "intermediate_size": 3072,
        "max_position_embeddings": 512,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "pooler_fc_size": 768,
        "pooler_num_attention_heads": 12,
        "pooler_num_fc_layers": 3,
        "pooler_size_per_head": 128,
        "pooler_type": "first_token_transform",
        "type_vocab_size": 2,
        "vocab_size": 21128,
    }
    config = BertConfig.from_dict(values)
    assert caplog.text == "" and config.hidden_act == "gelu_new"
    # Of BERT-base with 30,522 words the paper says 110 million; its released weights have 109,482,240.
    assert BertConfig(vocab_size=30522, type_vocab_size=2).num_parameters() == 109_482_240


@pytest.mark.parametrize("sizes", [SMALL, {**SMALL, "intermediate_size": 40, "type_vocab_size": 5}])
def test_number_of_parameters(sizes):
    encoder = small_models.encoder(**{name: sizes[name] for name in small_models.SIZES})
    assert encoder.config.num_parameters() == encoder.count_params()


# Values.


@pytest.mark.parametrize(
    "written, meant",
    [
        ("", "linear"),
        (None, "linear"),
        ("linear", "linear"),
        ("Linear", "linear"),
        ("RELU", "relu"),
        ("Tanh", "tanh"),
        ("GELU", "gelu_new"),
        ("gelu", "gelu_new"),
        ("Gelu_New", "gelu_new"),
        ("gelu_python", "gelu"),
    ],
)
def test_activation_as_the_original_reads_it(written, meant):
    """google-research/bert, get_activation: any case; "", None and "linear" are the identity; its gelu is by tanh."""
    original = {name: value for name, value in SMALL.items() if name != "model_type"}
    assert BertConfig.from_dict({**original, "hidden_act": written}).hidden_act == meant
    assert read(hidden_act=written).hidden_act == ("gelu" if str(written).lower() == "gelu" else meant)


def test_the_originals_default_is_its_own_gelu():
    original = {name: value for name, value in SMALL.items() if name != "model_type"}
    assert BertConfig.from_dict(original).hidden_act == "gelu_new" and read().hidden_act == "gelu"


@pytest.mark.parametrize("name", [*SYNONYMS, *ACTIVATIONS])
def test_activations_are_those_of_transformers(name):
    activations = pytest.importorskip("transformers.activations", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    if not name:
        pytest.skip("the original's alone")
    x = np.linspace(-6, 6, 1001, dtype=np.float32)
    expected = activations.ACT2FN[name](torch.tensor(x)).numpy()
    found = ACTIVATIONS[read(hidden_act=name).hidden_act](tf.constant(x))
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0; a number above 0 is needed"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"type_vocab_size": 0}, "type_vocab_size is 0"),
        ({"max_position_embeddings": 0}, "max_position_embeddings is 0"),
        ({"hidden_dropout_prob": 1}, "hidden_dropout_prob is 1.0; a probability"),
        ({"attention_probs_dropout_prob": -0.1}, "attention_probs_dropout_prob is -0.1; a probability"),
        ({"attention_probs_dropout_prob": float("nan")}, "attention_probs_dropout_prob is nan; a probability"),
        ({"classifier_dropout": 1.5}, "classifier_dropout is 1.5; a probability"),
        ({"classifier_dropout": "0.1"}, "'classifier_dropout' is \"0.1\", float or null is needed"),
        ({"initializer_range": float("inf")}, "initializer_range is inf"),
        ({"initializer_range": 10**400}, "initializer_range is inf"),
        ({"layer_norm_eps": 0}, "layer_norm_eps is 0.0"),
        ({"hidden_act": 3}, "'hidden_act' is 3, str is needed"),
        ({"hidden_act": "gelo"}, "'gelo' is unknown; known: gelu"),
        ({"hidden_size": 18}, "18 is not a multiple of num_attention_heads 4"),
        ({"hidden_size": None}, "'hidden_size' is null, int is needed"),
        ({"vocab_size": 10**30}, r"a model of 16,0+,0\S+ parameters, .* GiB in float32; this machine has .* right"),
        ({"num_hidden_layers": 10**6}, "a model of .* num_hidden_layers 1,000,000"),
    ],
)
def test_a_value_that_cannot_be(changes, message):
    with pytest.raises(InputError, match=message) as error:
        read(**changes)
    assert "\n" not in str(error.value) and len(str(error.value)) < 700


def test_what_is_written_is_read_again(tmp_path):
    config = read(hidden_act=None, classifier_dropout=0.25, hidden_dropout_prob=0)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    assert BertConfig.from_json_file(tmp_path / "config.json") == config
    assert config.hidden_act == "linear" and config.classifier_dropout == 0.25


@pytest.mark.parametrize(
    "content, message",
    [
        (
            b'{"vocab_size": 5, "note": "caf\xe9"}',
            "config.json: not JSON: byte 0xe9 at offset 30 is not UTF-8; copy the file again, or save",
        ),
        (b'{"vocab_size": 5,}', "config.json:1: not JSON"),
        (b"[" * 100_000, "config.json: lists or objects are nested too deeply"),
        (b"[1]", "config.json: a JSON object is needed"),
        (b'{"vocab_size": ' + b"9" * 5000 + b"}", "config.json: not JSON that can be read"),
        (b'{"vocab_size": NaN}', "config.json: configuration field 'vocab_size' is NaN, int is needed"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path, content, message):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        BertConfig.from_json_file(tmp_path / "config.json")
