"""Folders as other programs leave them: what they are is said, what can be read of them is read."""

import functools
import json
import logging
import os
import pathlib

import numpy as np
import pytest
import small_models
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from bertline import registry
from bertline.errors import InputError
from bertline.weights.conversion import read_model
from bertline.weights.load_save import load_weights, open_weights, save_huggingface, save_tf1
from bertline.weights.open_model import open_model

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def encoder():
    return small_models.encoder()


@pytest.fixture
def folder(encoder, tmp_path):
    """A Hugging Face folder of the encoder."""
    save_huggingface(encoder, tmp_path / "m")
    return tmp_path / "m"


def arrays(model):
    return {name: variable.numpy() for name, variable in model.named_weights().items()}


@functools.cache
def empty():
    """An encoder to be filled; building one takes longer than all else here."""
    return small_models.encoder()


def assert_loads(source, encoder):
    """The source has the weights of the encoder; returns the LoadReport."""
    loaded = empty()
    for variable in loaded.variables:
        variable.assign(tf.zeros_like(variable))
    report = load_weights(loaded, source)
    for name, value in arrays(loaded).items():
        np.testing.assert_array_equal(value, arrays(encoder)[name])
    return report


def refused(source, *words):
    with pytest.raises(InputError) as error:
        open_weights(source)
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def renamed(folder, rename):
    """Gives every tensor of a folder another name."""
    tensors = load_file(folder / WEIGHTS)
    save_file({rename(name): value for name, value in tensors.items()}, folder / WEIGHTS)


# Files of other formats.

