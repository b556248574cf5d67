"""How much a pool of texts holds at once."""

import numpy as np
import pytest

from bertline.serving import TextEncoder
from bertline.serving.encoder import pool, text_encoder


@pytest.fixture
def held(monkeypatch):
    """The bytes of each pool's vectors, as they come."""
    sizes, add = [], pool.PoolPart.add

    def weighed(part, chosen, values):
        add(part, chosen, values)
        sizes.append(part.values.nbytes)

    monkeypatch.setattr(pool.PoolPart, "add", weighed)
    return sizes


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["sentence", "token", "word"])
@pytest.mark.parametrize("stride", [1, 4, 8])
def test_windows_do_not_make_it_more(tiny_folder, monkeypatch, held, unit, stride):
    """Of texts of 100 tokens that have as many characters as is supposed."""
    monkeypatch.setattr(text_encoder, "POOL_BYTES", 1 << 17)
    texts = ["a   " * 100] * 40
    encoder = TextEncoder(tiny_folder(), max_seq_length=10, window_stride=stride)
    several = list(encoder.stream(texts, encoder.options(unit=unit, layers=(-1, 0))))
    assert sum(len(vectors.cut) for vectors in several) == len(texts)
    assert 1 << 15 < max(held) < 1 << 18


def test_without_windows_sentences_are_sorted_among_many(tiny_folder, monkeypatch, held):
    monkeypatch.setattr(text_encoder, "POOL_BYTES", 1 << 17)
    encoder = TextEncoder(tiny_folder(), max_seq_length=10)
    [vectors] = encoder.stream(["abcd " * 25] * 500, encoder.options())
    assert max(held) == vectors.values.nbytes == np.zeros([500, 16], np.float32).nbytes
