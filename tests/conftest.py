"""Paths that tests share: the repository's root for imports, the real data and the golden files beside it."""

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = ("../shared", "shared")

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
# Both triton (which torch imports where it is installed) and TensorFlow bring an LLVM; the second aborts the process.
sys.modules.setdefault("triton", None)


def _shared(name):
    for folder in SHARED:
        if (ROOT / folder / name).is_dir():
            return (ROOT / folder / name).resolve()
    return pytest.skip(f"{SHARED[0]}/{name} is not here")


@pytest.fixture(scope="session")
def data_dir():
    """Folder of the public data sets, ../shared/data."""
    return _shared("data")


@pytest.fixture(scope="session")
def golden_dir():
    """Folder of the original's own answers, ../shared/golden."""
    return _shared("golden")


def pytest_collection_modifyitems(items):
    """Marks what reads the shared folders as `real_data`."""
    for item in items:
        if {"data_dir", "golden_dir"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real_data)
