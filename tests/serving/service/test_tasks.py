"""A folder of several tasks behind HTTP: each by its name, one of pairs among them."""

import json
import urllib.error
import urllib.request

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="make serve")
import small_classifiers
import small_models
from service_in_thread import running

from bertline import registry
from bertline.errors import InputError
from bertline.modeling.encoders.transformers.bert import Bert, BertConfig
from bertline.modeling.objectives.combined.multi_task import MultiTask
from bertline.serving.prediction.predictor import Predictor
from bertline.serving.service.http.server import serve
from bertline.serving.service.model import Model
from bertline.settings.scripts.serve import ServeSettings
from bertline.weights.load_save import save_huggingface

LABELS = {
    "hue": {"id2label": {"0": "red", "1": "blue"}, "problem_type": "single_label_classification"},
    "near": {"id2label": {"0": "score"}, "problem_type": "regression"},
    "best": {"problem_type": "ranking", "num_candidates": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("several")
    tokenizer = small_classifiers.letters(path / "vocab.txt")
    encoder = Bert(BertConfig(vocab_size=tokenizer.vocab_size, **small_classifiers.CONFIG))
    heads = {
        "hue": registry.get("objective", "sequence_classification")(encoder, 2),
        "near": registry.get("objective", "similarity_regression")(encoder, score_range=(0.0, 5.0)),
        "best": registry.get("objective", "candidate_ranking")(encoder),
    }
    model = MultiTask(encoder, heads)
    small_models.randomize(model)
    save_huggingface(model, path, tokenizer, {**model.saved_entries(), "tasks": LABELS})
    return path


def ask(service, body):
    """(status, JSON) of a request to /v1/predict."""
    request = urllib.request.Request(f"{service.url}/v1/predict", json.dumps(body).encode(), method="POST")
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["hue", "near"])
def test_a_task_is_served_by_its_name(task, folder):
    texts, predictor = [["a b c", "d"], ["e", "f g"]], Predictor(folder, task=task)
    with running(Model(predictor, task)) as service:
        status, found = ask(service, {"texts": texts})
        assert status == 200
        for one, expected in zip(found["predictions"], predictor.predict([tuple(pair) for pair in texts])):
            assert one["label"] == expected.label
            assert one["score"] == (pytest.approx(expected.score, rel=1e-5) if task == "near" else None)
        status, found = ask(service, {"texts": ["a"]})
    if task == "near":
        assert status == 422 and "two texts are compared here, so each row needs both" in json.dumps(found)
    else:
        assert status == 200 and np.isclose(sum(found["predictions"][0]["probabilities"].values()), 1.0)


def test_a_wrong_name_is_refused_with_those_that_are_there(folder):
    for task, said in (("neer", "--task_name=neer: no task of the model"), (None, "--task_name is needed")):
        with pytest.raises(InputError, match=f"{said}; its tasks: best, hue, near$") as refused:
            serve(ServeSettings(init_checkpoint=str(folder), task_name=task, port=0), None)
        assert "\n" not in str(refused.value)


def test_a_verb_without_a_path_is_refused(folder, monkeypatch):
    """As a plugin's labels may have."""
    monkeypatch.setattr(registry.get("labels", "ranking"), "verb", "sort")
    with pytest.raises(InputError, match="a model for ranking, which has no path; bertline.load serves it in Python$"):
        serve(ServeSettings(init_checkpoint=str(folder), task_name="best", port=0), None)
