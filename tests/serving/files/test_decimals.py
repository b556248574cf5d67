"""Fast decimals against Python's own rounding and json."""

import json

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import numpy as np

from bertline.serving.files.decimals import join_rows


def slow(values):
    """What the original writes."""
    return [json.dumps([round(float(x), 6) for x in row])[1:-1] for row in values]


@hypothesis.given(
    hypothesis.extra.numpy.arrays(
        np.float32, (3, 5), elements=st.one_of(st.floats(width=32), st.floats(-3, 3, width=32), st.floats(-1e-4, 1e-4))
    )
)
def test_any_number(values):
    assert join_rows(values) == slow(values)


def test_what_a_model_gives():
    draw = np.random.default_rng(0)
    values = np.concatenate([draw.normal(0.0, scale, [200, 384]) for scale in (1.0, 1e-4, 1e-6, 1e3)])
    for dtype in (np.float32, np.float16):
        assert join_rows(values.astype(dtype)) == slow(values.astype(dtype))


def test_odd_ones():
    values = np.array(
        [[0.0, -0.0, 1 / 128, -3 / 128, 1e-7, -1e-7, 4.9e-5, 9.99995e-5, 99999.5, -12.5, 1.0]], np.float32
    )
    assert join_rows(values) == slow(values)
    assert join_rows(np.zeros([0, 3], np.float32)) == [] and join_rows(np.zeros([2, 0], np.float32)) == ["", ""]
