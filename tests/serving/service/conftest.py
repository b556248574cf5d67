"""A small classifier behind HTTP."""

import pytest


@pytest.fixture(scope="module")
def served(predictor):
    """A running service of `predictor`."""
    pytest.importorskip("fastapi", reason="make serve")
    from service_in_thread import running

    from serving.service.model import Model

    with running(Model(predictor, "small")) as service:
        yield service
