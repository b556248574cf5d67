"""SIGTERM while many clients ask: whoever got through is answered, by 200 or 503, and no connection is reset."""

import concurrent.futures
import json
import socket
import time

import pytest

pytest.importorskip("fastapi", reason="make serve")
from patience import PATIENCE
from service_in_thread import answer, head, running

from bertline.serving.service.model import Model

BODY = json.dumps({"texts": ["a b", "c"]}).encode()
REQUEST = head(len(BODY)) + BODY


@pytest.fixture
def service(predictor):
    with running(Model(predictor, "small")) as service:
        yield service


def test_who_waits_before_the_door(service):
    """Connected by the kernel, and all is sent, but the service has not looked yet."""
    service.server._loop.call_soon_threadsafe(time.sleep, 1.0)
    time.sleep(0.1)
    waiting = [service.connect() for _ in range(60)]
    for connection in waiting:
        connection.sendall(REQUEST)
    service.stop()
    found = [answer(connection) for connection in waiting]
    assert {status for status, _, _ in found} <= {200, 503} and {h["connection"] for _, h, _ in found} == {"close"}
    assert all(connection.recv(1) == b"" for connection in waiting)


def test_who_asks_on_and_on(service):
    """Half of 32 clients by one connection each, which ends when an answer says so, half by ever new ones."""

    def ask(number):
        counts, connection = {200: 0, 503: 0}, None
        while True:
            try:
                connection = connection or service.connect()
            except ConnectionRefusedError:
                return counts
            connection.sendall(REQUEST)
            status, headers, said = answer(connection)
            counts[status] += 1
            assert status == 200 or "about to end" in said["error"]
            if number % 2 or headers.get("connection") == "close":
                connection.close()
                connection = None

    with concurrent.futures.ThreadPoolExecutor(32) as threads:
        futures = [threads.submit(ask, number) for number in range(32)]
        service.wait_for(lambda: service.service.metrics.num_answered() > 100)
        service.stop()
        counts = [future.result(PATIENCE) for future in futures]
    assert sum(one[200] for one in counts) > 100 and service.server.status == 0


def test_who_is_still_sending(service):
    """A body that came in part, and then the rest: the answer is 503, and it is not lost."""
    connection = service.connect()
    connection.sendall(REQUEST[:-20])
    service.wait_for(lambda: service.metric("open_requests") == 1)
    service.stop()
    for byte in REQUEST[-20:]:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)
    status, headers, said = answer(connection)
    assert (status, headers["connection"]) == (503, "close") and "about to end" in said["error"]


def test_who_only_holds_a_connection_does_not_hold_up_the_end(service):
    idle, begun = service.connect(), service.connect()
    begun.sendall(REQUEST[:10])
    started = time.monotonic()
    service.stop()
    assert idle.recv(1) == begun.recv(1) == b""
    service.thread.join(PATIENCE)
    assert time.monotonic() - started < 5


def test_new_connections_are_refused(service):
    service.stop()
    service.thread.join(PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        service.connect()


def test_a_listener_that_admits_no_more():
    """Who is connected stays so; who comes gets no answer, rather than a connection that is then reset."""
    from bertline.serving.service.http.last_calls import admit_no_more, has_unread

    with socket.create_server(("127.0.0.1", 0)) as listener:
        early = socket.create_connection(listener.getsockname())
        admit_no_more(listener)
        late = socket.socket()
        late.settimeout(0.2)
        with pytest.raises(TimeoutError):
            late.connect(listener.getsockname())
        assert has_unread(listener)
        accepted, _ = listener.accept()
        assert not has_unread(listener)
        early.sendall(b"a")
        assert accepted.recv(1) == b"a"
        for one in (early, late, accepted):
            one.close()
