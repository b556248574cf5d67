"""Client against what a service may do to it; what it gets from a real one: tests/serving/service."""

import functools
import http.server
import json
import subprocess
import sys
import threading

import numpy as np
import pytest

from bertline.processors.labels.predictions import Ranking
from bertline.serving import Client
from bertline.serving.client import ServiceError
from bertline.serving.texts.truncation import TruncationWarning


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with what the test says, in turn: (status, headers, body)."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        assert self.path == "/v1/model"
        self.server.times_asked += 1
        self.answer(200, {}, json.dumps(self.server.model).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sizes.append(len(body))
        self.server.bodies.append(json.loads(body))
        self.answer(*self.server.answers.pop(0))

    def answer(self, status, headers, body):
        if status is None:  # hangs up
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as server:
        server.answers, server.bodies, server.sizes, server.times_asked = [], [], [], 0
        limits = {"max_texts": 256, "max_body_bytes": 1 << 20, "max_answer_numbers": 1 << 22}
        server.model = {"hidden_size": 4, "pooling": "mean", **limits}
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def predictions(count):
    one = {"label": "red", "probabilities": {"red": 0.75, "blue": 0.25}, "score": None}
    return 200, {}, json.dumps({"predictions": [one] * count}).encode()


def test_it_asks_again_when_it_is_told_to(service, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    busy = b'{"error": "busy"}'
    service.answers = [
        (429, {"Retry-After": "7"}, busy),
        (503, {}, busy),
        (429, {"Retry-After": "x"}, busy),
        predictions(1),
    ]
    (found,) = Client(service.url).predict(["a"])
    assert (found.label, found.probabilities["red"], found.score) == ("red", 0.75, None)
    assert slept == [7, 1, 1] and service.bodies == [{"texts": ["a"]}] * 4


def test_its_patience_ends(service, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    service.answers = [(429, {"Retry-After": "100"}, b'{"error": "busy"}')]
    with pytest.raises(ServiceError, match="429: busy"):
        Client(service.url).predict(["a"])


@pytest.mark.parametrize("status, body", [(422, b'{"error": "no"}'), (500, b"<html>no</html>"), (401, b'["no"]')])
def test_other_errors_are_not_tried_again(status, body, service):
    service.answers = [(status, {}, body)]
    with pytest.raises(ServiceError, match=f"{status}: .*no") as caught:
        Client(service.url).predict(["a"])
    assert caught.value.status == status and not service.answers


def test_a_connection_that_was_closed_meanwhile_is_made_anew(service):
    client = Client(service.url)
    service.answers = [predictions(1), (None, {}, b""), predictions(1)]
    assert client.predict(["a"]) == client.predict(["a"])
    service.answers = [(None, {}, b""), (None, {}, b"")]
    with pytest.raises(ServiceError, match="no answer"):
        client.predict(["a"])


def test_nobody_there():
    with pytest.raises(ServiceError, match="http://127.0.0.1:9: no answer") as caught:
        Client("http://127.0.0.1:9").embed(["a"])
    assert caught.value.status is None


def test_large_lists_go_in_parts(service):
    service.answers = [predictions(128), predictions(128), predictions(44)]
    assert len(Client(service.url).predict([f"{i}" for i in range(300)])) == 300
    sent = [text for body in service.bodies for text in body["texts"]]
    assert sent == [f"{i}" for i in range(300)]
    assert service.times_asked == 1
    assert Client(service.url).predict([]) == [] and Client(service.url).embed([]).shape == (0, 0)


def sent_in_parts(service, texts, answers, ask):
    """The lists that came to the service, which together are the texts."""
    service.bodies.clear()
    service.answers = answers
    ask(texts)
    sent = [body["texts"] for body in service.bodies]
    assert [text for part in sent for text in part] == [list(text) if type(text) is tuple else text for text in texts]
    return [len(part) for part in sent]


@pytest.mark.parametrize("texts", [["你好世界" * 350] * 128, ['hello "' * 1500] * 128, [("ab" * 90, "é")] * 128])
def test_no_part_is_larger_than_the_service_takes(texts, service):
    service.model["max_body_bytes"] = 100_000 if len(texts[0]) > 2 else 1000
    sizes = len(json.dumps(texts, ensure_ascii=False).encode())
    most = -(-sizes // service.model["max_body_bytes"]) * 2
    found = sent_in_parts(service, texts, [predictions(1)] * 128, Client(service.url).predict)
    assert max(service.sizes) <= service.model["max_body_bytes"] and len(found) < most


def test_parts_are_as_small_as_the_service_wants_them(service):
    client, texts = Client(service.url), ["a"] * 10
    service.model["max_texts"] = 4
    assert sent_in_parts(service, texts, [predictions(4)] * 3, client.predict) == [4, 4, 2]
    assert sent_in_parts(service, texts, [predictions(4)] * 3, client.predict) == [4, 4, 2]
    assert service.times_asked == 1
    service.model["max_texts"], service.model["max_answer_numbers"] = 256, 24
    values = {"shape": [1, 1], "base64": "AAAAAA=="}
    for wanted, parts in (
        ({}, [6, 4]),
        ({"pooling": "mean+max"}, [3, 3, 3, 1]),
        ({"layers": [-1, -2, -3]}, [2] * 5),
        ({"layers": [-1, -2, -3, -4], "pooling": "cls+max"}, [1] * 10),
    ):
        answers = [(200, {}, json.dumps(values).encode())] * 10
        embed = functools.partial(Client(service.url).embed, **wanted)
        assert sent_in_parts(service, texts, answers, embed) == parts


def test_a_query_counts_as_all_of_its_candidates(service):
    """At most 5 candidates go at once here; a query with more goes alone, and is counted in what is said of it."""
    service.model["max_texts"] = 5
    queries = [("how?", ["candidates"] * count) for count in (3, 2, 4, 6, 1)]
    one = {"candidates": ["b", "a"], "probabilities": [0.75, 0.25], "places": [1, 0]}
    rankings = [(2, {}), (1, {"truncated": True})]  # an older service does not say it
    answers = [(200, {}, json.dumps({"rankings": [one | extra] * count}).encode()) for count, extra in rankings]
    service.answers = [*answers, (413, {}, b'{"error": "queries[0]: 20001 characters"}')]
    with pytest.raises(ServiceError, match=r"413: queries\[3\]: 20001 characters"):
        Client(service.url).rank(queries)
    sent = [[len(query["candidates"]) for query in body["queries"]] for body in service.bodies]
    assert sent == [[3, 2], [4], [6]]
    service.answers = answers[1:]
    with pytest.warns(TruncationWarning, match=r"^1 of 1 queries is .*queries\[0\]"):
        [found] = Client(service.url).rank([{"query": "", "candidates": ("a", "b")}])
    assert found == Ranking(("b", "a"), (0.75, 0.25), (1, 0), True)
    assert service.bodies[-1] == {"queries": [{"query": "", "candidates": ["a", "b"]}]}


def test_half_a_character_is_sent_as_it_is(service):
    """Where a request is made by hand; what the service says of it is clearer than Python's error."""
    service.answers = [predictions(2)]
    Client(service.url).request("POST", "/v1/predict", {"texts": ["\ud83d", "é"]})
    assert service.bodies == [{"texts": ["\ud83d", "é"]}]


def test_a_row_that_the_service_refuses_is_counted_from_the_first(service):
    """Although the service sees the third request only."""
    refusal = (413, {}, b'{"error": "texts[3]: 20001 characters, at most 20000 are read; cut it"}')
    service.answers = [predictions(128), predictions(128), refusal]
    with pytest.raises(ServiceError, match=r"413: texts\[259\]: 20001 characters") as caught:
        Client(service.url).predict(["a"] * 300)
    assert caught.value.status == 413


def test_an_older_service_does_not_say_what_it_truncated(service):
    values = {"shape": [2, 1], "base64": "AAAAAAAAAAA="}
    service.answers = [predictions(1), (200, {}, json.dumps(values).encode())]
    assert Client(service.url).predict(["a"])[0].truncated is False
    assert Client(service.url).embed(["a", "b"], return_truncated=True)[1].tolist() == [False, False]


def test_mistakes():
    for url in ("localhost:8000", "ftp://here", "http://"):
        with pytest.raises(ValueError, match="as http://localhost:8000"):
            Client(url)
    with pytest.raises(TypeError, match="a list of texts"):
        Client("http://localhost:9").embed("a")


def test_shapes(service):
    values = np.arange(12, dtype="<f4").reshape(1, 3, 4)
    import base64

    body = {"shape": [1, 3, 4], "base64": base64.b64encode(values.tobytes()).decode()}
    service.answers = [(200, {}, json.dumps(body).encode())]
    np.testing.assert_array_equal(Client(service.url).embed([("a", "b")], layers=[-1, -2, -3]), values)
    assert service.bodies == [{"texts": [["a", "b"]], "layers": [-1, -2, -3], "encoding": "base64"}]


def test_it_needs_no_tensorflow():
    program = """
import sys
sys.modules.update(dict.fromkeys(["tensorflow", "keras", "tqdm", "absl"]))
from bertline import serving
print(serving.Client("http://localhost:9").embed([], progress=True).shape)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "(0, 0)\n", ran.stderr
