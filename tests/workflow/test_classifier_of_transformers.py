"""A classifier that transformers saved predicts by run_classifier.py what it predicts there, with its own labels."""

import pathlib
import shutil

import numpy as np
import pytest
from colours import write_table

transformers = pytest.importorskip("transformers", reason="make peers")
torch = pytest.importorskip("torch", reason="make peers")
TEXTS = ["a red thing", "blue", "red or green"]


def saved(folder, tiny_bert, vocabulary, **more):
    """Writes the folder; returns the logits that transformers computes."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=40,
        initializer_range=0.5,
        **more,
    )
    model = transformers.BertForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(tiny_bert / name, folder / name)
    inputs = transformers.BertTokenizer.from_pretrained(tiny_bert)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).logits


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_table(folder / "test.tsv", [("text",), *((text,) for text in TEXTS)])
    return folder


@pytest.mark.parametrize(
    "more, activation",
    [
        ({"id2label": {0: "neg", 1: "neu", 2: "pos"}}, lambda logits: logits.softmax(-1)),
        ({"num_labels": 3, "problem_type": "multi_label_classification"}, torch.sigmoid),
        ({"num_labels": 1}, lambda logits: logits),
    ],
)
def test_predictions_and_labels(classify, tiny_bert, vocabulary, data, tmp_path, more, activation):
    expected = activation(saved(tmp_path / "m", tiny_bert, vocabulary, **more)).numpy()
    classify(
        "--task_name=tsv",
        f"--data_dir={data}",
        "--do_predict",
        f"--init_checkpoint={tmp_path}/m",
        f"--output_dir={tmp_path}/o",
    )
    found = np.loadtxt(tmp_path / "o" / "test_results.tsv", ndmin=2)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    header = (tmp_path / "o" / "predictions.tsv").read_text().splitlines()[0].split("\t")
    if "id2label" in more:
        assert {f"probability_{name}" for name in ("neg", "neu", "pos")} <= set(header)
    elif more["num_labels"] == 3:
        assert {f"probability_LABEL_{i}" for i in range(3)} <= set(header)
    else:
        assert "score" in header


def test_the_case_of_the_issue(classify, tmp_path):
    case = pathlib.Path(__file__).resolve().parents[3] / "shared" / "cases" / "hf_classifier_labels"
    if not case.is_dir():
        pytest.skip("../shared/cases is not here")
    classify(
        "--task_name=tsv",
        f"--data_dir={case}/data",
        "--do_predict",
        f"--init_checkpoint={case}/model",
        f"--output_dir={tmp_path}/o",
    )
    found = np.loadtxt(tmp_path / "o" / "test_results.tsv", ndmin=2)
    np.testing.assert_allclose(found, [[0.4432, 0.3375, 0.2193]], atol=5e-5)
