"""A small classifier, as Predictor and behind HTTP."""

import pytest
from small_classifiers import classifier_folder

from serving import Predictor


@pytest.fixture(scope="session")
def predictor(tmp_path_factory):
    return Predictor(classifier_folder(tmp_path_factory.mktemp("served")))


@pytest.fixture(scope="module")
def served(predictor):
    """A running service of `predictor`."""
    pytest.importorskip("fastapi", reason="make serve")
    from service_in_thread import running

    from serving.service.model import Model

    with running(Model(predictor, "small")) as service:
        yield service
