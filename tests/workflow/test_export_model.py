"""export_model.py: the SavedModel in a process that has TensorFlow and tensorflow-text only, against Predictor."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import small_pieces
from odd_texts import ODD, mixed_texts
from small_classifiers import classifier_folder

from bertline.errors import InputError
from bertline.processors.tokenizers.sentencepiece import SentencePieceTokenizer
from bertline.serving import Predictor
from bertline.settings.scripts import export_model
from bertline.weights.load_save import save_huggingface

TEXTS = [*ODD, *mixed_texts(150)]
PAIRS = list(zip(TEXTS, reversed(TEXTS)))
# No module of the project, Keras models or Hub can be imported there, and no folder of the project is on the path.
CLEAN = """
import importlib.abc, json, sys

class Refused(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {refused!r}:
            raise ImportError("not here: " + name)

sys.meta_path.insert(0, Refused())
assert not any({root!r} == path.rstrip("/") or path == "" for path in sys.path), sys.path
import numpy as np, tensorflow as tf, tensorflow_text

def run(folder, texts, pairs, results_file):
    module = tf.saved_model.load(folder)
    columns = [tf.constant(column) for column in zip(*pairs)]
    serve, together = module.signatures["serving_default"], module.signatures["pairs"]
    results = {{"text": module(tf.constant(texts)), "pair": module(*columns)}}
    for name, value in serve(text=tf.constant(texts)).items():
        np.testing.assert_array_equal(value, results["text"][name])
    for name, value in together(text_a=columns[0], text_b=columns[1]).items():
        np.testing.assert_array_equal(value, results["pair"][name])
    assert not any(len(value) for value in module(tf.constant([], tf.string)).values())
    flat = {{f"{{kind}}_{{name}}": v.numpy() for kind, found in results.items() for name, v in found.items()}}
    flat["labels"] = module.labels().numpy()
    flat["dtypes"] = np.array(sorted({{v.dtype.name for v in module.trainable_variables}}))
    with tf.GradientTape() as tape:
        found = module(tf.constant(["a b", "c"]))
        loss = tf.reduce_sum(next(v for v in found.values() if v.dtype == tf.float32)[..., :1])
    gradients = tape.gradient(loss, module.trainable_variables)
    flat["gradients"] = np.array(sum(g is not None for g in gradients))
    np.savez(results_file, **flat)

for line in sys.stdin:
    run(*json.loads(line))
    print("done", flush=True)
"""
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(scope="module")
def in_a_clean_process(tmp_path_factory):
    """run(folder, texts, pairs) -> the arrays that the SavedModel gives; one process for all tests."""
    place = tmp_path_factory.mktemp("clean")
    names = {name.removesuffix(".py") for name in os.listdir(ROOT)} | {"tensorflow_hub", "tf_keras", "transformers"}
    command = [sys.executable, "-P", "-c", CLEAN.format(refused=sorted(names), root=ROOT)]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with (
        open(place / "errors.txt", "w") as errors,
        subprocess.Popen(command, stdin=-1, stdout=-1, stderr=errors, cwd=place, env=environment, text=True) as process,
    ):

        def run(folder, texts=TEXTS, pairs=PAIRS):
            print(json.dumps([str(folder), texts, pairs, "results.npz"]), file=process.stdin, flush=True)
            assert process.stdout.readline() == "done\n", (place / "errors.txt").read_text()[-3000:]
            return dict(np.load(place / "results.npz", allow_pickle=True))

        yield run
        process.stdin.close()


def export_here(model, output_dir, **settings):
    """What `exporter.export` returns; in this process."""
    run = export_model.ExportSettings(init_checkpoint=str(model), output_dir=str(output_dir), **settings)
    export_model.check(run)
    from bertline.serving.export.exporter import export

    return export(run)


@pytest.fixture(scope="module")
def export(script):
    """export(folder, *flags, status=0) -> the finished Script of export_model.py."""

    def run(*flags, status=0):
        ran = script("export_model.py", *flags)
        assert ran.wait() == status, ran.stderr[-3000:]
        assert "Traceback" not in ran.stderr, ran.stderr[-3000:]
        return ran

    return run


@pytest.mark.parametrize(
    "problem_type, count",
    [
        ("single_label_classification", 3),
        pytest.param("multi_label_classification", 3, marks=pytest.mark.long),
        pytest.param("regression", 1, marks=pytest.mark.long),
    ],
)
def test_a_classifier(problem_type, count, in_a_clean_process, tmp_path):
    model = classifier_folder(tmp_path, problem_type, count)
    export_here(model, tmp_path / "out", max_seq_length=24)
    found = in_a_clean_process(tmp_path / "out")
    predictor = Predictor(model, max_seq_length=24)
    output = "score" if problem_type == "regression" else "probabilities"
    for kind, texts in (("text", TEXTS), ("pair", PAIRS)):
        expected = predictor.probabilities(texts)
        values = found[f"{kind}_{output}"]
        assert values.dtype == np.float32
        np.testing.assert_allclose(values.reshape(expected.shape), expected, atol=1e-5)
        if problem_type != "regression":
            labels = [label.decode() for label in found[f"{kind}_label"]]
            said = [prediction.label for prediction in predictor.predict(texts)]
            assert labels == [label if isinstance(label, str) else ",".join(label) for label in said]
    assert [label.decode() for label in found["labels"]] == predictor.labels.names
    assets = tmp_path / "out" / "assets"
    assert (assets / "labels.txt").read_text(encoding="utf-8").split() == predictor.labels.names
    assert (assets / "vocab.txt").read_bytes() == (model / "vocab.txt").read_bytes()
    assert json.loads((assets / "tokenizer_config.json").read_text(encoding="utf-8"))["do_lower_case"] is True
    assert found["gradients"] >= 30, "it can be trained on"


@pytest.mark.long
def test_a_classifier_with_a_sentencepiece_model(in_a_clean_process, tmp_path):
    tokenizer = SentencePieceTokenizer(small_pieces.train(tmp_path / "trained.model"), do_lower_case=True)
    (tmp_path / "model").mkdir()
    model = classifier_folder(tmp_path / "model", tokenizer=tokenizer)
    export_here(model, tmp_path / "out", max_seq_length=24)
    texts = ["1,000 dogs, 25,000 Birds; No. 9, a1,", "``the'' CAFÉ ¨ ﬁne", "🙂²,🙂 ③, ΑϹ", "a\u3000\x1fb", *TEXTS]
    pairs = list(zip(texts, reversed(texts)))
    found = in_a_clean_process(tmp_path / "out", texts, pairs)
    predictor = Predictor(model, max_seq_length=24)
    assert predictor.tokenizer.fingerprint() == tokenizer.fingerprint()
    for kind, given in (("text", texts), ("pair", pairs)):
        np.testing.assert_allclose(found[f"{kind}_probabilities"], predictor.probabilities(given), atol=1e-5)
    assets = tmp_path / "out" / "assets"
    assert sorted(path.name for path in assets.iterdir()) == ["labels.txt", "spiece.model", "tokenizer_config.json"]
    assert (assets / "spiece.model").read_bytes() == (model / "spiece.model").read_bytes()
    assert found["gradients"] >= 30


@pytest.mark.parametrize(
    "flags",
    [
        {"pooling": "mean+max"},
        {"pooling": "first_last", "normalize": True, "prompt": "ask 1"},
    ],
)
@pytest.mark.long
def test_vectors(flags, in_a_clean_process, tiny_bert, tmp_path):
    export_here(tiny_bert, tmp_path / "out", task="embed", **flags)
    found = in_a_clean_process(tmp_path / "out")
    live = Predictor(tiny_bert)
    for kind, texts in (("text", TEXTS), ("pair", PAIRS)):
        np.testing.assert_allclose(found[f"{kind}_vectors"], live.embed(texts, **flags), atol=1e-5)
    assert not found["labels"].size


def bytes_of_weights(folder):
    return sum(file.stat().st_size for file in (folder / "variables").glob("*.data-*"))


@pytest.mark.long
def test_smaller_weights_say_what_they_cost(in_a_clean_process, tmp_path):
    model, sizes, differences = classifier_folder(tmp_path), {}, {}
    for dtype in ("float32", "bfloat16", "int8"):
        _, said, _ = export_here(model, tmp_path / dtype, dtype=dtype)
        sizes[dtype], differences[dtype] = bytes_of_weights(tmp_path / dtype), said["probabilities"]
    assert differences["float32"] < 1e-5
    live = Predictor(model).probabilities(TEXTS)
    for dtype, (least, share, gradients) in {"bfloat16": (1e-4, 0.6, 30), "int8": (1e-6, 0.4, 10)}.items():
        found = in_a_clean_process(tmp_path / dtype)
        actual = np.abs(found["text_probabilities"] - live).max()
        # What is said of sample texts is about what other texts show.
        assert least < differences[dtype] < 0.2 and 0 < actual < 2 * differences[dtype]
        assert sizes[dtype] < share * sizes["float32"] and found["gradients"] >= gradients
        assert (dtype == "bfloat16") == ("bfloat16" in found["dtypes"])


def test_hub_loads_it(tiny_bert, tmp_path):
    hub = pytest.importorskip("tensorflow_hub", reason="it needs setuptools<81", exc_type=ImportError)
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  the user's part: the operations of the graph

    export_here(tiny_bert, tmp_path / "out", task="embed")
    vectors = hub.load(str(tmp_path / "out"))(tf.constant(TEXTS[:30]))["vectors"]
    np.testing.assert_allclose(vectors, Predictor(tiny_bert).embed(TEXTS[:30]), atol=1e-5)


@pytest.mark.long
def test_an_export_is_replaced_only_where_that_is_asked_for(export, tiny_bert, tmp_path):
    out = tmp_path / "out[1] *?"  # to TensorFlow a pattern
    flags = [f"--model={tiny_bert}", f"--output_dir={out}", "--task=embed"]
    ran = export(*flags)
    assert f"written: {out}" in ran.stdout and "tf.saved_model.load(" in ran.stdout
    said = ran.stdout.splitlines()[1]
    assert (
        said.startswith("largest difference of vectors to the live model in float32: ")
        and float(said.split()[-1]) < 1e-5
    )
    assert "--overwrite_output_dir" in export(*flags, status=2).stderr
    export(*flags, "--overwrite_output_dir", "--pooling=max")
    assert sorted(os.listdir(tmp_path)) == [out.name], "nothing is left beside it"


@pytest.mark.parametrize(
    "flags, message",
    [
        ({}, "no classifier"),
        ({"output_dir": ""}, "--output_dir is needed"),
        ({"model": ""}, "--init_checkpoint is needed"),
        ({"task": "rank"}, "one of classify, embed"),
        ({"dtype": "int4"}, "one of float32, bfloat16, float16, int8"),
        ({"pooling": "mean"}, "--task=embed"),
        ({"task": "embed", "pooling": "meen"}, "did you mean mean"),
        ({"task": "embed", "pooling": "none"}, "one vector per text"),
        ({"max_seq_length": 2}, "at least 3"),
        ({"max_seq_length": 400}, "positions for 40"),
    ],
)
def test_mistakes(flags, message, tiny_bert, tmp_path):
    with pytest.raises(InputError, match=message):
        export_here(**{"model": tiny_bert, "output_dir": tmp_path / "out", **flags})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name, where, number, dtype, message",
    [
        ("bert/encoder/layer_1/output/LayerNorm/gamma", 3, 1e6, "float16", "--dtype=bfloat16 has the range"),
        ("bert/embeddings/word_embeddings", -1, np.nan, "float32", "so may be weights of --init_checkpoint="),
    ],
)
@pytest.mark.long
def test_numbers_that_are_not_finite_are_no_export(tiny_bert, tmp_path, name, where, number, dtype, message):
    """The last word of the vocabulary is in a few sample texts, none of them among the first."""
    live = Predictor(tiny_bert)
    weight = live._encoder.named_weights()[name]
    spoilt = weight.numpy()
    spoilt[where] = number
    weight.assign(spoilt)
    save_huggingface(live._encoder, tmp_path / "model", live.tokenizer)
    with pytest.raises(InputError, match=f"--dtype={dtype}: vectors of sample texts are NaN or infinity, .*{message}"):
        export_here(tmp_path / "model", tmp_path / "out", task="embed", dtype=dtype)
    assert sorted(os.listdir(tmp_path)) == ["model"]


def test_one_command_at_a_time(tmp_path):
    from bertline.serving.export.exporter import _put_in_place

    with _put_in_place(tmp_path / "out") as beside:
        with pytest.raises(InputError, match=f"--output_dir={tmp_path}/out: another command writes it; wait"):
            with _put_in_place(tmp_path / "out"):
                pass
        (pathlib.Path(beside) / "saved_model.pb").write_text("")
    assert os.listdir(tmp_path) == ["out"] and os.listdir(tmp_path / "out") == ["saved_model.pb"]


def test_what_is_no_export_is_never_removed(tmp_path):
    (tmp_path / "precious").mkdir()
    for output_dir, message in ((tmp_path, "holds precious"), (tmp_path / "precious" / "..", "holds")):
        run = export_model.ExportSettings(
            init_checkpoint="model", output_dir=str(output_dir), overwrite_output_dir=True
        )
        with pytest.raises(InputError, match=message):
            export_model.check(run)


def test_mistakes_are_one_line_and_status_2(export, tiny_bert, tmp_path):
    ran = export(f"--model={tiny_bert}", f"--output_dir={tmp_path}/out", status=2)
    assert ran.stderr.strip().splitlines()[-1].startswith("error: --init_checkpoint=")
    assert "not a flag" in export("model", status=2).stderr


def test_help_needs_no_tensorflow():
    program = (
        "import sys; sys.modules['tensorflow'] = None; sys.argv = ['export_model.py', '--help']; "
        "import runpy; runpy.run_path('export_model.py', run_name='__main__')"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0 and "--model" in ran.stdout, ran.stderr
