"""A small classifier behind HTTP, and what a browser shows of a service."""

import pytest


@pytest.fixture(scope="module")
def served(predictor):
    """A running service of `predictor`."""
    pytest.importorskip("fastapi", reason="make serve")
    from service_in_thread import running

    from bertline.serving.service.model import Model

    with running(Model(predictor, "small")) as service:
        yield service


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """look(service, field=value...) -> the page's elements, HTML, after its script has done its work."""
    from browser import page_of

    return lambda service, **fields: page_of(service, tmp_path_factory.mktemp("browser"), **fields)
