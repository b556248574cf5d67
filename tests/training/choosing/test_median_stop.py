"""The median stopping rule against a plain restatement, and as it reads the tables of runs."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertline.training.choosing.median_stop import MedianStop, is_below_median
from bertline.training.reporting.metrics_table import MetricsTable

SCORES = st.lists(st.integers(0, 9).map(float), max_size=6)


@given(SCORES, st.lists(SCORES, max_size=6), st.integers(1, 6))
def test_against_a_restatement(own, others, at):
    """Evaluations at steps 10, 20, ...: means of what others had by then, of those that came so far."""
    steps = [list(zip(range(10, 70, 10), scores)) for scores in (own, *others)]
    averages = [np.mean(scores[:at]) for scores in others if len(scores) >= at]
    wanted = bool(own) and len(averages) >= 3 and max(own[:at]) < np.median(averages)
    assert is_below_median(steps[0], steps[1:], 10 * at) == wanted


def test_one_hand_made_case():
    """Means by step 20: 0.5, 0.6, 0.75, their median 0.6. Later scores, of the others or its own, say nothing."""
    others = [[(10, 0.4), (20, 0.6), (30, 0.0)], [(10, 0.5), (20, 0.7)], [(10, 0.7), (20, 0.8), (30, 0.9)]]
    assert is_below_median([(10, 0.59), (20, 0.1), (30, 1.0)], others, 20)
    assert not is_below_median([(10, 0.61), (20, 0.1)], others, 20)
    assert not is_below_median([(10, 0.6)], others, 20), "strictly below"
    assert not is_below_median([(10, 0.0)], others[:2], 20), "two others are too few"
    assert not is_below_median([(10, 0.0), (30, 0.0)], others, 30), "one of the three was not evaluated so late"


def write(folder, values, name="eval/eval_loss"):
    folder.mkdir(parents=True)
    table = MetricsTable(str(folder / "metrics.csv"))
    for step, value in values:
        table.add(step, {"train/loss": 0.0})
        table.add(step, {name: value})


@pytest.mark.parametrize("lower", [True, False])
def test_runs_of_one_name_are_compared_in_the_direction_of_the_score(tmp_path, lower):
    sign = 1.0 if lower else -1.0
    others = [tmp_path / f"trial-{i}" for i in (1, 2, 3, 4)]
    for folder, value in zip(others, (1.0, 2.0, 3.0, -50.0)):
        write(folder / "fold-2" / "run-5", [(4, sign * value)])
        write(folder / "fold-1" / "run-5", [(4, -99.0 * sign)])
        if value > 0:  # the fourth was killed and is no answer yet
            (folder / "finished.json").write_text(json.dumps({}))
    run = tmp_path / "trial-5" / "fold-2" / "run-5"
    rule = MedianStop(str(tmp_path / "trial-5"), list(map(str, others)))
    assert not rule.is_hopeless(str(run), "eval_loss", lower, 0)
    write(run, [(4, sign * 2.5)])
    assert not rule.is_hopeless(str(run), "eval_loss", lower, 3) and rule.stopped_at is None
    assert rule.is_hopeless(str(run), "eval_loss", lower, 4) and rule.stopped_at == 4
    good = MedianStop(str(tmp_path / "trial-5"), list(map(str, others)))
    MetricsTable(str(run / "metrics.csv")).add(5, {"eval/eval_loss": sign * 1.9})
    assert not good.is_hopeless(str(run), "eval_loss", lower, 5), "nobody else came to step 5"
    MetricsTable(str(run / "metrics.csv")).add(2, {"eval/eval_loss": sign * 1.9})
    assert not good.is_hopeless(str(run), "eval_loss", lower, 4)
