"""Whose head lies in a folder, by what objectives say of themselves."""

import json

import numpy as np
import pytest
import small_models

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.configuration.head_fields import check_head
from bertline.training.folder import run_folder
from bertline.training.steps import train
from bertline.weights import heads
from bertline.weights.load_save import open_weights, save_huggingface
from bertline.weights.open_model import open_model

CLASSIFIER = {"output_weights", "output_bias"}


@pytest.mark.parametrize(
    "config, names, owner",
    [
        ({"architectures": ["BertForSequenceClassification"]}, (), "sequence_classification"),
        ({"architectures": ["BertForMaskedLM"]}, CLASSIFIER, "masked_lm"),
        ({"architectures": ["BertModel"]}, {*CLASSIFIER, "pooled_output"}, "sequence_classification"),
        ({"architectures": ["BertForTokenClassification"]}, {*CLASSIFIER, "pooled_output"}, "token_classification"),
        ({"architectures": ["BertForMultipleChoice"]}, {*CLASSIFIER, "pooled_output"}, None),
        ({}, {*CLASSIFIER, "pooled_output"}, "sequence_classification"),
        ({}, CLASSIFIER, "token_classification"),  # without a pooler it is one of tokens
        ({}, {"cls/seq_relationship/output_weights"}, "masked_lm"),
        ({"objective": {"name": "causal_lm"}, "architectures": ["BertForMaskedLM"]}, (), "causal_lm"),
        ({}, (), None),
    ],
)
def test_the_owner(config, names, owner):
    assert heads.owner(config, names) == owner


def test_classes_of_transformers():
    """The names that a class keeps its head under are those that its own state has."""
    transformers = pytest.importorskip("transformers", reason="make peers")
    sizes = dict(vocab_size=9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4)
    config = transformers.BertConfig(**sizes)
    for name, ends in registry.literals("objective", "architectures").items():
        own = registry.get("objective", name).huggingface_heads
        for end, needed in ends.items():
            state = getattr(transformers, f"Bert{end}")(config).state_dict()
            wanted = {own[one][0] for one in needed if one != "pooled_output"}
            assert wanted <= state.keys() and ("bert.pooler.dense.weight" in state or "pooled_output" not in needed)


def test_a_classifier_over_an_encoder_that_transformers_lacks(tmp_path):
    encoder_class = registry.get("encoder", "static_vectors")
    encoder = encoder_class(encoder_class.small())
    objective = registry.get("objective", "sequence_classification")(encoder, 3)
    objective.named_weights()["output_bias"].assign([1.0, 2.0, 3.0])
    save_huggingface(objective, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [
        "StaticVectorsForSequenceClassification"
    ]
    again = encoder_class(encoder_class.small())
    again.build()
    found, labels = open_model(tmp_path, vocab_required=False).read_head(again)
    np.testing.assert_array_equal(found.named_weights()["output_bias"], [1.0, 2.0, 3.0])
    assert labels.names == ["LABEL_0", "LABEL_1", "LABEL_2"]


@pytest.mark.parametrize(
    "name, options",
    [
        ("token_classification", {"num_labels": 3}),
        ("token_classification", {"num_labels": 3, "crf": True}),
        ("span_extraction", {}),
        ("sequence_classification", {"num_labels": 1, "problem_type": "regression"}),
    ],
)
def test_what_was_saved_is_what_is_read(tmp_path, name, options):
    objective = registry.get("objective", name)(small_models.encoder(), **options)
    draw = np.random.default_rng(1)
    for variable in objective.variables:
        variable.assign(draw.normal(size=variable.shape))
    train.save_model(objective, tmp_path, None, 16, step=3, extra_config={"problem_type": objective.problem_type})
    opened = open_model(tmp_path, vocab_required=False)
    encoder = small_models.encoder()
    opened.load_into(encoder)
    found, labels = opened.read_head(encoder)
    assert type(found) is type(objective) and labels.problem_type == objective.problem_type
    expected = objective.named_weights()
    assert found.named_weights().keys() == expected.keys()
    for weight, variable in found.named_weights().items():
        np.testing.assert_array_equal(variable, expected[weight], err_msg=weight)


@pytest.mark.parametrize("own", ["losses", "call", "predictions"])
def test_what_a_folder_does_not_keep_of_a_derived_objective_is_said(tmp_path, caplog, own):
    """A loss is of no matter there; other outputs or predictions are lost where the base is opened."""
    base = registry.get("objective", "sequence_classification")
    derived = type("Derived", (base,), {own: lambda self, *given, **named: getattr(base, own)(self, *given, **named)})
    train.save_model(derived(small_models.encoder(), 3), tmp_path, None, 16, step=3)
    told = [one.getMessage() for one in caplog.records if "model/ is opened as sequence_classification" in one.message]
    assert len(told) == (own != "losses") and all(f"without the {own} of" in line for line in told)


def test_an_objective_without_a_class_of_transformers_says_what_it_is(tmp_path):
    encoder = small_models.encoder()
    objective = registry.get("objective", "similarity_regression")(encoder, pooling="cls", score_range=(1.0, 5.0))
    train.save_model(objective, tmp_path, None, 16, step=3)
    config = open_weights(run_folder.model_folder(tmp_path)).config
    assert config["objective"] == {
        "name": "similarity_regression",
        "options": {"pooling": "cls", "score_range": [1.0, 5.0]},
    }
    again = registry.get("objective", heads.owner(config)).from_saved(encoder, config, {})
    assert (again.sentence_pooling, again.score_range) == ("cls", (1.0, 5.0))


@pytest.mark.parametrize(
    "said, message",
    [
        ("masked_lm", 'objective is "masked_lm", an object with a name'),
        ({"name": "brt"}, "objective is 'brt', one of"),
        ({"name": "causal_lm", "options": {"pooling": 1}}, "allowed are: none"),
        ({"name": "similarity_regression", "options": []}, "allowed are: pooling, score_range"),
    ],
)
def test_what_cannot_be(said, message):
    with pytest.raises(InputError, match=message):
        check_head({"objective": said})


@pytest.mark.parametrize("name", ["another_loss", "zero_loss"])  # before and after the base's name
def test_an_objective_that_derives_from_another_has_its_head(name, monkeypatch):
    """A changed loss leaves the head as it is: each reads the other's folder, and without a word it is the base's."""
    base = registry.get("objective", "sequence_classification")
    monkeypatch.setitem(registry._registered["objective"], name, type("Derived", (base,), {}))
    config = {"architectures": ["BertForSequenceClassification"]}
    assert heads.owner(config) == heads.owner({}, {*CLASSIFIER, "pooled_output"}) == "sequence_classification"
    assert not heads.is_of_another(config, name) and not heads.is_of_another(config, "sequence_classification")
    assert heads.is_of_another(config, "token_classification")
    assert heads.owner_of_weight("output_weights") in ("sequence_classification", "token_classification")
    assert heads.owner_of_labels("regression") == "sequence_classification"
