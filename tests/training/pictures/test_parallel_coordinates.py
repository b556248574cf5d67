"""The picture of a search: where values stand on their axes, which line is the best one."""

import types

import numpy as np
import pytest

from bertline.training.pictures import parallel_coordinates


def trial(mean, stopped_at=None, lower=False, **values):
    ending = types.SimpleNamespace(lower_is_better=lower, stopped_at=stopped_at)
    return types.SimpleNamespace(mean=mean, ending=ending, values=values)


@pytest.mark.parametrize(
    "values, heights",
    [
        ([2, 3, 4], [0, 0.5, 1]),
        ([1e-5, 1e-4, 1e-3], [0, 0.5, 1]),  # far apart: by their logarithms
        ([-1.0, 0.0, 99.0], [0, 0.01, 1]),  # of which 0 and -1 have none
        (["lamb", "adamw", "lamb", "sgd"], [0, 0.5, 0, 1]),
        ([True, False], [0, 1]),
        ([None, 0.5], [0, 1]),
        ([7, 7], [0.5, 0.5]),
    ],
)
def test_where_values_stand(values, heights):
    np.testing.assert_allclose(parallel_coordinates.place(values), heights, atol=1e-12)


@pytest.mark.parametrize("lower, best", [(False, 1), (True, 0)])
def test_a_line_for_each_trial_and_the_best_is_bold(lower, best):
    trials = [trial(0.1, None, lower, rate=1e-5), trial(0.9, None, lower, rate=3e-5), trial(0.5, 4, lower, rate=2e-5)]
    figure = parallel_coordinates._figure({"rate": [1e-5, 3e-5, 2e-5], "eval_f1": [0.1, 0.9, 0.5]}, trials)
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose([line.get_ydata() for line in lines], [[0, 0], [1, 1], [0.5, 0.5]], atol=1e-9)
    assert np.argmax([line.get_linewidth() for line in lines]) == best
    assert [line.get_linestyle() for line in lines] == ["-", "-", "--"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["rate", "eval_f1"]


def test_names_of_any_script(tmp_path):
    trials = [
        trial(0.1, init_checkpoint="模型/$x_1"),
        trial(0.2, init_checkpoint=None),
        trial(None, init_checkpoint="c"),
    ]
    parallel_coordinates.write(str(tmp_path / "search.png"), trials, "eval_accuracy")
    assert (tmp_path / "search.png").read_bytes().startswith(b"\x89PNG")
