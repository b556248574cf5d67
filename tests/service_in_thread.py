"""A service of serve.py in a thread of the test, and requests to it that no client library would send."""

import contextlib
import json
import socket
import threading
import time

from patience import PATIENCE

from bertline.serving.service.app import Service
from bertline.serving.service.http.server import Server, address, listen
from bertline.serving.service.model import Model
from bertline.settings.scripts.serve import ServeSettings


class Held(Model):
    """Counts what it computes, and computes nothing while it is held."""

    def __init__(self, predictor, name="held"):
        super().__init__(predictor, name)
        self.batches, self.begun, self.may_go = [], threading.Semaphore(0), threading.Event()

    def warm_up(self):
        pass

    def compute(self, kind, texts):
        self.batches.append((kind, list(texts)))
        self.begun.release()
        assert self.may_go.wait(PATIENCE)
        if "poison" in texts:
            raise RuntimeError("a text that breaks the model")
        return super().compute(kind, texts)


class Running:
    """A service that answers at `url`; `stop()` is what SIGTERM does."""

    def __init__(self, model, token=None, **settings):
        run = ServeSettings(init_checkpoint="model", **settings)
        listener = listen("127.0.0.1", settings.get("port", 0))
        self.url, self.port = address(listener), listener.getsockname()[1]
        self.service = Service(model, run, token)
        self.server = Server(self.service, run, self.url)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]}, daemon=True)
        self.thread.start()
        self.wait_for(lambda: self.service.is_ready or not self.thread.is_alive())

    def stop(self):
        if self.thread.is_alive():
            self.server.handle_exit(None, None)

    def metric(self, name):
        """The number of a metric without labels."""
        lines = self.service.metrics.page().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"bertline_{name} "))

    def wait_for(self, condition, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.005)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)


@contextlib.contextmanager
def running(model, token=None, **settings):
    """A Running service for the time of the block."""
    service = Running(model, token, **settings)
    try:
        yield service
    finally:
        if hasattr(model, "may_go"):
            model.may_go.set()
        service.stop()
        service.thread.join(PATIENCE)
        service.service.close()
        assert not service.thread.is_alive()


def head(length=None, path="/v1/embed", **headers):
    """The first lines of a POST, bytes."""
    fields = {"Host": "localhost", "Content_Type": "application/json", "Content_Length": length, **headers}
    fields = {name.replace("_", "-"): value for name, value in fields.items() if value not in (None, "")}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(connection):
    """(status, headers, JSON) that comes from a socket."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"closed after {data!r}"
        data += part
    first, _, body = data.partition(b"\r\n\r\n")
    lines = first.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, json.loads(body) if body else None
