"""A file of word vectors as a model: its words are the vocabulary, no special token stands around a text."""

import numpy as np

from bertline.serving.encoder.text_encoder import TextEncoder

WORDS = ["the", "parcel", "is", "late", ",", "don't"]


def test_means_of_rows(tmp_path):
    table = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    lines = [f"{word} {' '.join(map(str, row))}\n" for word, row in zip(WORDS, table)]
    (tmp_path / "words.vec").write_text("6 4\n" + "".join(lines))
    encoder = TextEncoder(tmp_path / "words.vec")
    found = encoder.encode(["the parcel, late", "is it", "late"])
    unknown = table.mean(axis=0)  # as `word_vectors` has it
    expected = [table[[0, 1, 4, 3]].mean(axis=0), (table[2] + unknown) / 2, table[3]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    [words] = encoder.encode(["don't late,"], unit="word")  # a word that the table has is not cut
    np.testing.assert_allclose(words, [table[5], table[[3, 4]].mean(axis=0)], atol=1e-6)
    for pooling in ("mean", "max", "mean_sqrt_len", "weighted_mean", "last", "cls"):
        nothing, some = encoder.encode(["", "late"], pooling=pooling)
        np.testing.assert_allclose(some, table[3], atol=1e-6)
        assert np.isfinite(nothing).all() and np.isfinite(encoder.encode([""], pooling=pooling)).all()
        assert pooling in ("last", "cls") or not nothing.any()
