"""Bodies that nobody means well: a 4xx, one line of JSON, never a stack trace, and the service goes on."""

import itertools
import json
import random
import time

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="make serve")
from service_in_thread import answer, head, running

from bertline.serving import Client
from bertline.serving.client import ServiceError
from bertline.serving.encoder.vector_options import POOLINGS
from bertline.serving.service import requests
from bertline.serving.service.http.refusal import Refusal
from bertline.serving.service.model import Model

TOKEN = "correct-horse-battery"
LIMITS = {"max_texts": 4, "max_text_characters": 50, "max_body_bytes": 2000, "body_seconds": 0.5}
BODIES = {
    "empty": (b"", 400),
    "blank": (b" \n", 400),
    "cut off": (b'{"texts": ["a"', 400),
    "binary": (bytes(range(256)), 400),
    "not UTF-8": (b'{"texts": ["\xff\xfe"]}', 400),
    "nested": (b"[" * 1900, 400),
    "nested in its place": (b'{"texts": ' + b"[" * 900 + b"]" * 900 + b"}", 400),
    "nested objects": (b'{"a":' * 300 + b"1" + b"}" * 300, 400),
    "not a number": (b'{"texts": [NaN]}', 422),
    "two values": (b'{"texts": ["a"]} {}', 400),
    "half a character": (rb'{"texts": ["\ud83d"]}', 400),
    "half a character in a name": (rb'{"texts": ["a"], "\ud800": 1}', 400),
    "half a character in a pooling": (rb'{"texts": ["a"], "pooling": "\udc00"}', 400),
    "a layer of many digits": (b'{"texts": ["a"], "layers": [' + b"9" * 1800 + b"]}", 422),
    "a layer without end": (b'{"texts": ["a"], "layers": [1e999]}', 422),
    "infinity": (b'{"texts": ["a"], "layers": [-Infinity]}', 422),
    "a half": (b'{"texts": ["a"], "layers": [0.5]}', 422),
    "not a number in a pair": (b'{"texts": [["a", NaN]]}', 422),
    "true": (b'{"texts": ["a"], "layers": [true]}', 422),
    "null": (b"null", 422),
    "a list": (b'["a"]', 422),
    "a string": (b'"a"', 422),
    "no texts": (b"{}", 422),
    "no list": (b'{"texts": "a"}', 422),
    "empty list": (b'{"texts": []}', 422),
    "a number": (b'{"texts": [7]}', 422),
    "a large number": (b'{"texts": [' + b"9" * 1500 + b"]}", 422),
    "no text": (b'{"texts": ["a", null]}', 422),
    "three": (b'{"texts": [["a", "b", "c"]]}', 422),
    "one": (b'{"texts": [["a"]]}', 422),
    "a misspelt field": (b'{"texts": ["a"], "poling": "max"}', 422),
    "an unknown pooling": (b'{"texts": ["a"], "pooling": "meen"}', 422),
    "many poolings": (b'{"texts": ["a"], "pooling": "' + b"max+" * 300 + b'max"}', 422),
    "tokens": (b'{"texts": ["a"], "pooling": "none"}', 422),
    "no such layer": (b'{"texts": ["a"], "layers": [7]}', 422),
    "a layer twice": (b'{"texts": ["a"], "layers": [-1, 0, -1]}', 422),
    "many layers": (json.dumps({"texts": ["a"], "layers": [-1] * 100}).encode(), 422),
    "a layer by two names": (b'{"texts": ["a"], "layers": [-1, 1]}', 422),
    "a pooling twice": (b'{"texts": ["a"], "pooling": "cls+max+cls"}', 422),
    "a file": (b'{"texts": ["a"], "layer_mix": "/etc/passwd"}', 422),
    "too many": (json.dumps({"texts": ["a"] * 5}).encode(), 413),
    "too long": (json.dumps({"texts": ["a" * 51]}).encode(), 413),
    "too long together": (json.dumps({"texts": [["a" * 30, "b" * 30]]}).encode(), 413),
    "too large": (json.dumps({"texts": ["a" * 3000]}).encode(), 413),
}


@pytest.fixture(scope="module")
def strict(predictor):
    with running(Model(predictor, "small"), **LIMITS) as service:
        yield service


