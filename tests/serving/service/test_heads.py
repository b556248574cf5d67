"""The first lines of a request, and its last ones: they may be neither endless nor late."""

import pytest

pytest.importorskip("fastapi", reason="make serve")
from patience import PATIENCE
from service_in_thread import Held, answer, head, running

from bertline.serving.service.model import Model


@pytest.mark.parametrize("line", [b"X-Filler: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many", "one"])
def test_headers_without_end(line, served):
    connection = served.connect()
    connection.sendall(b"POST /v1/embed HTTP/1.1\r\nX-First: ")
    with pytest.raises(OSError):
        for _ in range(20):  # sixteen times what is allowed, with all that buffers on the way may hold
            connection.sendall(line * 1000)
    connection.close()
    connection = served.connect()
    connection.sendall(head(18, X_Large="a" * 10_000) + b'{"texts": ["a b"]}')
    assert answer(connection)[0] == 200


@pytest.mark.parametrize("line", [b"X-Filler: " + b"a" * 1000 + b"\r\n", b"a" * 1000], ids=["many", "one"])
def test_trailers_without_end(line, served):
    """What may follow the last chunk of a body: headers again."""
    connection = served.connect()
    connection.sendall(head(Transfer_Encoding="chunked") + b"1\r\n{\r\n0\r\nX-First: ")
    with pytest.raises(OSError):
        for _ in range(20):
            connection.sendall(line * 1000)
    connection.close()
    connection, body = served.connect(), b'{"texts": ["a b"]}'
    connection.sendall(
        head(Transfer_Encoding="chunked") + b"%x\r\n%s\r\n0\r\nX-Some: trailer\r\n\r\n" % (len(body), body)
    )
    assert answer(connection)[0] == 200


def test_a_head_that_never_ends_is_given_up(predictor):
    with running(Model(predictor, "small"), body_seconds=0.5) as service:
        begun, idle = service.connect(), service.connect()
        begun.sendall(b"POST /v1/embed HTTP/1.1\r\nX-First: ")
        assert begun.recv(1) == idle.recv(1) == b""


def test_when_a_head_is_waited_for(predictor):
    """Also where only an empty line came, or the rest of a body for which nobody waits."""
    held = Held(predictor)
    with running(held) as service:

        def waits():
            return [one._deadline is not None for one in service.server.server_state.connections] == [True]

        body = b'{"texts": ["a"]}'
        for first, status in ((b"GET /healthz HTTP/1.1\r\n\r\n", 200), (head(100, "/no/such"), 404)):
            connection = service.connect()
            service.wait_for(waits)
            connection.sendall(first)
            assert answer(connection)[0] == status
            assert not waits(), "uvicorn's own limit is what counts now"
            connection.sendall(b"\r\n")
            service.wait_for(waits)
            connection.close()
            service.wait_for(lambda: not service.server.server_state.connections)
        connection = service.connect()
        connection.sendall(head(len(body)) + body)
        assert held.begun.acquire(timeout=PATIENCE)
        assert not waits(), "a request is answered, however long that takes"
        held.may_go.set()
        assert answer(connection)[0] == 200
