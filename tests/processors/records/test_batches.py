"""Batches: nothing lost, nothing twice, little padding, an order that comes back after a restart."""

import collections

import numpy as np
import pytest
import small_records
import tensorflow as tf

from bertline.processors.records import batches, record_files

COUNT = 64


@pytest.fixture(scope="module")
def record_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    return record_files.write_records(small_records.examples(COUNT), small_records.encoder(folder), folder, "train", 1)


def indices(dataset, count=None):
    return [batch["example_index"].numpy().tolist() for batch in (dataset if count is None else dataset.take(count))]


def test_every_example_once_an_epoch_in_batches_of_exactly_the_size(record_set):
    drawn = indices(batches.train_batches(record_set, 4, seed=1, pool_batches=64), 48)
    assert {len(batch) for batch in drawn} == {4}
    for epoch in range(3):
        seen = [i for batch in drawn[16 * epoch : 16 * (epoch + 1)] for i in batch]
        assert sorted(seen) == list(range(COUNT))
    assert drawn[:16] != drawn[16:32]


def test_an_epoch_that_is_no_multiple_of_the_batch_loses_nothing(record_set):
    # 64 rows in batches of 5, pools of 15: after 13 x 15 rows, each row came 3 times, and 3 came once more.
    drawn = indices(batches.train_batches(record_set, 5, seed=1, pool_batches=64), 39)
    assert {len(batch) for batch in drawn} == {5}
    counts = collections.Counter(i for batch in drawn for i in batch)
    assert collections.Counter(counts.values()) == {3: COUNT - 3, 4: 3}


@pytest.mark.slow
def test_the_seed_is_the_order(record_set):
    one, same, other = (indices(batches.train_batches(record_set, 4, seed, pool_batches=64), 32) for seed in (1, 1, 2))
    assert one == same != other


def test_rows_of_a_batch_are_of_similar_length(record_set):
    together = alone = 0
    for batch in batches.train_batches(record_set, 4, seed=1, pool_batches=64).take(16):
        mask = batch["input_mask"].numpy()
        assert mask.sum(axis=1).max() == mask.shape[1]  # as wide as its longest row
        together += mask.size
        alone += mask.sum()
    assert alone / together > 0.8  # rows drawn at random would fill about 0.7 of such batches


@pytest.mark.slow
def test_the_position_in_the_data_is_restored_again_and_again(record_set, tmp_path):
    whole = indices(batches.train_batches(record_set, 4, seed=1, pool_batches=64), 40)
    iterator, drawn = iter(batches.train_batches(record_set, 4, seed=1, pool_batches=64)), []
    for steps in (1, 6, 9, 24):  # stops in and between pools of 4 batches, in and between epochs of 16
        drawn += [next(iterator)["example_index"].numpy().tolist() for _ in range(steps)]
        path = tf.train.Checkpoint(iterator=iterator).write(str(tmp_path / f"at-{len(drawn)}"))
        iterator = iter(batches.train_batches(record_set, 4, seed=1, pool_batches=64))
        tf.train.Checkpoint(iterator=iterator).read(path).assert_consumed()
    assert drawn == whole


def test_evaluation_covers_all_once_with_a_ragged_tail(record_set):
    drawn = list(batches.evaluation_batches(record_set, 64))
    seen = [i for batch in drawn for i in batch["example_index"].numpy()]
    assert sorted(seen) == list(range(COUNT))
    sizes, widths = [batch["input_ids"].shape[0] for batch in drawn], [batch["input_ids"].shape[1] for batch in drawn]
    assert widths == sorted(widths, reverse=True)
    assert all(size * width <= 64 for size, width in zip(sizes, widths))
    assert sizes[0] == 4 and max(sizes) > 8  # short rows share larger batches
    assert all("is_real_example" not in batch for batch in drawn)


def test_a_row_longer_than_the_limit_has_a_batch_of_its_own(record_set):
    drawn = indices(batches.evaluation_batches(record_set, 1))
    assert {len(batch) for batch in drawn} == {1} and len(drawn) == COUNT


def test_evaluation_in_several_pools(record_set, monkeypatch):
    monkeypatch.setattr(batches, "EVALUATION_POOL", 10)
    seen = [i for batch in indices(batches.evaluation_batches(record_set, 64)) for i in batch]
    assert sorted(seen) == list(range(COUNT))


def test_static_shapes(record_set):
    buckets = [4, 8, 12, 16]
    for batch in batches.train_batches(record_set, 4, 1, buckets).take(16):
        assert batch["input_ids"].shape[0] == 4 and batch["input_ids"].shape[1] in buckets
        longest = batch["input_mask"].numpy().sum(axis=1).max()
        assert batch["input_ids"].shape[1] == min(b for b in buckets if b >= longest)
    dataset = batches.evaluation_batches(record_set, 0, buckets, batch_size=6)
    assert dataset.element_spec["label_ids"].shape == [6]
    real, seen = [], []
    for batch in dataset:
        assert batch["input_ids"].shape[0] == 6 and batch["input_ids"].shape[1] in buckets
        real.append(batch["is_real_example"].numpy())
        seen += batch["example_index"].numpy()[real[-1] > 0].tolist()
    assert sorted(seen) == list(range(COUNT))
    assert np.concatenate(real).tolist() == [1] * COUNT + [0] * (-COUNT % 6)


def test_fewer_records_than_a_batch(tmp_path):
    few = record_files.write_records(small_records.examples(3), small_records.encoder(tmp_path), tmp_path, "train", 1)
    drawn = indices(batches.train_batches(few, 4, 1), 3)
    assert {len(batch) for batch in drawn} == {4}
    assert set(collections.Counter(i for batch in drawn for i in batch).values()) == {4}


@pytest.mark.slow
def test_without_pools_the_order_is_random(record_set):
    """Batches in random order have more padding than those of a pool, and hold every row once an epoch all the same."""

    def share_of_padding(pool_batches):
        found = list(batches.train_batches(record_set, 4, seed=1, pool_batches=pool_batches).take(16))
        return 1.0 - sum(b["input_mask"].numpy().sum() for b in found) / sum(
            b["input_mask"].numpy().size for b in found
        )

    drawn = indices(batches.train_batches(record_set, 4, seed=1), 16)
    assert sorted(i for batch in drawn for i in batch) == list(range(COUNT))
    assert share_of_padding(1) > share_of_padding(64)


@pytest.mark.slow
@pytest.mark.parametrize("size, count", [(6, -1), (8, -1), (100, -1), (6, 13), (6, 12)])
def test_whole_batches_count_every_row_once_and_fill_up_the_last_with_the_first(record_set, size, count):
    drawn = list(batches.whole_batches(record_set, size, num_examples=count))
    wanted = COUNT if count < 0 else count
    size = min(size, wanted)
    assert [len(batch["example_index"]) for batch in drawn] == [size] * -(-wanted // size)
    places = [
        sorted(zip(*(batch[name].numpy().tolist() for name in ("is_real_example", "example_index")))) for batch in drawn
    ]
    assert [i for batch in places for real, i in batch if real] == list(range(wanted))
    assert [i for batch in places for real, i in batch if not real] == list(range(-wanted % size))


def test_whole_batches_of_static_shape(record_set):
    for batch in batches.whole_batches(record_set, 6, [4, 8, 12, 16]):
        assert batch["input_ids"].shape[0] == 6 and batch["input_ids"].shape[1] in (4, 8, 12, 16)
