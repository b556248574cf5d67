"""Two replicas do what one does; shares of a batch; devices that are not there."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from bertline.errors import InputError
from bertline.training.steps.distribution import make_strategy, slice_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "checks",
    [
        ("accumulation", "evaluation", "masks", "loss scale", "a kept run"),
        pytest.param(("training", "lamb", "terms", "tasks", "accumulation of tasks"), marks=pytest.mark.long),
    ],
)
def test_two_replicas_equal_one(checks):
    """In a process of its own: logical devices must be set before TensorFlow starts."""
    program = pathlib.Path(__file__).with_name("two_replicas.py")
    ran = subprocess.run([sys.executable, program, *checks], capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stdout.endswith(f"equal: {' '.join(checks)}\n"), ran.stdout + ran.stderr[-4000:]


@pytest.mark.parametrize("rows, count", [(7, 1), (7, 2), (7, 3), (6, 3), (1, 2), (0, 2), (2, 5)])
@pytest.mark.parametrize("static", [True, False])
def test_slices_are_the_batch_again(rows, count, static):
    batch = {"a": np.arange(rows * 3, dtype=np.int32).reshape(rows, 3), "b": np.arange(rows, dtype=np.float32)}
    specs = {
        "a": tf.TensorSpec([rows if static else None, 3], tf.int32),
        "b": tf.TensorSpec([rows if static else None], tf.float32),
    }
    cut = tf.function(lambda batch: [slice_of(batch, i, count) for i in range(count)], input_signature=[specs])
    parts = cut({name: tf.constant(array) for name, array in batch.items()})
    sizes = [part["b"].shape[0] for part in parts]
    assert max(sizes) - min(sizes) <= 1
    for name, array in batch.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), array)
    if static and rows % count == 0:  # what XLA and TPUs need
        shapes = [tensor.shape for tensor in cut.get_concrete_function().outputs]
        assert all(shape.is_fully_defined() for shape in shapes)


def test_gpus_that_are_not_there():
    with pytest.raises(InputError, match=r"--num_gpus=99, but TensorFlow sees \d+ GPU"):
        make_strategy(num_gpus=99)


def test_require_gpu():
    if tf.config.list_physical_devices("GPU"):
        assert make_strategy(require_gpu=True).num_replicas_in_sync >= 1
    else:
        with pytest.raises(InputError, match="--require_gpu, but TensorFlow sees no GPU"):
            make_strategy(require_gpu=True)
    assert make_strategy(num_gpus=0).num_replicas_in_sync == 1