OTHERS = {
    "tf_model.h5": ("TensorFlow weights of transformers", "from_tf=True", "save_pretrained"),
    "tf_model.h5.index.json": ("TensorFlow weights of transformers", "from_tf=True"),
    "model.weights.h5": ("weights of a Keras program",),
    "bert.keras": ("weights of a Keras program",),
    "flax_model.msgpack": ("Flax weights", "from_flax=True"),
    "bert-q4_0.gguf": ("llama.cpp", "model.safetensors"),
    "ggml-model-q4_0.bin": ("llama.cpp",),
    "model.onnx": ("ONNX Runtime", "model.safetensors"),
    "openvino_model.bin": ("OpenVINO", "model.safetensors"),
    "openvino_model.xml": ("OpenVINO",),
    "model.tflite": ("TensorFlow Lite",),
    "rust_model.ot": ("rust-bert",),
    "pytorch_model.bin": ("pickle", "safe_serialization=True"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_another_format_is_named_and_said_what_to_do_with(tmp_path, name):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_bytes(b"....")
    refused(tmp_path, f"{tmp_path}/{name}: ", *OTHERS[name])
    refused(tmp_path / name, f"{tmp_path}/{name}: ", *OTHERS[name])


def test_weights_of_elmo_without_their_options(tmp_path):
    (tmp_path / "elmo_2x1024_weights.hdf5").write_bytes(b"....")
    refused(tmp_path, f"{tmp_path}/elmo_2x1024_weights.hdf5: ", "without their options.json", "copy that file here")


def test_what_lies_beside_a_pickle_says_more_than_it(tmp_path):
    for name in ("pytorch_model.bin", "tf_model.h5"):
        (tmp_path / name).write_bytes(b"....")
    refused(tmp_path, "tf_model.h5", "from_tf=True")


@pytest.mark.parametrize("start, word", [(b"\x89HDF\r\n", "Keras"), (b"GGUF\3\0", "llama.cpp")])
def test_a_format_is_known_by_its_first_bytes(tmp_path, start, word):
    (tmp_path / "weights").write_bytes(start)
    refused(tmp_path / "weights", f"{tmp_path}/weights: ", word)


# Adapters.


def adapter(folder):
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "bert-base-uncased"}')


def test_an_adapter_is_no_model(tmp_path):
    adapter(tmp_path)
    name = "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight"
    save_file({name: np.zeros([2, 8], np.float32)}, tmp_path / "adapter_model.safetensors")
    refused(
        tmp_path,
        'an adapter (adapter_config.json: "LORA" for "bert-base-uncased"), not a model',
        "merge_and_unload",
        "save_pretrained",
    )
    refused(tmp_path / "adapter_model.safetensors", "an adapter's weights", "merge_and_unload")
    os.remove(tmp_path / "adapter_config.json")
    refused(tmp_path, "an adapter's weights")


def test_an_adapter_beside_weights(folder):
    adapter(folder)
    refused(folder, "beside weights", "copy of the folder without adapter_config.json", "merge_and_unload")


def test_an_adapter_around_the_weights(folder):
    """As peft saves the whole of its model."""
    tensors = load_file(folder / WEIGHTS)
    tensors["encoder.layer.0.attention.self.query.lora_A.default.weight"] = np.zeros([2, 16], np.float32)
    save_file(tensors, folder / WEIGHTS)
    refused(folder, "an adapter's weights")


# Models that were saved inside another object.

WRAPPERS = ("module.", "model.", "_orig_mod.", "encoder.", "auto_model.", "0.auto_model.", "module.bert.", "x.y.bert.")


@pytest.mark.slow
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_is_taken_off_and_said(encoder, folder, wrapper):
    renamed(folder, lambda name: wrapper + name.removeprefix("bert."))
    report = assert_loads(str(folder), encoder)
    said = wrapper.removesuffix("bert.")
    assert report.unused == [] and f"without the {said!r} before their names" in report.table()


@pytest.mark.parametrize("head", ["module.classifier", "classifier"])
def test_a_head_inside_the_wrapper_and_beside_it(tmp_path, head):
    objective = small_models.objective("sequence_classification")
    save_huggingface(objective, tmp_path)
    renamed(tmp_path, lambda name: name.replace("classifier", head) if "classifier" in name else f"module.{name}")
    loaded = small_models.objective("sequence_classification", initializer_range=0.5)
    report = load_weights(loaded, str(tmp_path))
    assert not report.missing and not report.unused
    for name, value in arrays(objective).items():
        np.testing.assert_array_equal(arrays(loaded)[name], value)


def test_a_classifier_inside_a_wrapper(tmp_path):
    """Without the name of the base model: encoder and head have the same before their names."""
    objective = small_models.objective("sequence_classification")
    save_huggingface(objective, tmp_path)
    renamed(tmp_path, lambda name: f"module.{name.removeprefix('bert.')}")
    found, labels = open_model(tmp_path, vocab_required=False).read_head(small_models.encoder())
    np.testing.assert_array_equal(arrays(found)["output_weights"], arrays(objective)["output_weights"])
    assert labels.names == ["LABEL_0", "LABEL_1", "LABEL_2"]


def test_a_plain_model_has_no_wrapper(encoder, folder):
    assert "before their names" not in assert_loads(str(folder), encoder).table()


def test_a_scope_around_the_original(encoder, tmp_path):
    values = arrays(encoder)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        values = [tf.compat.v1.get_variable(f"tower/{name}", initializer=v) for name, v in values.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(values).save(session, str(tmp_path / "model.ckpt"), write_meta_graph=False)
    assert "'tower/'" in assert_loads(str(tmp_path / "model.ckpt"), encoder).table()


def test_two_models_in_one_file(folder):
    tensors = load_file(folder / WEIGHTS)
    save_file({prefix + name: v for prefix in ("query.", "document.") for name, v in tensors.items()}, folder / WEIGHTS)
    with pytest.raises(InputError, match="2 models in it, under document., query.; save the one"):
        load_weights(empty(), str(folder))


def test_a_model_and_its_teacher(encoder, folder):
    tensors = load_file(folder / WEIGHTS)
    save_file(tensors | {f"teacher.{name}": value + 1 for name, value in tensors.items()}, folder / WEIGHTS)
    assert len(assert_loads(str(folder), encoder).unused) == len(tensors)


# Places.


def test_a_wrong_prefix_names_the_checkpoints_that_are_there(encoder, tmp_path):
    for name in ("bert_model.ckpt", "model.ckpt-20", "model.ckpt-343"):
        save_tf1(encoder, str(tmp_path / name))
    message = refused(
        tmp_path / "model.ckpt-34", "no such file or folder", f"{tmp_path} has the checkpoints model.ckpt-343"
    )
    assert "bert_model.ckpt" in message and "model.ckpt-20" in message
    refused(tmp_path / "bert_config.json", "unknown format", "model.ckpt-20")


@pytest.mark.parametrize("place", ["0_Transformer", ""])
def test_the_encoder_of_sentence_transformers(encoder, folder, place):
    where = folder.parent / "s"
    folder.rename(where / place if where.mkdir() or place else folder.parent / "t")
    where = where if place else folder.parent / "t"
    modules = [{"idx": 0, "name": "0", "path": place, "type": "sentence_transformers.models.Transformer"}]
    (where / "modules.json").write_text(json.dumps(modules))
    source = open_weights(where)
    assert source.path.rstrip("/") == str(where / place).rstrip("/") and source.config["model_type"] == "bert"
    assert_loads(str(where), encoder)


@pytest.mark.parametrize(
    "content, message",
    [
        ("{}", "modules.json: a JSON list is needed"),
        ("[1]", "a module is an object with a type and a path, found 1"),
        ('[{"type": 5}]', "a module is an object"),
        ('[{"type": "a.Transformer", "path": null}]', "a module is an object"),
        ('[{"type": "a.Transformer", "path": "gone"}]', "gone: no such folder, but modules.json names it"),
    ],
)
def test_modules_that_are_none(folder, content, message):
    (folder / "modules.json").write_text(content)
    refused(folder, message)


def test_a_folder_that_holds_the_folder(folder):
    refused(folder.parent, "no weights in this folder", f"{folder} has some; give that folder")


# Shards and configurations.


@pytest.mark.parametrize(
    "index, words",
    [
        ({}, "weight_map is needed"),
        ({"weight_map": ["a"]}, "weight_map is needed"),
        ({"weight_map": {"a": 1}}, "weight_map is needed"),
        ({"weight_map": {"a": ""}}, "weight_map is needed"),
        ({"weight_map": {"a": "gone.safetensors"}}, "gone.safetensors: no such file, but"),
        ({"weight_map": {"a": "one.safetensors"}}, "one.safetensors: has no tensor a, but"),
        ([1], "a JSON object is needed"),
    ],
)
def test_an_index_that_is_none(folder, index, words):
    (folder / WEIGHTS).rename(folder / "one.safetensors")
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    refused(folder, words)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"architectures": "BertModel"}, 'config.json: architectures is "BertModel", a list of names is needed'),
        ({"architectures": [1]}, "architectures is [1]"),
        ({"model_type": ["bert"]}, 'model_type is ["bert"], str is needed'),
        ({"global_step": "7"}, 'global_step is "7", int is needed'),
        ({"id2label": ["a"]}, 'id2label is ["a"], an object'),
        ({"id2label": {"x": "a"}}, 'id2label has {"x": "a"}, a number and a name'),
        ({"id2label": {"0": None}}, "a number and a name"),
        ({"id2label": {"1": "a"}}, "id2label has the ids [1]; 0 to 0"),
        ({"id2label": {"0": "a", "00": "b"}}, "id2label has the ids [0]; 0 to 1"),
        ({"label2id": {"a": [1]}}, "label2id is an object, an object of names and ids"),
        ({"problem_type": "sorting"}, 'problem_type is "sorting", one of ranking, single_label_classification'),
    ],
)
def test_a_configuration_of_odd_types(folder, changes, words):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    refused(folder, words)


