"""The mix of layers: as AllenNLP's trained tagger has it over bilm-tf's states, normalised, with layers left out."""

import io
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from bertline.modeling.layers.dropout import DropoutKey
from bertline.modeling.layers.scalar_mix import ScalarMix, normalize_sentences


def mix_of(scalars, gamma=1.0, **options):
    mix = ScalarMix(len(scalars), **options)
    mix.build()
    mix.scalars.assign(scalars)
    mix.gamma.assign(gamma)
    return mix


@pytest.mark.real_data
@pytest.mark.parametrize("layer_norm", [False, True])
def test_as_in_allennlps_trained_tagger(golden_dir, layer_norm):
    """Its ScalarMix, stated again in torch, with its weights over three layers that bilm-tf gave for some sentences.

    The layer norm of the original is over a batch; of one sentence it is the one here.
    """
    h5py, torch = pytest.importorskip("h5py"), pytest.importorskip("torch", reason="make peers")
    with tarfile.open(golden_dir / "techniques" / "allennlp_elmo" / "model.tar.gz") as archive:
        weights = torch.load(io.BytesIO(archive.extractfile("weights.th").read()), weights_only=True)
    own = {name.rpartition("scalar_mix_0.")[2]: value for name, value in weights.items() if "scalar_mix_0" in name}
    scalars, gamma = torch.cat([own[f"scalar_parameters.{i}"] for i in range(3)]), own["gamma"]
    mix = mix_of(scalars.numpy(), float(gamma), layer_norm=layer_norm)
    with h5py.File(golden_dir / "bilm" / "chars" / "embeddings.hdf5") as file:
        sentences = [file[key][...] for key in list(file)[:4] if key.isdecimal()]  # [3, T, 24] each
    for layers in sentences:
        expected, tensors = 0.0, torch.tensor(layers)
        if layer_norm:
            mean, variance = tensors.mean(dim=(1, 2), keepdim=True), tensors.var(dim=(1, 2), keepdim=True, correction=0)
            tensors = (tensors - mean) / torch.sqrt(variance + 1e-13)
        for share, tensor in zip(torch.softmax(scalars, dim=0), tensors, strict=True):
            expected = expected + share * tensor
        # Another, longer sentence beside it changes nothing.
        padded = np.concatenate([layers, np.full_like(layers[:, :2], 7.0)], axis=1)
        batch = [tf.constant(np.stack([layer, layer[::-1] * 3])) for layer in padded]
        mask = np.ones(batch[0].shape[:2], np.int32)
        mask[0, -2:] = 0
        found = mix(batch, input_mask=mask)[0, : layers.shape[1]]
        np.testing.assert_allclose(found, (gamma * expected).numpy(), atol=1e-5)
    assert len(sentences) == 4
    np.testing.assert_allclose(mix.shares(), torch.softmax(scalars, dim=0).numpy(), atol=1e-6)


def test_sentences_are_normalised_one_by_one():
    draw = np.random.default_rng(0)
    states, lengths = draw.normal(3.0, 2.0, (3, 5, 4)).astype(np.float32), (5, 2, 0)
    mask = (np.arange(5) < np.array(lengths)[:, None]).astype(np.int32)
    found = normalize_sentences(states, mask).numpy()
    for row, length in enumerate(lengths[:2]):
        np.testing.assert_allclose(found[row, :length].mean(), 0.0, atol=1e-6)
        np.testing.assert_allclose(found[row, :length].std(), 1.0, atol=1e-5)
    assert np.isfinite(found).all()


def test_layers_are_left_out_in_training_alone():
    """Each is, at the rate; the others share what it had."""
    mix = mix_of([0.0, 1.0, 2.0], layer_dropout=0.3)
    layers = [tf.one_hot([[i]], 3) for i in range(3)]  # the result is the shares
    weights = np.exp([0.0, 1.0, 2.0])
    np.testing.assert_allclose(mix(layers)[0, 0], weights / weights.sum(), atol=1e-6)
    found = np.array([mix(layers, dropout_key=DropoutKey(tf.constant([7, i])))[0, 0] for i in range(400)])
    kept = found > 0
    some = kept.any(axis=1) & ~np.isclose(found, 1 / 3, atol=1e-6).all(axis=1)  # all left out: each the same
    expected = kept * weights / (kept * weights).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found[some], expected[some], atol=1e-5)
    left_out = 1 - np.where(some[:, None], kept, False).mean(axis=0)
    np.testing.assert_allclose(left_out, 0.3, atol=0.08)
