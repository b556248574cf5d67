"""--class_weights and --score_range: from the text of a flag to numbers, or to an error of one line."""

import logging

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.settings.scripts.run_classifier import ClassifierSettings
from bertline.training.jobs import objective_arguments

CLASSES = make_labels("single_label_classification", ["0", "1", "2"])


def weights(text, labels=CLASSES, examples=None, **run):
    run = ClassifierSettings(class_weights=text, **{"do_train": True, **run})
    return objective_arguments.class_weights(run, labels, examples)


def rows(*labels):
    return [InputExample(f"train-{i}", "a", label=label) for i, label in enumerate(labels)]


@pytest.mark.parametrize("kind", [str, int])
def test_balanced_is_that_of_scikit_learn(kind):
    sklearn = pytest.importorskip("sklearn.utils.class_weight", reason="make peers")
    counts = np.repeat([0, 1, 2], [7, 2, 1])
    expected = sklearn.compute_class_weight("balanced", classes=np.arange(3), y=counts)
    np.testing.assert_allclose(weights("balanced", examples=rows(*map(kind, counts.tolist()))), expected)


def test_balanced_counts_each_of_several_labels():
    labels = make_labels("multi_label_classification", ["x", "y"])
    found = weights("balanced", labels, rows(("x",), ("x", "y"), (), ("x",)))
    np.testing.assert_allclose(found, [4 / (2 * 3), 4 / (2 * 1)])


def test_balanced_without_training_examples(caplog):
    with pytest.raises(InputError, match="--class_weights=balanced counts .*--train_records.*give the numbers"):
        weights("balanced")
    assert weights("balanced", do_train=False, do_predict=True) is None and not caplog.records
    with caplog.at_level(logging.WARNING):
        assert weights("balanced", do_train=False, do_eval=True) is None
    (record,) = caplog.records
    assert "eval_loss" in record.getMessage()


def test_numbers_and_pairs():
    assert weights("1,0,2.5") == [1.0, 0.0, 2.5]
    assert weights("2=3,0=0") == [0.0, 1.0, 3.0]
    assert weights("a=b=2", make_labels("single_label_classification", ["a=b", "c"])) == [2.0, 1.0]
    assert weights(None) is None


@pytest.mark.parametrize("text", ["-1,1,1", "1,nan,1", "inf,1,1", "0,0,0", "0=-1", "1,2", "3=1", "1,2=3,1", "a,b,c"])
def test_what_is_no_weight_is_refused(text):
    with pytest.raises(InputError, match=f"--class_weights={text}: 3 numbers, .* none below 0, .*labels: 0,1,2$"):
        weights(text)


@pytest.mark.parametrize("text", ["balanced", "1"])
def test_scores_have_no_classes(text):
    with pytest.raises(InputError, match="--class_weights is of no use"):
        weights(text, make_labels("regression", []), rows(1.0, 2.0))


@pytest.mark.parametrize("text", ["0,nan", "0,inf", "1,1", "0-5"])
def test_score_ranges_that_are_none(text):
    with pytest.raises(InputError, match=f"--score_range={text}: two "):
        objective_arguments.score_range(text, None)


def rates(labels=CLASSES, examples=None, **run):
    run = ClassifierSettings(task_name="tsv", **{"do_train": True, **run})
    return objective_arguments.class_rates(run, labels, examples)


def test_sampling_counts_the_training_rows():
    found = rates(sampling="balanced", examples=rows("0", "0", "0", "1", "2", "2"))
    np.testing.assert_allclose(found, [6 / 9, 2.0, 1.0])
    assert rates() is None and rates(sampling="balanced", do_train=False) is None
    assert rates(make_labels("regression", [])) is None
    with pytest.raises(InputError, match="^--sampling=balanced counts .*--train_records is given; leave it out$"):
        rates(sampling="balanced")
    with pytest.raises(
        InputError, match="^--sampling=balanced is for rows of one class each; --task_name=tsv is multi"
    ):
        rates(make_labels("multi_label_classification", ["x"]), rows(("x",)), sampling="balanced")
    with pytest.raises(InputError, match="--sampling=even: one of natural"):
        rates(sampling="even", examples=rows("0", "1"))
