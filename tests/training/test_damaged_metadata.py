"""Metadata of model folders in which anything may stand: one line that names the file, never a traceback."""

import json

import numpy as np
import pytest
import small_models
from safetensors.numpy import save_file

from bertline import registry
from bertline.errors import InputError
from bertline.serving.sentence_transformers.sentence_transformers_folder import read_sentence_folder
from bertline.weights.conversion import read_config
from bertline.weights.load_save import open_weights
from bertline.weights.saved_head import read_saved_head

ODD = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\u0000",
    [],
    [1],
    ["x"],
    [[]],
    {},
    {"x": 1},
    {"0": "x"},
]
FILES = {
    "config.json": {
        **small_models.SIZES,
        "architectures": ["BertForSequenceClassification"],
        "id2label": {"0": "a", "1": "b"},
        "label2id": {"a": 0, "b": 1},
        "problem_type": "single_label_classification",
        "global_step": 7,
        "is_decoder": False,
        "pruned_heads": {},
        "position_embedding_type": "absolute",
        "sentence_transformers": {},
    },
    "model.safetensors.index.json": {"metadata": {"total_size": 4}, "weight_map": {"a": "one.safetensors"}},
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ],
    "sentence_bert_config.json": {
        "max_seq_length": None,
        "do_lower_case": False,
        "transformer_task": "feature-extraction",
    },
    "1_Pooling/config.json": {"pooling_mode": "mean", "include_prompt": True, "word_embedding_dimension": 16},
    "config_sentence_transformers.json": {"prompts": {"a": "b"}, "default_prompt_name": "a", "truncate_dim": 3},
    "tokenizer_config.json": {"model_max_length": 20},
    "adapter_config.json": {"peft_type": "LORA", "base_model_name_or_path": "x"},
}


def places(value, path=()):
    """Paths to every value in some JSON, that of the whole included."""
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def replaced(value, path, new):
    """The same JSON with another value in one place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def read_all(folder):
    """All that reads such files before a model is built."""
    read_config(registry.get("encoder", "bert"), open_weights(folder))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "1_Pooling").mkdir()
    save_file({"a": np.zeros(1, np.float32)}, tmp_path / "one.safetensors")
    for name, values in FILES.items():
        if name != "adapter_config.json":
            (tmp_path / name).write_text(json.dumps(values))
    return tmp_path


def readers(folder):
    return (lambda: read_all(folder), lambda: read_saved_head(folder), lambda: read_sentence_folder(folder))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_any_value_in_any_place(folder, name, caplog):
    """Every place of every file, with every odd value; what is not refused is what the readers do not need."""
    whole, refused = FILES[name], 0
    for path in places(whole):
        for value in ODD:
            (folder / name).write_text(json.dumps(replaced(whole, path, value)))
            for read in readers(folder):
                try:
                    read()
                except InputError as error:
                    refused += 1
                    assert str(folder) in str(error) and "\n" not in str(error) and len(str(error)) < 1000
    assert refused > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_bytes_that_are_changed(folder, name):
    """200 times a byte, by a fixed seed."""
    draw, raw = np.random.default_rng(1), json.dumps(FILES[name]).encode()
    for _ in range(200):
        at = int(draw.integers(len(raw)))
        (folder / name).write_bytes(raw[:at] + bytes([int(draw.integers(256))]) + raw[at + int(draw.integers(2)) :])
        for read in readers(folder):
            try:
                read()
            except InputError as error:
                assert "\n" not in str(error)
