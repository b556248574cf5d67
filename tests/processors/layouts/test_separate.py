"""Two texts of a row apart: each as it would be alone, in records and in batches; refused where one lacks."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import small_records
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts import base as layouts
from bertline.processors.records import batches, record_files
from bertline.processors.records.feature_spec import mask_of, token_axes

COUNT, LONGEST = 64, 12
CONFIG = BertConfig(vocab_size=len(small_records.TOKENS), type_vocab_size=2)


def pairs(count=COUNT, seed=0):
    firsts, seconds = (small_records.examples(count, seed + i) for i in range(2))
    return [InputExample(f"r-{i}", a.text_a, b.text_a, float(i)) for i, (a, b) in enumerate(zip(firsts, seconds))]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    tokenizer = small_records.encoder(tmp_path_factory.mktemp("vocab")).layout.tokenizer
    layout = layouts.make("separate", layouts.get("packed")(tokenizer, LONGEST))
    return record_files.ExampleEncoder(layout, make_labels("regression", []))


@pytest.fixture(scope="module")
def record_set(encoder, tmp_path_factory):
    return record_files.write_records(pairs(), encoder, tmp_path_factory.mktemp("records"), "train", 1)


def alone(encoder, text):
    [[features]] = encoder.layout.own.features([InputExample("x", text)])
    return features["input_ids"].tolist()


WORDS = st.lists(st.sampled_from("abcdefghij"), max_size=15).map(" ".join)


@hypothesis.settings(deadline=None)
@hypothesis.given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
def test_each_text_is_what_it_is_alone(encoder, texts):
    found = [row for [row] in encoder.layout.features([InputExample("x", a, b) for a, b in texts])]
    for features, (a, b) in zip(found, texts, strict=True):
        assert features["a_input_ids"].tolist() == alone(encoder, a)
        assert features["b_input_ids"].tolist() == alone(encoder, b)
        assert not features["a_segment_ids"].any() and not features["b_segment_ids"].any()
        assert len(features["b_segment_ids"]) == len(features["b_input_ids"]) <= LONGEST


def test_the_spec_says_which_length_is_whose(encoder):
    assert token_axes(encoder.spec) == ["a_tokens", "b_tokens"]
    assert encoder.spec["b_segment_ids"].axes == ("b_tokens",)
    assert mask_of("b_tokens") in encoder.spec
    assert encoder.fingerprint() != record_files.ExampleEncoder(encoder.layout.own, encoder.labels).fingerprint()


def test_a_row_is_cut_where_one_of_its_texts_is(encoder, record_set):
    lengths = [max(len(text.split()) + 2 for text in (pair.text_a, pair.text_b)) for pair in pairs()]
    cut = [length if length > LONGEST else 0 for length in lengths]
    assert 0 < cut.count(0) < COUNT
    assert (record_set.num_cut, record_set.max_uncut_length) == (COUNT - cut.count(0), max(lengths))
    found = (row for [row] in encoder.layout.features(pairs()))
    assert [int(features.get("uncut_length", 0)) for features in found] == cut


def test_the_original_has_no_such_records(encoder):
    with pytest.raises(InputError, match="--pad_records: the original has no separate records"):
        record_files.ExampleEncoder(encoder.layout, encoder.labels, is_padded=True)


def test_a_row_with_one_text_is_refused_by_its_line(encoder):
    rows = [InputExample("x", "a", "b", 1.0, "train.tsv:1"), InputExample("y", "a", None, 1.0, "train.tsv:2")]
    for refuse in (encoder.layout.check, lambda rows: list(encoder.layout.features(rows))):
        with pytest.raises(InputError, match=r"^train.tsv:2: no second text"):
            refuse(rows)
    layouts.make(None, layouts.get("packed")(encoder.layout.tokenizer, LONGEST)).check(
        rows
    )  # one text is fine where it is packed


def rows_of(dataset, encoder):
    """example_index -> the row's two texts, its label; checks that masks are ones, then zeros."""
    found, shapes = {}, []
    for batch in dataset:
        batch = {name: tensor.numpy() for name, tensor in batch.items()}
        shapes.append(batch["a_input_ids"].shape)
        for i, index in enumerate(batch["example_index"]):
            texts = []
            for text in "ab":
                mask, ids = batch[f"{text}_input_mask"][i], batch[f"{text}_input_ids"][i]
                assert sorted(mask.tolist(), reverse=True) == mask.tolist() and not ids[mask == 0].any()
                texts.append(ids[mask > 0].tolist())
            if batch.get("is_real_example", np.ones(len(mask) + 99))[i]:
                found.setdefault(int(index), []).append((*texts, float(batch["label_ids"][i])))
    return found, shapes


