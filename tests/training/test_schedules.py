"""Learning-rate schedules against those of `transformers`, and the slanted triangle against the paper's formula."""

import math

import numpy as np
import pytest
import tensorflow as tf

from bertline import options, registry

STEPS, RATE = 20, 0.2


def rates(name, warmup, steps=STEPS, **arguments):
    schedule = registry.get("learning_rate_schedule", name)(RATE, steps, warmup, **arguments)
    return [float(schedule(tf.constant(step, tf.int64))) for step in range(steps + 3)]


@pytest.mark.parametrize("warmup", [0, 5])
@pytest.mark.parametrize(
    "name, theirs",
    [
        ("constant", "get_constant_schedule_with_warmup"),
        ("cosine", "get_cosine_schedule_with_warmup"),
        ("inverse_square_root", "get_inverse_sqrt_schedule"),
    ],
)
def test_it_is_that_of_transformers(name, theirs, warmup):
    """Ours reads the rate after the step was counted, as BERT's does: theirs of one step later."""
    torch = pytest.importorskip("torch", reason="make peers")
    transformers = pytest.importorskip("transformers", reason="make peers")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    arguments = {"num_training_steps": STEPS} if name == "cosine" else {}
    arguments |= {"timescale": max(1, warmup)} if name == "inverse_square_root" else {}
    schedule = getattr(transformers, theirs)(optimizer, num_warmup_steps=warmup, **arguments)
    expected = []
    for _ in range(STEPS):
        optimizer.step()
        schedule.step()
        expected.append(schedule.get_last_lr()[0])
    if name == "inverse_square_root" and not warmup:
        expected = [RATE / math.sqrt(step) for step in range(1, STEPS + 1)]  # theirs shifts by its time scale
    np.testing.assert_allclose(rates(name, warmup)[:STEPS], expected, atol=1e-6)


@pytest.mark.parametrize("cut_fraction, ratio", [(0.1, 32.0), (0.25, 10.0)])
def test_slanted_triangle(cut_fraction, ratio):
    steps, expected = 40, []
    cut = math.floor(steps * cut_fraction)
    for t in range(1, steps + 1):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_fraction - 1))
        expected.append(RATE * (1 + p * (ratio - 1)) / ratio)
    found = rates("slanted_triangular", 0, steps, cut_fraction=cut_fraction, rate_ratio=ratio)
    np.testing.assert_allclose(found[:steps], expected, rtol=1e-5)
    assert found[steps:] == pytest.approx([RATE / ratio] * 3)
    assert np.argmax(found) == cut - 1


@pytest.mark.parametrize("name", registry.names("learning_rate_schedule"))
def test_options_are_arguments(name):
    cls = registry.get("learning_rate_schedule", name)
    made = cls(1.0, 10, 2, **options.values_for(cls, {}))
    assert made == cls(1.0, 10, 2)
    assert registry.options("learning_rate_schedule")[name] == options.of(cls)