def test_a_configuration_of_nothing(folder):
    config = json.loads((folder / "config.json").read_text())
    nothing = dict.fromkeys(("architectures", "id2label", "label2id", "problem_type", "global_step"))
    (folder / "config.json").write_text(json.dumps(config | nothing))
    assert "global_step" not in open_weights(folder).config


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_packed_weights(folder, kind):
    tensors = load_file(folder / WEIGHTS)
    name = next(name for name in tensors if "query" in name)
    save_file(tensors | {name: np.zeros([4, 4], kind)}, folder / WEIGHTS)
    refused(folder, f"tensor {name} is of", "packed into fewer bits", "without quantization")


def test_whole_numbers_beside_the_weights(encoder, folder):
    tensors = load_file(folder / WEIGHTS)
    save_file(tensors | {"bert.embeddings.position_ids": np.arange(24)[None]}, folder / WEIGHTS)
    assert assert_loads(str(folder), encoder).optimizer == 1


# What is not read.


def more(folder, **tensors):
    """Adds tensors of one number each, by their names with __ for dots."""
    one = np.zeros([1], np.float32)
    save_file(load_file(folder / WEIGHTS) | {name.replace("__", "."): one for name in tensors}, folder / WEIGHTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, words, matters",
    [
        ("bert.encoder.layer.3.output.dense.bias", "layers beyond the 3 that the configuration says", True),
        ("bert.encoder.layer.0.crossattention.self.query.bias", "attention to another encoder's states", True),
        ("bert.encoder.layer.0.attention.self.distance_embedding.weight", "relative positions", True),
        ("bert.encoder.layer.1.output.adapters.a.adapter_down.0.bias", "an adapter", True),
        ("projection.weight", "of a part that is not known here", True),
        ("cls.predictions.transform.dense.bias", "the head of pre-training", False),
        ("cls.seq_relationship.bias", "the head of pre-training", False),
        ("classifier.bias", "the head of a fine-tuned task", False),
        ("qa_outputs.bias", "the head of a fine-tuned task", False),
        ("cls.predictions.decoder.bias", "output embeddings of a masked LM", False),
    ],
)
def test_weights_that_are_not_read_mean_something(encoder, folder, caplog, name, words, matters):
    more(folder, **{name.replace(".", "__"): None})
    report = assert_loads(str(folder), encoder)
    assert report.unused and words in report.table()
    with caplog.at_level(logging.WARNING):
        report.warn()
    assert (words in caplog.text and name in caplog.text) == matters and bool(caplog.text) == matters


