"""What comes over HTTP is what Predictor says, to every client its own."""

import concurrent.futures
import dataclasses
import http.client
import json
import random

import numpy as np
import pytest
from odd_texts import ODD, mixed_texts
from small_classifiers import classifier_folder

pytest.importorskip("fastapi", reason="make serve")
from service_in_thread import running

from bertline.serving import Client, Predictor
from bertline.serving.client import ServiceError
from bertline.serving.service.model import Model
from bertline.serving.texts.truncation import TruncationWarning

TEXTS = [*ODD, *mixed_texts(200)]
PAIRS = list(zip(TEXTS, reversed(TEXTS)))
OPTIONS = [
    {},
    {"pooling": "mean+max"},
    {"layers": [-1, 0], "normalize": True},
    {"pooling": "first_last"},
    {"prompt": "ab ? "},
]


@pytest.mark.slow
@pytest.mark.parametrize("wanted", OPTIONS, ids=str)
@pytest.mark.parametrize("texts", [TEXTS, PAIRS], ids=["texts", "pairs"])
def test_vectors(served, predictor, texts, wanted):
    found = Client(served.url).embed(texts, **wanted)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, predictor.embed(texts, **wanted), atol=1e-5)


def test_vectors_as_json(served, predictor):
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    body = json.dumps({"texts": ODD}, ensure_ascii=False).encode()
    connection.request("POST", "/v1/embed", body, {"Content-Type": "application/json; charset=utf-8"})
    answer = json.load(connection.getresponse())
    connection.close()
    np.testing.assert_allclose(answer["embeddings"], predictor.embed(ODD), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("problem_type", ["single_label_classification", "multi_label_classification", "regression"])
def test_predictions(problem_type, tmp_path):
    predictor = Predictor(classifier_folder(tmp_path, problem_type, 1 if problem_type == "regression" else 3))
    with running(Model(predictor, "small")) as served:
        client = Client(served.url)
        for texts in (TEXTS, PAIRS):
            for found, expected in zip(client.predict(texts), predictor.predict(texts), strict=True):
                assert (found.label, type(found)) == (expected.label, type(expected))
                if problem_type == "regression":
                    assert found.score == pytest.approx(expected.score, abs=1e-5)
                else:
                    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
        client.close()


@pytest.mark.slow
def test_many_clients_get_their_own_answers(served, predictor):
    """24 clients, 480 requests of 1 to 40 texts, two kinds of vectors and predictions in turn."""
    vectors = {str(wanted): predictor.embed(TEXTS, **wanted) for wanted in OPTIONS[:2]}
    labels = predictor.predict(TEXTS)

    def one_client(seed):
        draw, client, count = random.Random(seed), Client(served.url), 0
        for turn in range(20):
            chosen = [draw.randrange(len(TEXTS)) for _ in range(draw.choice([1, 1, 2, 5, 40]))]
            texts = [TEXTS[i] for i in chosen]
            if turn % 3 == 2:
                assert [p.label for p in client.predict(texts)] == [labels[i].label for i in chosen]
            else:
                wanted = OPTIONS[turn % 3]
                np.testing.assert_allclose(client.embed(texts, **wanted), vectors[str(wanted)][chosen], atol=1e-5)
            count += 1
        client.close()
        return count

    before = served.metric("batch_texts_count")
    with concurrent.futures.ThreadPoolExecutor(24) as threads:
        assert sum(threads.map(one_client, range(24))) == 480
    assert served.metric("batch_texts_count") - before < 480, "requests share batches"
    assert served.metric("queue_texts") == served.metric("open_requests") == 0


def test_attention(served, predictor):
    tokens, mean = Client(served.url).attention(("a b", "c"), layer=1)
    expected_tokens, heads = predictor.attention(("a b", "c"), 1)
    assert tokens == expected_tokens == ["[CLS]", "a", "b", "[SEP]", "c", "[SEP]"]
    np.testing.assert_allclose(mean, heads.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(Client(served.url).attention(("a b", "c"), 1, 1)[1], heads[1], atol=1e-6)


class Overflowing:
    """A Predictor whose numbers are none."""

    def __init__(self, predictor):
        self._predictor = predictor

    def __getattr__(self, name):
        return getattr(self._predictor, name)

    def probabilities(self, texts, return_truncated=False, progress=None):
        values, truncated = self._predictor.probabilities(texts, return_truncated=True)
        values *= np.float32(np.nan)
        return (values, truncated) if return_truncated else values

    def stream(self, texts, options):
        for part in self._predictor.stream(texts, options):
            yield dataclasses.replace(part, values=part.values * np.float32(np.inf))

    def attention(self, text, layer, **more):
        tokens, probabilities, truncated = self._predictor.attention(text, layer, **more)
        return tokens, probabilities * np.float32(np.nan), truncated


def test_numbers_that_are_none_are_no_answer(predictor, caplog):
    with running(Model(Overflowing(predictor), "overflowing")) as service:
        client = Client(service.url)
        for ask in (client.predict, client.embed):
            with pytest.raises(ServiceError, match="numbers that are not finite; with --dtype=float16") as caught:
                ask(["a"])
            assert caught.value.status == 500
        with pytest.raises(ServiceError, match="not finite"):
            client.attention("a")
    assert "/v1/predict: the model gives numbers that are not finite" in caplog.text


def test_truncated_texts_are_said_and_counted(predictor):
    """As the tokenizer counts: each letter is a token, beside [CLS], [SEP] and the second [SEP] of a pair."""
    longest = predictor.max_seq_length
    texts = [
        "a b",
        "a " * (longest - 2),
        "a " * (longest - 1),
        ("a " * 40, "b " * (longest - 43)),
        ("a " * 40, "b " * 40),
    ]
    expected = [False, False, True, False, True]
    with running(Model(predictor, "small")) as service:
        client = Client(service.url)
        for ask in (client.predict, client.embed, predictor.predict, predictor.embed, predictor.probabilities):
            with pytest.warns(TruncationWarning, match=r"2 of 5 texts are longer .* the first is texts\[2\]") as caught:
                found = ask(texts)
            own = [warning for warning in caught if warning.category is TruncationWarning]
            assert [warning.filename for warning in own] == [__file__], "the line of the caller"
            if "predict" in ask.__name__:
                assert [one.truncated for one in found] == expected
        for ask in (client.embed, predictor.embed, predictor.probabilities):
            values, truncated = ask(texts, return_truncated=True)
            assert truncated.tolist() == expected and len(values) == 5 and truncated.dtype == bool
        for path in ("/v1/embed", "/v1/predict"):
            answer = client.request("POST", path, {"texts": texts})
            said = answer.get("truncated") or [one["truncated"] for one in answer["predictions"]]
            assert said == expected
        for text, truncated in zip(texts, expected):
            assert client.request("POST", "/v1/attention", {"text": text})["truncated"] is truncated
        assert service.metric("truncated_texts_total") == 2 * 5 + 2  # five requests of five texts, five of one


def test_what_the_model_is(served):
    model = Client(served.url).model()
    assert model["labels"] == ["red", "green", "blue"] and model["num_attention_heads"] == 2
    assert model["problem_type"] == "single_label_classification" and model["max_texts"] == 256
    assert model["pooling"] == "mean" and model["max_answer_numbers"] == 1 << 22


def test_pages_for_programs(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port)

    def get(path):
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()

    paths = json.loads(get("/openapi.json"))["paths"]
    assert {"/v1/embed", "/v1/predict", "/v1/attention", "/healthz", "/readyz", "/metrics"} <= set(paths)
    schema = paths["/v1/embed"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "pooling" in schema["properties"]
    documentation = get("/docs")
    assert "POST /v1/embed" in documentation and "http" not in documentation.replace("<!doctype html>", "")
    assert json.loads(get("/healthz")) == {"status": "alive"} and json.loads(get("/readyz")) == {"status": "ready"}
    metrics = get("/metrics")
    assert 'bertline_requests_total{path="/healthz",status="200"} 1.0' in metrics
    assert "bertline_request_seconds_bucket" in metrics and "bertline_batch_texts_sum" in metrics
    connection.close()
