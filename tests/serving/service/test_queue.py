"""The queue: who waits, who is refused, what is shared, and what nobody waits for any more."""

import concurrent.futures
import json
import socket
import time

import numpy as np
import pytest
from patience import PATIENCE

pytest.importorskip("fastapi", reason="make serve")
from service_in_thread import Held, answer, head, running

from bertline.serving import Client
from bertline.serving.client import ServiceError


@pytest.fixture
def held(predictor):
    return Held(predictor)


@pytest.fixture
def threads():
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        yield pool


def post(service, texts, path="/v1/embed"):
    """A socket on which a request was sent."""
    connection, body = service.connect(), json.dumps({"texts": texts}).encode()
    connection.sendall(head(len(body), path) + body)
    return connection


def test_alone_it_starts_at_once(held):
    held.may_go.set()
    with running(held, max_batch_delay_ms=20_000) as service:
        client = Client(service.url)
        client.embed(["a"])
        started = time.monotonic()
        client.embed(["a"])
        assert time.monotonic() - started < 5.0


def test_requests_share_batches(held, predictor, threads):
    with running(held, max_batch_delay_ms=20_000) as service:
        waiting = [threads.submit(Client(service.url).embed, ["a"])]
        assert held.begun.acquire(timeout=PATIENCE)  # the service is busy; the others gather
        texts = [f"{letter} b" for letter in "abcdefghij"]
        waiting += [threads.submit(Client(service.url).embed, [text]) for text in texts]
        service.wait_for(lambda: service.metric("queue_texts") == 10)
        held.may_go.set()
        found = [future.result(timeout=PATIENCE) for future in waiting]
        np.testing.assert_allclose(np.concatenate(found[1:]), predictor.embed(texts), atol=1e-5)
        assert [len(batch) for _, batch in held.batches] == [1, 10]


def test_who_has_waited_long_enough_does_not_wait_for_a_batch_that_is_not_done(held):
    with running(held, max_batch_delay_ms=30) as service:
        first = post(service, ["a"])
        assert held.begun.acquire(timeout=PATIENCE)
        second = post(service, ["b"])
        assert held.begun.acquire(timeout=PATIENCE), "a second batch starts after the delay"
        held.may_go.set()
        assert answer(first)[0] == answer(second)[0] == 200


def test_a_large_request_does_not_hold_up_a_small_one(held):
    with running(held, max_batch_tokens=64, max_batch_delay_ms=0) as service:
        large = post(service, ["a b c d e f"] * 200)
        assert held.begun.acquire(timeout=PATIENCE) and held.begun.acquire(timeout=PATIENCE)
        small = post(service, ["small"])
        service.wait_for(lambda: service.metric("open_requests") == 2)
        held.may_go.set()
        assert answer(small)[0] == answer(large)[0] == 200
        order = [number for number, (_, texts) in enumerate(held.batches) if "small" in texts]
        assert order[0] < 8 < len(held.batches)


def test_overload_gives_429_and_loses_nothing(held, threads):
    with running(held, max_queue_texts=8, max_texts=8, max_batch_delay_ms=20_000) as service:
        busy = [post(service, ["a"])]
        assert held.begun.acquire(timeout=PATIENCE)
        busy += [post(service, ["b", "c"]) for _ in range(4)]
        service.wait_for(lambda: service.metric("queue_texts") == 8)
        impatient = Client(service.url, patience_seconds=0)
        refused = []
        for _ in range(10):
            status, headers, said = answer(post(service, ["d"] * 8))
            refused.append(status)
            assert 1 <= int(headers["retry-after"]) <= 60 and "send them again later" in said["error"]
        assert refused == [429] * 10
        with pytest.raises(ServiceError, match="429") as caught:
            impatient.embed(["d"] * 8)
        assert caught.value.status == 429
        patient = threads.submit(Client(service.url).embed, ["d"] * 8)
        time.sleep(0.1)
        held.may_go.set()
        assert patient.result(timeout=PATIENCE).shape == (8, 32), "a client asks again after Retry-After"
        assert [answer(connection)[0] for connection in busy] == [200] * 5
        assert service.metric("refused_texts_total") >= 88


def test_a_client_that_goes_away_does_no_harm(held):
    with running(held, max_batch_delay_ms=20_000) as service:
        first = post(service, ["a"])
        assert held.begun.acquire(timeout=PATIENCE)
        gone = [post(service, ["gone"] * 5) for _ in range(6)]
        stays = post(service, ["stays"])
        service.wait_for(lambda: service.metric("queue_texts") == 31)
        for number, connection in enumerate(gone):
            if number % 2:  # a reset, as of a process that was killed
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        service.wait_for(lambda: service.metric("dropped_texts_total") == 30)
        assert service.metric("queue_texts") == 1
        held.may_go.set()
        assert answer(first)[0] == answer(stays)[0] == 200
        assert [texts for _, texts in held.batches] == [["a"], ["stays"]]


def test_what_breaks_the_model_breaks_one_request(held, caplog):
    with running(held, max_batch_delay_ms=20_000) as service:
        first = post(service, ["a"])
        assert held.begun.acquire(timeout=PATIENCE)
        others = [post(service, ["b"]) for _ in range(3)]
        bad = post(service, ["poison"])
        service.wait_for(lambda: service.metric("queue_texts") == 4)
        held.may_go.set()
        assert [answer(connection)[0] for connection in (first, *others)] == [200] * 4
        status, _, said = answer(bad)
        assert status == 500 and said == {"error": "an error of the service; its log says more"}
        service.wait_for(lambda: "a text that breaks the model" in caplog.text)


def test_the_end_waits_for_what_was_asked_before(held):
    with running(held) as service:
        asked = post(service, ["a"])
        assert held.begun.acquire(timeout=PATIENCE)
        queued = post(service, ["b"])
        service.wait_for(lambda: service.metric("open_requests") == 2)
        idle, stalled = service.connect(), service.connect()
        stalled.sendall(head(100) + b'{"texts": ')  # the rest never comes
        service.wait_for(lambda: service.metric("open_requests") == 3)
        service.stop()
        assert answer(stalled)[0] == 503
        service.wait_for(lambda: _refused(service))
        assert service.thread.is_alive()
        held.may_go.set()
        assert answer(asked)[0] == answer(queued)[0] == 200
        service.thread.join(20)
        assert not service.thread.is_alive() and service.server.status == 0
        assert idle.recv(1) == b""


def test_the_end_does_not_wait_for_ever(held):
    with running(held, drain_seconds=1) as service:
        asked = post(service, ["a"])
        assert held.begun.acquire(timeout=PATIENCE)
        service.stop()
        service.thread.join(20)
        assert not service.thread.is_alive() and service.server.status == 1
        asked.close()


def test_not_ready(held):
    with running(held) as service:
        held.may_go.set()
        service.service.is_ready = False
        status, headers, said = answer(post(service, ["a"]))
        assert status == 503 and headers["retry-after"] == "1" and "made ready" in said["error"]
        with pytest.raises(ServiceError, match="503"):
            Client(service.url, patience_seconds=0).request("GET", "/readyz")
        assert Client(service.url).request("GET", "/healthz") == {"status": "alive"}


def _refused(service):
    try:
        service.connect().close()
    except ConnectionRefusedError:
        return True
    return False
