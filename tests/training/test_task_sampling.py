"""How often tasks are drawn: by the formulas of the papers, and as a function of seed and step alone."""

import numpy as np
import pytest
import tensorflow as tf

from bertline import registry

SIZES = [100.0, 25.0, 4.0]  # batches of an epoch
STEPS = 4000


def sampling(name, **options):
    return registry.get("task_sampling", name)(SIZES, STEPS, **options)


def drawn(found, steps, seed=7):
    steps = tf.constant(steps, tf.int64)
    # In a graph, as the loop draws them; one by one they take seconds.
    draw = tf.function(lambda: tf.map_fn(lambda step: found.draw(step, seed), steps, fn_output_signature=tf.int32))
    return draw()


def power(exponent):
    shares = np.array(SIZES) ** exponent
    return shares / shares.sum()


@pytest.mark.parametrize(
    "name, options, expected",
    [
        ("size", {}, power(1.0)),
        ("square_root", {}, power(0.5)),
        ("temperature", {"sampling_temperature": 4.0}, power(0.25)),
        # The mean over the run of the shares that Stickland & Murray state for each moment of it.
        ("annealed", {}, np.mean([power(1.0 - 0.8 * e) for e in np.linspace(0, 1, 1001)], axis=0)),
    ],
)
def test_tasks_come_as_often_as_said(name, options, expected):
    counts = np.bincount(drawn(sampling(name, **options), np.arange(STEPS)).numpy(), minlength=3)
    # Four standard deviations of so many independent draws.
    np.testing.assert_array_less(np.abs(counts / STEPS - expected), 4 * np.sqrt(expected * (1 - expected) / STEPS))


def test_annealed_goes_from_the_size_towards_all_alike():
    found = sampling("annealed")
    for progress, exponent in ((0.0, 1.0), (0.5, 0.6), (1.0, 0.2)):
        shares = found.shares(tf.constant(progress)).numpy()
        np.testing.assert_allclose(shares / shares.sum(), power(exponent), rtol=1e-5)


def test_a_draw_is_a_function_of_seed_and_step():
    found, steps = sampling("square_root"), np.arange(50)
    whole = drawn(found, steps).numpy()
    np.testing.assert_array_equal(drawn(found, steps[30:]).numpy(), whole[30:])
    assert [int(found.draw(tf.constant(step, tf.int64), 7)) for step in (3, 30)] == whole[[3, 30]].tolist()
    assert (drawn(found, steps, seed=8).numpy() != whole).any()
