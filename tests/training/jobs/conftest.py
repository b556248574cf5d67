"""What tests of whole runs share: the files of two small tasks, and runs on them in this process."""

import functools

import pytest
import small_tasks


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder of the files of two tasks: hue, classes of one text; near, scores of pairs."""
    return small_tasks.write_tasks(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """`small_tasks.run`, from a model of one layer with random weights."""
    return functools.partial(small_tasks.run, small_tasks.start_folder(tmp_path_factory.mktemp("start")))
