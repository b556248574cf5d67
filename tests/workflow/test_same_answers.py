"""One model, five ways to ask it: run_classifier.py --do_predict, Predictor, a SavedModel, HTTP, and HTTP by Client."""

import csv
import json

import numpy as np
import pytest
from odd_texts import ODD, mixed_texts
from small_classifiers import COLOURS, classifier_folder

pytest.importorskip("fastapi", reason="make serve")
from service_in_thread import running

from bertline.serving import Client, Predictor
from bertline.serving.service.model import Model

MAX_SEQ_LENGTH = 40
PLANES = [chr(code) + " a" for code in range(0x20, 0x30000, 997) if not 0xD800 <= code < 0xE000]
TEXTS = [*ODD, *PLANES, *mixed_texts(2000 - len(ODD) - len(PLANES))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("model"))


def test_they_all_say_the_same(folder, script, tmp_path):
    assert len(TEXTS) == 2000 and len({*TEXTS}) > 1500
    lines = [json.dumps({"id": f"row {i}", "text_a": text}) for i, text in enumerate(TEXTS)]
    (tmp_path / "test.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    runs = [
        script(
            "run_classifier.py",
            "--task_name=jsonl",
            "--do_predict",
            f"--data_dir={tmp_path}",
            f"--init_checkpoint={folder}",
            f"--output_dir={tmp_path}/run",
            f"--max_seq_length={MAX_SEQ_LENGTH}",
            "--text_a_column=text_a",
            "--id_column=id",
            f"--label_list={','.join(COLOURS)}",
        ),
        script(
            "export_model.py",
            f"--model={folder}",
            f"--output_dir={tmp_path}/export",
            f"--max_seq_length={MAX_SEQ_LENGTH}",
        ),
    ]
    predictor = Predictor(folder, max_seq_length=MAX_SEQ_LENGTH)
    expected, labels = predictor.probabilities(TEXTS), [one.label for one in predictor.predict(TEXTS)]
    assert len({*labels}) == 3
    with running(Model(predictor, "small")) as service:
        by_http = Client(service.url).predict(TEXTS)
    assert [one.label for one in by_http] == labels
    found = {"HTTP": np.array([list(one.probabilities.values()) for one in by_http])}

    for run in runs:
        assert run.wait() == 0, run.stderr[-3000:]
    found["test_results.tsv"] = np.loadtxt(tmp_path / "run" / "test_results.tsv", ndmin=2)
    with open(tmp_path / "run" / "predictions.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", strict=True))
    assert [row["label"] for row in rows] == labels and [row["text_a"] for row in rows] == TEXTS
    truncated = [str(one.truncated).lower() for one in predictor.predict(TEXTS)]
    assert [row["truncated"] for row in rows] == truncated and len(set(truncated)) == 2

    import tensorflow as tf
    import tensorflow_text  # noqa: F401  the operations of the graph

    outputs = tf.saved_model.load(f"{tmp_path}/export")(tf.constant(TEXTS))
    assert [label.decode() for label in outputs["label"].numpy()] == labels
    found["SavedModel"] = outputs["probabilities"].numpy()
    for values in found.values():
        np.testing.assert_allclose(values, expected, atol=1e-5)
