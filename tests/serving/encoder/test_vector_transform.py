"""Whitening and removal of components against scikit-learn's PCA and a restatement by singular values."""

import logging

import numpy as np
import pytest
from sklearn.decomposition import PCA

from bertline.errors import InputError
from bertline.serving.encoder import vector_transform


@pytest.fixture(scope="module")
def vectors():
    """float64 [500, 12] of correlated numbers around a mean that is not 0."""
    draw = np.random.default_rng(0)
    return draw.normal(size=(500, 12)) @ draw.normal(size=(12, 12)) + draw.normal(size=12) * 3


@pytest.mark.parametrize("name, kept", [("whitening", 12), ("whitening:5", 5), ("whitening:1", 1)])
def test_whitening_is_that_of_scikit_learn(vectors, name, kept):
    expected = PCA(kept, whiten=True, svd_solver="full").fit(vectors).transform(vectors)
    transform = vector_transform.fit(name, vectors)
    found = transform(vectors)
    assert found.dtype == np.float32 and transform.texts == 500
    # An axis has two directions; scikit-learn has its own rule for them.
    np.testing.assert_allclose(found * np.sign((found * expected).sum(axis=0)), expected, atol=2e-4)
    np.testing.assert_allclose(np.cov(found, rowvar=False).reshape(kept, kept), np.eye(kept), atol=2e-5)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=2e-5)


@pytest.mark.parametrize("name, removed", [("remove_components", 1), ("remove_components:3", 3)])
def test_removed_components_are_those_of_scikit_learn(vectors, name, removed):
    pca = PCA(removed, svd_solver="full").fit(vectors)
    expected = vectors - pca.inverse_transform(pca.transform(vectors))
    np.testing.assert_allclose(vector_transform.fit(name, vectors)(vectors), expected, atol=1e-4)


@pytest.mark.parametrize("name, removed", [("common_component", 1), ("common_component:2", 2)])
def test_common_component_is_the_first_singular_vector(vectors, name, removed):
    _, _, right = np.linalg.svd(vectors, full_matrices=False)
    expected = vectors.copy()
    for direction in right[:removed]:
        expected -= np.outer(expected @ direction, direction)
    found = vector_transform.fit(name, vectors)(vectors)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(found @ right[0], 0, atol=1e-4)


def test_the_same_vectors_give_the_same_axes(vectors):
    """Also turned around: the sign of an axis is not the library's."""
    first, second = (vector_transform.fit("whitening", v) for v in (vectors, -vectors))
    np.testing.assert_allclose(first.matrix, second.matrix, atol=1e-5)


def test_directions_without_variance_are_left_out(vectors):
    """A layer norm's output lies in a plane; a component may be constant."""
    flat = np.concatenate([vectors, vectors[:, :3].sum(axis=1, keepdims=True), np.full([500, 1], 0.5)], axis=1)
    found = vector_transform.fit("whitening", flat)(flat)
    assert found.shape == (500, 12)
    np.testing.assert_allclose(np.cov(found, rowvar=False), np.eye(12), atol=1e-3)
    with pytest.raises(InputError, match=r"500 texts vary in 12 directions only; .* take whitening:12"):
        vector_transform.fit("whitening:13", flat)


def test_normalised_vectors_stay_normalised(vectors):
    found = vector_transform.fit("whitening:5", vectors, {"normalize": True})(vectors)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_saved_and_loaded(vectors, tmp_path, caplog):
    made_with = {"layers": (-1, 0), "mix_weights": None, "normalize": True, "weights": "abc"}
    transform = vector_transform.fit("whitening:5", vectors, made_with)
    transform.save(tmp_path / "w.npz")
    loaded = vector_transform.load(tmp_path / "w.npz")
    np.testing.assert_array_equal(loaded(vectors), transform(vectors))
    assert (loaded.name, loaded.texts, loaded.made_with) == ("whitening:5", 500, transform.made_with)
    assert loaded.fingerprint() == transform.fingerprint()
    with caplog.at_level(logging.WARNING):
        loaded.check("w.npz", made_with)
    assert not caplog.records
    with pytest.raises(InputError, match=r"w.npz: fitted on vectors with layers \[-1, 0\], here it is \[-1\]"):
        loaded.check("w.npz", {**made_with, "layers": (-1,)})
    loaded.check("w.npz", {**made_with, "weights": "other"})
    assert "another model" in caplog.text
    with pytest.raises(InputError, match="w.npz: fitted on vectors of 12 numbers, here they have 24"):
        loaded.check("w.npz", {**made_with, "width": 24, "weights": "other"})


@pytest.mark.parametrize(
    "name, count, error",
    [
        ("whitening", 12, "12 texts are too few for 12 dimensions; .* or whitening:N with N below 12"),
        ("whitening:8", 8, "8 texts are too few for 8 dimensions"),
        ("whitening:13", 500, "the vectors have 12 dimensions; at most whitening:12"),
        ("remove_components:12", 500, "at most remove_components:11"),
        ("remove_components", 1, "1 texts are too few"),
        ("whitening:0", 500, "a number above 0 is needed after the colon, as whitening:1"),
        ("whitening:x", 500, "a number above 0 is needed"),
        ("whitenning", 500, "did you mean whitening"),
        ("pca.np", 500, "known: none, whitening, remove_components, common_component, or a file that ends in .npz"),
    ],
)
def test_what_cannot_be_fitted(vectors, name, count, error):
    with pytest.raises(InputError, match=error) as raised:
        vector_transform.fit(name, vectors[:count])
    assert "\n" not in str(raised.value)


def test_equal_vectors(vectors):
    for name in ("whitening:1", "remove_components"):
        with pytest.raises(InputError, match="vary in 0 directions only"):
            vector_transform.fit(name, np.ones([20, 12]))


def test_files_of_another_kind(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    (tmp_path / "empty.npz").write_text("")
    for name in ("text", "other", "empty"):
        with pytest.raises(InputError, match="no file of evaluate_vectors.py --save_transform"):
            vector_transform.load(tmp_path / f"{name}.npz")
    with pytest.raises(InputError, match="No such file"):
        vector_transform.load(tmp_path / "nothing.npz")