def expected(encoder):
    return {i: [(alone(encoder, e.text_a), alone(encoder, e.text_b), e.label)] for i, e in enumerate(pairs())}


@pytest.mark.slow
def test_evaluation_batches_have_all_rows_once_and_count_the_slots_of_both_texts(record_set, encoder):
    found, shapes = rows_of(batches.evaluation_batches(record_set, 100), encoder)
    assert found == expected(encoder)
    assert all(2 * rows * width <= 100 for rows, width in shapes)
    assert [width for _, width in shapes] == sorted((width for _, width in shapes), reverse=True)
    assert max(rows for rows, _ in shapes) > min(rows for rows, _ in shapes[:-1])


@pytest.mark.slow
def test_training_batches(record_set, encoder):
    for pool_batches in (1, 64):
        drawn = batches.train_batches(record_set, 4, 1, pool_batches=pool_batches).take(COUNT // 4)
        assert rows_of(drawn, encoder)[0] == expected(encoder)


@pytest.mark.slow
def test_static_shapes_are_the_same_for_both_texts(record_set, encoder):
    dataset = batches.evaluation_batches(record_set, 0, [4, 8, 12], batch_size=6)
    found, shapes = rows_of(dataset, encoder)
    assert found == expected(encoder) and {rows for rows, _ in shapes} == {6}
    assert {width for _, width in shapes} <= {4, 8, 12}


@pytest.mark.slow
def test_records_are_read_back_by_their_files_and_checked(record_set, encoder, tmp_path):
    found = record_files.existing_records(",".join(record_set.files), encoder.spec, CONFIG, needs_labels=True)
    assert (found.num_examples, found.max_length) == (COUNT, record_set.max_length) == (COUNT, LONGEST)
    assert rows_of(batches.evaluation_batches(found, 100), encoder)[0] == expected(encoder)
    with pytest.raises(InputError, match=r"b_input_ids has \d+; 0 to 9 are allowed"):
        small = BertConfig(vocab_size=10, type_vocab_size=2)
        only_b = [InputExample("x", "a", "j", 1.0)]
        files = record_files.write_records(only_b, encoder, tmp_path, "one", 1).files
        record_files.existing_records(files[0], encoder.spec, small)
    # A record of the packed layout is no record of two texts.
    packed = small_records.write(
        tmp_path / "packed.tfrecord", [small_records.original_record([2, 5, 3], [0, 0, 0], 1, 4)]
    )
    with pytest.raises(InputError, match="record 1: .*"):
        record_files.existing_records(packed, {**encoder.spec}, CONFIG)


def test_masks_that_a_record_has_count_for_their_own_text(encoder, tmp_path):
    example = tf.train.Example()
    for name, values in {
        "a_input_ids": [2, 5, 3, 0],
        "a_input_mask": [1, 1, 1, 0],
        "a_segment_ids": [0] * 4,
        "b_input_ids": [2, 3],
        "b_segment_ids": [0, 0],
    }.items():
        example.features.feature[name].int64_list.value.extend(values)
    example.features.feature["label_ids"].float_list.value.append(2.0)
    path = small_records.write(tmp_path / "other.tfrecord", [example.SerializeToString()])
    found, shapes = rows_of(
        batches.evaluation_batches(record_files.existing_records(path, encoder.spec, CONFIG), 9), encoder
    )
    assert found == {0: [([2, 5, 3], [2, 3], 2.0)]} and shapes == [(1, 3)]
