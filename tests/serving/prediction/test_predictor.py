"""Predictor against run_classifier.py, transformers, and itself: batches, threads, precision, kinds of models."""

import concurrent.futures
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from odd_texts import ODD, mixed_texts
from small_classifiers import classifier_folder

from bertline.errors import InputError
from bertline.processors.labels.base import make_labels
from bertline.processors.labels.predictions import Prediction
from bertline.serving import Predictor, TextEncoder

KINDS = {"single_label_classification": 3, "multi_label_classification": 3, "regression": 1}


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("model"), request.param, KINDS[request.param])


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("classes"))


@pytest.mark.slow
def test_what_a_prediction_says(folder):
    predictor = Predictor(folder)
    texts = mixed_texts(50) + [("a b", "c d"), ("a", "")]
    found, rows = predictor.predict(texts), predictor.probabilities(texts)
    assert rows.dtype == np.float32 and len(found) == len(rows) == 52
    for prediction, row in zip(found, rows):
        if predictor.labels.problem_type == "regression":
            assert (prediction.label, prediction.probabilities) == (None, None) and prediction.score == row[0]
            continue
        assert prediction.score is None and list(prediction.probabilities) == ["red", "green", "blue"]
        assert list(prediction.probabilities.values()) == row.tolist()
        if predictor.labels.problem_type == "multi_label_classification":
            assert prediction.label == tuple(name for name, p in prediction.probabilities.items() if p >= 0.5)
        else:
            assert prediction.probabilities[prediction.label] == row.max()
            np.testing.assert_allclose(row.sum(), 1.0, rtol=1e-5)
    assert len({prediction.label for prediction in found}) > 1 or predictor.labels.problem_type == "regression"
    np.testing.assert_allclose(rows[-1], predictor.probabilities(["a"])[0], atol=1e-6)


@pytest.mark.slow
def test_as_transformers(folder):
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    peer = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = transformers.BertTokenizer.from_pretrained(folder)
    predictor = Predictor(folder)
    texts = [text for text in mixed_texts(90) if not set("[Σ") & set(text)]  # a special token, a capital sigma there
    texts += ["a, b? c", ("a b c", "d e"), ("a " * 60, "b " * 50)]
    pairs = [(text, None) if isinstance(text, str) else text for text in texts]
    length = predictor.max_seq_length
    for (a, b), row in zip(pairs, predictor.probabilities(texts)):
        inputs = tokenizer(a, b, truncation="longest_first", max_length=length, return_tensors="pt")
        with torch.no_grad():
            logits = peer(**inputs).logits[0]
        activation = {"regression": lambda x: x, "multi_label_classification": torch.sigmoid}
        expected = activation.get(predictor.labels.problem_type, lambda x: torch.softmax(x, -1))(logits)
        np.testing.assert_allclose(row, expected.numpy(), atol=1e-5)


@pytest.mark.slow
def test_as_run_classifier(classes, tmp_path):
    texts = mixed_texts(300) + [" ".join(text.split()) for text in ODD]
    texts = [text for text in texts if text.isprintable() and text.strip() and '"' not in text]
    rows = "".join(f"{text}\n" for text in texts)
    (tmp_path / "test.tsv").write_text("text_a\n" + rows, encoding="utf-8", newline="\n")
    root = pathlib.Path(__file__).resolve().parents[3]
    subprocess.run(
        [
            sys.executable,
            "run_classifier.py",
            "--task_name=tsv",
            "--do_predict",
            f"--data_dir={tmp_path}",
            f"--init_checkpoint={classes}",
            f"--output_dir={tmp_path}/out",
            "--max_seq_length=40",
            "--text_a_column=text_a",
            "--label_list=red,green,blue",
        ],
        cwd=root,
        check=True,
        stderr=subprocess.PIPE,
    )
    expected = np.loadtxt(tmp_path / "out" / "test_results.tsv", ndmin=2)
    np.testing.assert_allclose(Predictor(classes, max_seq_length=40).probabilities(texts), expected, atol=1e-5)


def test_one_by_one_and_together(classes):
    predictor, texts = Predictor(classes, warm_up=True), mixed_texts(300)
    alone = np.concatenate([predictor.probabilities([text]) for text in texts])
    np.testing.assert_allclose(predictor.probabilities(texts), alone, atol=2e-6)
    assert predictor.probabilities([]).shape == (0, 3) and predictor.predict([]) == []


@pytest.mark.slow
def test_threads_share_a_predictor(classes):
    predictor = Predictor(classes)  # cold: they meet where the graph is made
    parts = [mixed_texts(40, seed) for seed in range(12)]
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        found = list(threads.map(predictor.probabilities, parts))
        vectors = list(threads.map(predictor.embed, parts))
    for rows, embedded, texts in zip(found, vectors, parts):
        np.testing.assert_array_equal(rows, predictor.probabilities(texts))
        np.testing.assert_array_equal(embedded, predictor.embed(texts))


