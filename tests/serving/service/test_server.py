"""The socket of a service, and how long its end may take."""

import pytest

pytest.importorskip("fastapi", reason="make serve")
from service_in_thread import running

from bertline.errors import InputError
from bertline.serving.service.http.server import listen
from bertline.serving.service.model import Model


def test_two_services_do_not_load_models_for_one_port():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(InputError, match=f"--port={port}: Address already in use; give another --port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("seconds, whole", [(0.2, 1), (1, 1), (1.2, 2), (30.0, 30)])
def test_the_time_for_the_end_is_rounded_up(predictor, seconds, whole):
    with running(Model(predictor, "small"), drain_seconds=seconds) as service:
        assert service.server.config.timeout_graceful_shutdown == whole
