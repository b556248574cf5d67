"""What continued pre-training says of its first evaluation."""

import logging
import types

import pytest

from bertline.training.jobs.corpus_data import CorpusData


def evaluation(losses, is_new=True, **settings):
    """(the function that the loop calls, how many evaluations were made for it)."""
    data = CorpusData.__new__(CorpusData)
    given = {"eval_steps": 2, "init_checkpoint": "model", "learning_rate": 1e-4, "num_warmup_steps": 10, **settings}
    data._settings, made = types.SimpleNamespace(**given), []

    def scores(_):
        made.append(losses[len(made)])
        return {"loss": made[-1]}, None

    data.scores = scores
    return data.evaluation(None, is_new), made


@pytest.mark.parametrize("losses, warns", [([2.5, 2.6, 2.4], True), ([2.5, 2.4, 2.6], False), ([2.5, 2.5], False)])
def test_a_first_evaluation_that_is_worse_than_before_is_told_of(caplog, losses, warns):
    caplog.set_level(logging.INFO)
    evaluate, made = evaluation(losses)
    assert made == [2.5] and "before training: loss 2.5000" in caplog.text
    assert [evaluate()["loss"] for _ in losses[1:]] == losses[1:]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == warns
    if warns:
        assert "2.6000, is worse than before training, 2.5000: lower --learning_rate (it is 0.0001)" in warnings[0]


@pytest.mark.parametrize("more", [{"is_new": False}, {"init_checkpoint": None}, {"eval_steps": 0}])
def test_otherwise_nothing_is_evaluated_before(caplog, more):
    evaluate, made = evaluation([3.0], **more)
    assert not made and evaluate() == {"loss": 3.0} and not caplog.records