def refused(connection, status):
    """The error, after checks of what every refusal is."""
    found, headers, said = answer(connection)
    assert found == status and headers["content-type"] == "application/json"
    assert list(said) == ["error"] and said["error"] and len(said["error"].splitlines()) == 1
    assert len(said["error"]) < 400 and "Traceback" not in said["error"] and ".py" not in said["error"]
    connection.close()
    return said["error"]


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name, strict):
    body, status = BODIES[name]
    connection = strict.connect()
    connection.sendall(head(len(body)) + body)
    refused(connection, status)
    assert Client(strict.url).embed(["a"]).shape == (1, 32)


def test_damaged_bodies():
    """Bytes of a body changed, doubled or left out: the request is read, or refused in a line."""
    draw, read = random.Random(5), 0
    whole = json.dumps({"texts": ["a é", ["b", "c"]], "pooling": "cls+max", "layers": [-1, 0]}).encode()
    for _ in range(3000):
        body = bytearray(whole)
        for _ in range(draw.choice([1, 1, 2, 8])):
            at = draw.randrange(len(body))
            body[at : at + draw.choice([0, 1, 1, 5])] = draw.choice(
                [b"", b"\\ud800", b"[", b'"', b"9" * 50, b"\xff", b"null"]
            )
        try:
            requests.check_inputs(requests.parse(requests.EmbedRequest, bytes(body)), 4, 50)
            read += 1
        except Refusal as refusal:
            assert 400 <= refusal.status < 500 and len(refusal.message) < 400
    assert 100 < read < 2000


def test_errors_say_how_to_mend_it(strict):
    for body, words in (
        ({"texts": ["a"], "poling": "max"}, "known fields: texts, pooling"),
        ({"texts": ["a"], "pooling": "meen"}, "did you mean mean"),
        ({"texts": ["a", 1]}, r"texts\[1\]: a string is needed"),
        ({"texts": ["a"] * 5}, "at most 4 in a request"),
        ({"texts": ["a"], "layers": [0, 0]}, r"layers=\[0, 0\]: each may be named once"),
    ):
        with pytest.raises(ServiceError, match=words):
            Client(strict.url).request("POST", "/v1/embed", body)
    for layer, head_ in ((2, 0), (0, 2)):
        with pytest.raises(ServiceError, match="there is no .* 2; 0 to 1"):
            Client(strict.url).attention("a", layer, head_)


def test_a_large_body_is_refused_before_it_is_read(strict):
    connection = strict.connect()
    connection.sendall(head(10**12))
    assert "at most 2000" in refused(connection, 413)
    connection = strict.connect()
    connection.sendall(head(10**12, Expect="100-continue"))
    refused(connection, 413)


@pytest.mark.parametrize("count", [3, 100_000])
def test_a_large_body_in_chunks_is_refused(count, strict):
    """Such a body does not say how large it is. The service hangs up on a client that goes on sending."""
    connection, chunk = strict.connect(), b"3e8\r\n" + b"x" * 1000 + b"\r\n"
    connection.sendall(head(Transfer_Encoding="chunked"))
    try:
        for _ in range(count):
            connection.sendall(chunk)
    except OSError:
        assert count > 50
        return
    connection.sendall(b"0\r\n\r\n")
    refused(connection, 413)


def test_a_small_body_in_chunks_is_read(strict):
    connection, body = strict.connect(), b'{"texts": ["a b"]}'
    connection.sendall(head(Transfer_Encoding="chunked"))
    for byte in body:
        connection.sendall(b"1\r\n%c\r\n" % byte)
    connection.sendall(b"0\r\n\r\n")
    assert answer(connection)[0] == 200


def test_a_slow_body_is_given_up(strict):
    connection, started = strict.connect(), time.monotonic()
    connection.sendall(head(100) + b'{"texts"')
    assert "longer than 0.5 seconds" in refused(connection, 408)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "fields, status",
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
    ],
)
def test_headers(fields, status, strict):
    connection = strict.connect()
    connection.sendall(head(2, **fields) + b"{}")
    refused(connection, status)


@pytest.mark.parametrize(
    "line",
    [
        b"\0\1\2\3\r\n\r\n",
        b"POST /v1/embed HTTP/9.9\r\n\r\n",
        head(length="-5"),
        head(length="1e3"),
        head(10, Transfer_Encoding="chunked") + b"0\r\n\r\n",
    ],
)
def test_what_is_no_http(line, strict):
    connection = strict.connect()
    connection.sendall(line)
    said = connection.recv(65536)
    assert not said or said.startswith(b"HTTP/1.1 4"), said
    assert b"Traceback" not in said
    assert Client(strict.url).embed(["a"]).shape == (1, 32)