# A masked LM with output embeddings of its own.


@pytest.mark.parametrize("tied", [True, False])
def test_output_embeddings(tmp_path, tied):
    transformers = pytest.importorskip("transformers", reason="make peers")
    pytest.importorskip("torch", reason="make peers")
    model = transformers.BertForMaskedLM(transformers.BertConfig(**small_models.SIZES, tie_word_embeddings=tied))
    model.save_pretrained(tmp_path)
    objective = small_models.objective("masked_lm", num_hidden_layers=3)
    names = {"required": lambda name: False}
    encoder = empty()
    load_weights(encoder, str(tmp_path), allow_missing=".*pooler.*")  # of no concern to the encoder
    if tied:
        load_weights(objective, str(tmp_path), **names)
        read_model(encoder, open_weights(tmp_path))
        return
    for read in (
        lambda: load_weights(objective, str(tmp_path), **names),
        lambda: read_model(encoder, open_weights(tmp_path)),
    ):
        with pytest.raises(
            InputError, match="cls.predictions.decoder.weight is not .*word_embeddings .tie_word_embeddings"
        ):
            read()
    # The same numbers in both places are what is built here.
    tensors = load_file(tmp_path / WEIGHTS)
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"]
    save_file(tensors, tmp_path / WEIGHTS)
    load_weights(objective, str(tmp_path), **names)


def test_the_cases_of_the_issue(request):
    cases = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cases"
    if not cases.is_dir():
        pytest.skip("../shared/cases is not here")
    refused(
        cases / "lora_folder" / "model", "adapter_config.json", "not a model", "merge_and_unload", "save_pretrained"
    )
    refused(cases / "tf_model_h5" / "model", "tf_model.h5", "from_tf=True", "save_pretrained")
    source = cases / "safetensors-float-shape" / "model"
    refused(source, "shape is", "a list of whole numbers")
    config = open_weights(cases / "causal_decoder" / "model").config
    with pytest.raises(InputError, match="is_decoder is true: a decoder.* causal mask"):
        registry.get("encoder", "bert").config_class.from_dict(config)
