"""serve.py as a process: from its start to its end by a signal."""

import os
import re
import signal
import threading

import numpy as np
import pytest
from odd_texts import mixed_texts
from small_classifiers import classifier_folder

pytest.importorskip("fastapi", reason="make serve")

from bertline.serving import Client, Predictor
from bertline.serving.client import ServiceError
from bertline.serving.service.http.server import listen


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return classifier_folder(tmp_path_factory.mktemp("served"))


@pytest.fixture
def serve(script):
    """serve(*flags, **options) -> (the running Script, its address)."""
    started = []

    def start(*flags, **options):
        ran = script("serve.py", "--port=0", *flags, **options)
        started.append(ran)
        ran.wait_for(lambda: "ready: " in ran.stdout)
        assert ran.process.is_alive(), ran.stderr[-3000:]
        return ran, re.search(r"ready: (\S+)", ran.stdout)[1]

    yield start
    for ran in started:
        if ran.process.is_alive():
            ran.send(signal.SIGKILL)
            ran.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_loses_no_request(number, serve, folder):
    """12 clients ask on and on while the signal comes: what the service answered is what they got, and all is right."""
    ran, url = serve(f"--model={folder}", "--max_seq_length=40")
    texts = mixed_texts(30)
    expected = Predictor(folder, max_seq_length=40).embed(texts)
    answered, problems, enough = [], [], threading.Event()

    def ask(client):
        try:
            while True:
                np.testing.assert_allclose(client.embed(texts), expected, atol=1e-5)
                answered.append(1)
                if len(answered) > 40:
                    enough.set()
        except ServiceError as error:
            # The service refuses requests, and then connections; it resets none.
            if error.status != 503 and "Connection refused" not in str(error):
                problems.append(error)
        except BaseException as error:
            problems.append(error)
            enough.set()

    clients = [Client(url, patience_seconds=0) for _ in range(12)]
    for client in clients:
        client.embed(texts)  # after which it knows the limits of the service, and asks for vectors alone
    threads = [threading.Thread(target=ask, args=(client,), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    ran.send(number)
    assert ran.wait() == 0, ran.stderr[-3000:]
    for thread in threads:
        thread.join(30)
    assert problems == [] and len(answered) > 40
    assert ran.stdout.splitlines()[1:] == [f"ended: {len(answered) + 2 * len(clients)} requests answered"]
    assert "Traceback" not in ran.stderr
    with pytest.raises(ServiceError, match="no answer"):
        Client(url).embed(["a"])


def test_a_token_from_a_file(serve, folder, tmp_path):
    (tmp_path / "token").write_text("correct-horse-battery\n")
    _, url = serve(f"--init_checkpoint={folder}", f"--token_file={tmp_path}/token", "--dtype=bfloat16")
    with pytest.raises(ServiceError, match="401"):
        Client(url).predict(["a"])
    assert Client(url, token="correct-horse-battery").predict(["a"])[0].label in ("red", "green", "blue")


def test_mistakes_are_one_line_and_status_2(script, folder, tmp_path):
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    for flags, message in (
        ([f"--model={folder}", f"--port={port}"], f"--port={port}: Address already in use; give another --port"),
        ([f"--model={tmp_path}/nothing", "--port=0"], "nothing"),
        ([f"--model={folder}", "--port=0", "--max_seq_length=900"], "900"),
    ):
        ran = script("serve.py", *flags)
        assert ran.wait() == 2
        last = ran.stderr.strip().splitlines()[-1]
        assert last.startswith("error: ") and message in last and "Traceback" not in ran.stderr
    listener.close()
    assert not os.listdir(tmp_path)
