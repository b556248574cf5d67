"""Models for the tests of what serves them."""

import pytest
from small_classifiers import classifier_folder

from bertline.serving import Predictor, TextEncoder


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return TextEncoder(tiny_folder())


@pytest.fixture(scope="session")
def predictor(tmp_path_factory):
    """A small classifier."""
    return Predictor(classifier_folder(tmp_path_factory.mktemp("served")))
