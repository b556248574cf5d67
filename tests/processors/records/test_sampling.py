"""Rows by their class: as often as is asked for, in an order that is a function of the seed, and that goes on."""

import collections

import numpy as np
import pytest
import small_records
import tensorflow as tf

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.records import batches, record_files, sampling

COUNTS = {"no": 54, "yes": 6}


@pytest.fixture(scope="module")
def record_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    rows = [InputExample(f"{name}-{i}", "a b", label=name) for name, count in COUNTS.items() for i in range(count)]
    return record_files.write_records(rows, small_records.encoder(folder), folder, "train", 1)


def train_batches(record_set, name, seed=1):
    rates = sampling.rates(name, list(COUNTS.values()))
    return batches.train_batches(record_set, 6, seed, class_rates=rates)


@pytest.mark.slow
@pytest.mark.parametrize("name, shares", [("balanced", [0.5, 0.5]), ("square_root", [0.75, 0.25])])
def test_classes_come_as_often_as_they_should(record_set, name, shares):
    """In 60 epochs; sqrt(54) : sqrt(6) is 3 : 1. Each row of a class comes as often as any other of it."""
    drawn = np.concatenate([b["example_index"] for b in train_batches(record_set, name).take(600)])
    times = np.bincount(drawn, minlength=60)
    by_class = np.array([times[:54].sum(), times[54:].sum()])
    # An epoch has each row as often as its rate, but for one time at most: less noise than of independent draws.
    np.testing.assert_allclose(by_class / len(drawn), shares, atol=3 * np.sqrt(0.25 / len(drawn)))
    for rows in (times[:54], times[54:]):
        assert np.abs(rows - rows.mean()).max() < 4.5 * np.sqrt(60 * 0.25) + 4


def test_natural_is_every_row_once_an_epoch(record_set):
    assert sampling.rates("natural", [54, 6]) is None
    drawn = [i for b in train_batches(record_set, "natural").take(10) for i in b["example_index"].numpy()]
    assert collections.Counter(drawn) == dict.fromkeys(range(60), 1)


def test_a_class_without_rows_takes_nothing():
    np.testing.assert_allclose(sampling.rates("balanced", [2, 0, 6]), [2.0, 0.0, 8 / 12])


@pytest.mark.slow
def test_the_seed_is_the_order_and_a_run_goes_on(record_set, tmp_path):
    def take(iterator, count=15):
        return [next(iterator)["example_index"].numpy().tolist() for _ in range(count)]

    whole = take(iter(train_batches(record_set, "balanced")), 30)
    assert whole != take(iter(train_batches(record_set, "balanced", seed=2)), 30)
    iterator = iter(train_batches(record_set, "balanced"))
    assert take(iterator) == whole[:15]
    path = tf.train.Checkpoint(iterator=iterator).save(str(tmp_path / "state"))
    other = iter(train_batches(record_set, "balanced"))
    tf.train.Checkpoint(iterator=other).restore(path)
    assert take(other) == whole[15:]


def test_what_is_no_sampling_is_refused():
    with pytest.raises(InputError, match="^--sampling=even: one of natural, balanced, square_root is needed$"):
        sampling.rates("even", [1, 2])