def test_one_graph_serves_all_calls(classes):
    predictor = Predictor(classes, warm_up=True)
    graphs, traced = dict(predictor._graphs), []
    predictor.objective.predictions = lambda outputs: traced.append(outputs)
    predictor.predict(mixed_texts(50))
    predictor.predict([("a", "b")])
    assert predictor._graphs == graphs and len(graphs) == 1 and traced == []


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(classes, dtype):
    texts = mixed_texts(50)
    half = Predictor(classes, dtype=dtype).probabilities(texts)
    difference = np.abs(half - Predictor(classes).probabilities(texts)).max()
    assert 0 < difference < 0.05


def test_without_a_classifier_it_gives_vectors(tiny_folder):
    predictor = Predictor(tiny_folder(), warm_up=True)
    assert predictor.labels is None and predictor.embed(["a b"]).shape == (1, 16)
    with pytest.raises(InputError, match="no classifier"):
        predictor.predict(["a"])


def test_the_length_is_that_of_the_training(classes, tmp_path):
    (tmp_path / "model").symlink_to(classes)
    (tmp_path / "run_config.json").write_text('{"settings": {"max_seq_length": 7}}', encoding="utf-8")
    for folder in (tmp_path, tmp_path / "model"):
        assert Predictor(folder).max_seq_length == 7
    assert Predictor(tmp_path, max_seq_length=9).max_seq_length == 9
    assert Predictor(classes).max_seq_length == 64
    (tmp_path / "run_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="run_config.json"):
        Predictor(tmp_path)


@pytest.mark.slow
def test_what_it_looks_like(classes, folder, tiny_folder, minilm):
    """repr: what a notebook shows of an object that stands alone in a cell."""
    predictor = Predictor(folder, max_seq_length=9)
    kind = predictor.labels.problem_type
    labels = "" if kind == "regression" else ", labels=[red, green, blue]"
    assert repr(predictor) == (
        f"Predictor({str(folder)!r}, encoder=<Bert, 2 layers of 32>, max_seq_length=9, dtype='float32', "
        f"problem_type={kind!r}{labels})"
    )
    predictor.labels = make_labels("single_label_classification", [f"label {i}" for i in range(150)])
    assert repr(predictor).endswith("labels=[label 0, label 1, label 2, label 3, label 4, label 5, ... of 150])")
    assert repr(TextEncoder(tiny_folder(), dtype="bfloat16")).endswith(
        "dtype='bfloat16', pooling='mean', normalize=False)"
    )
    assert repr(Predictor(minilm)) == (
        f"Predictor({minilm!r}, encoder=<Bert, 6 layers of 384>, max_seq_length=256, dtype='float32', pooling='mean', "
        "normalize=True)"
    )


def test_a_prediction_in_a_line():
    many = {f"label {i}": i / 10 for i in range(5)}
    one = Prediction("label 4", many, None)
    assert (
        repr(one)
        == "Prediction(label='label 4', probabilities={'label 4': 0.4000, 'label 3': 0.3000, 'label 2': 0.2000, ...})"
    )
    assert one.confidence == 0.4 and one.top(2) == [("label 4", 0.4), ("label 3", 0.3)]
    several = Prediction(("a", "b"), {"a": 0.75, "b": 0.5}, None, True)
    assert repr(several) == "Prediction(label=('a', 'b'), probabilities={'a': 0.7500, 'b': 0.5000}, truncated=True)"
    assert several.confidence is None
    score = Prediction(None, None, 2.5)
    assert repr(score) == "Prediction(score=2.5000)" and score.confidence is None and score.top() == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"folder": None}, "model: None; a checkpoint or a folder is needed"),
        ({"folder": ""}, "model: ''; a checkpoint"),
        ({"max_seq_length": "12"}, "max_seq_length='12': a whole number"),
        ({"max_seq_length": 2.5}, "max_seq_length=2.5: a whole number"),
    ],
)
def test_odd_arguments(arguments, message, classes):
    with pytest.raises(InputError, match=message):
        Predictor(**{"folder": classes, **arguments})


def test_a_single_layer_needs_no_list(predictor, classes):
    np.testing.assert_array_equal(predictor.embed(["a"], layers=0), predictor.embed(["a"], layers=[0]))


def test_what_the_package_offers():
    from bertline import serving

    assert dir(serving) == ["Client", "Predictor", "TextEncoder"] == serving.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Predicter'"):
        print(serving.Predicter)