def test_an_answer_has_its_limit(predictor):
    with running(Model(predictor, "small"), max_answer_numbers=32 * 6) as service:
        client, texts = Client(service.url), ["a"] * 7
        for wanted, numbers in (
            ({}, 32),
            ({"pooling": "cls+max"}, 64),
            ({"layers": [0, -1]}, 64),
            ({"layers": [0, -1], "layer_mix": "concat"}, 64),
        ):
            most = 32 * 6 // numbers
            with pytest.raises(ServiceError, match=f"{most + 1} of them by {numbers} numbers, at most 192") as caught:
                client.request("POST", "/v1/embed", {"texts": texts[: most + 1], **wanted})
            assert caught.value.status == 413
            assert client.request("POST", "/v1/embed", {"texts": texts[:most], **wanted})
            np.testing.assert_allclose(client.embed(texts, **wanted), predictor.embed(texts, **wanted), atol=1e-5)
        assert client.request("POST", "/v1/embed", {"texts": texts[:6], "layers": [0, -1], "layer_mix": "mean"})


def test_unknown_paths_and_methods(strict):
    client = Client(strict.url)
    for method, path, status in (("GET", "/no/such", 404), ("GET", "/v1/embed", 405), ("POST", "/../etc/passwd", 404)):
        with pytest.raises(ServiceError) as caught:
            client.request(method, path)
        assert caught.value.status == status
    assert 'path="other",status="404"' in strict.service.metrics.page().decode()


@pytest.mark.slow
def test_nobody_can_use_up_the_kinds_of_vectors(monkeypatch, tiny_folder):
    """One client asks for more kinds than get a graph of their own; they are right, and so are all that come later."""
    from bertline.serving import Predictor

    monkeypatch.setattr("bertline.serving.service.model.MOST_GRAPHS", 2)
    predictor, plain = Predictor(tiny_folder()), Predictor(tiny_folder())
    kinds = [{"pooling": "cls"}, {"pooling": "max+cls"}, {"pooling": "last", "layers": [0], "normalize": True}, {}]
    with running(Model(predictor, "small")) as service:
        for pair in itertools.permutations(POOLINGS, 2):
            service.service._model.embedding("+".join(pair))  # as the service does before it takes a request
        client = Client(service.url)
        for wanted in kinds:
            np.testing.assert_allclose(
                client.embed(["a b"], **wanted), plain.embed(["a b"], **wanted), atol=1e-5, err_msg=str(wanted)
            )
    assert len(predictor._graphs) == 2 and len(service.service._model._warm_options) == 3


def test_without_a_classifier_it_says_so(tiny_folder):
    from bertline.serving import Predictor

    with running(Model(Predictor(tiny_folder()), "vectors")) as service:
        with pytest.raises(ServiceError, match="no classifier") as caught:
            Client(service.url).predict(["a"])
        assert caught.value.status == 404 and Client(service.url).embed(["a"]).shape == (1, 16)


def test_no_token_no_answer(predictor, monkeypatch):
    with running(Model(predictor, "small"), token=TOKEN) as service:
        for token in (None, "wrong", TOKEN + "x", TOKEN[:-1], "\u00e9"):
            for path in ("/v1/model", "/metrics", "/no/such", "/v1/embed"):
                with pytest.raises(ServiceError) as caught:
                    Client(service.url, token=token).request("GET", path)
                assert caught.value.status == 401 and "token is needed" in str(caught.value)
        body = b'{"texts": ["a"]}'
        for value in (f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}\r\nAuthorization: Bearer wrong-token"):
            connection = service.connect()
            connection.sendall(head(len(body), Authorization=value) + body)
            refused(connection, 401)
        for path in ("/openapi.json", "/healthz", "/readyz"):
            assert TOKEN not in str(Client(service.url).request("GET", path))
        assert Client(service.url).request("GET", "/healthz") and Client(service.url).request("GET", "/readyz")
        found = Client(service.url, token=TOKEN).embed(["a"])
        monkeypatch.setenv("BERTLINE_TOKEN", TOKEN)
        np.testing.assert_array_equal(Client(service.url).embed(["a"]), found)
