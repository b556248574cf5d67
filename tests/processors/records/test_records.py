"""TFRecords: what goes in comes out, reuse by content, records of the original, broken files."""

import dataclasses
import json
import os
import pathlib
import shutil

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import small_records
import tensorflow as tf

from bertline.errors import InputError
from bertline.modeling.encoders.transformers.bert import BertConfig
from bertline.processors.records import batches, record_checks, record_files
from bertline.processors.records.feature_spec import Feature

CONFIG = BertConfig(vocab_size=len(small_records.TOKENS), type_vocab_size=2)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return small_records.encoder(tmp_path_factory.mktemp("vocab"))


def contents(record_set):
    """Every record as a dict of lists, in the order of the files."""
    found = []
    for serialized in tf.data.TFRecordDataset(record_set.files):
        features = tf.train.Example.FromString(serialized.numpy()).features.feature
        found.append(
            {
                n: list((f.int64_list if f.WhichOneof("kind") == "int64_list" else f.float_list).value)
                for n, f in features.items()
            }
        )
    return found


def read_back(record_set):
    """example_index -> dict of arrays, by the graph that feeds the models."""
    rows = {}
    for batch in batches.evaluation_batches(record_set, 64):
        batch = {name: tensor.numpy() for name, tensor in batch.items()}
        for i, index in enumerate(batch["example_index"]):
            assert index not in rows
            rows[int(index)] = {name: array[i] for name, array in batch.items()}
    return rows


def test_round_trip(encoder, tmp_path):
    examples = small_records.examples(50)
    written = record_files.write_records(examples, encoder, tmp_path, "train", num_processes=1)
    rows = read_back(written)
    assert sorted(rows) == list(range(50)) and written.num_examples == 50
    expected = list(encoder.features(examples, 0))
    assert written.max_length == max(len(features["input_ids"]) for features in expected) == 16
    for i, features in enumerate(expected):
        length = len(features["input_ids"])
        for name in ("input_ids", "segment_ids"):
            assert rows[i][name][:length].tolist() == features[name].tolist()
            assert not rows[i][name][length:].any()
        assert rows[i]["input_mask"].tolist() == [1] * length + [0] * (len(rows[i]["input_mask"]) - length)
        assert rows[i]["label_ids"] == ("no", "yes").index(examples[i].label)
        assert {name: rows[i][name].dtype.name for name in rows[i]} == dict.fromkeys(rows[i], "int32")


def num_tokens(example):
    """With special ones; each word of these texts is a token."""
    texts = [text.split() for text in (example.text_a, example.text_b or "") if text]
    return 1 + sum(len(words) + 1 for words in texts)


@pytest.mark.slow
@pytest.mark.parametrize("processes", (1, 2))
def test_cut_rows_are_counted_and_told_of_again_when_reused(encoder, tmp_path, caplog, processes):
    examples = small_records.examples(50)
    lengths = [num_tokens(example) for example in examples]
    cut = sum(length > 16 for length in lengths)
    assert 0 < cut < 50
    for _ in range(2):
        caplog.clear()
        written = record_files.write_records(examples, encoder, tmp_path, "train", processes)
        assert (written.num_cut, written.max_uncut_length) == (cut, max(lengths))
        said = f"{cut} of 50 train rows are cut to --max_seq_length=16; the longest has {max(lengths)} tokens"
        assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [said]
    rows = read_back(written)
    assert [int(rows[i]["uncut_length"]) for i in range(50)] == [n if n > 16 else 0 for n in lengths]


def test_records_of_which_nothing_is_cut_or_known(encoder, tmp_path, caplog):
    short = [example for example in small_records.examples(50) if num_tokens(example) <= 16]
    written = record_files.write_records(short, encoder, tmp_path, "train", 1)
    assert (written.num_cut, written.max_uncut_length) == (0, written.max_length)
    manifest = tmp_path / f"train-{written.key}.manifest.json"
    earlier = {name: value for name, value in json.loads(manifest.read_text()).items() if "cut" not in name}
    manifest.unlink()
    (tmp_path / f"train-{written.key}.json").write_text(json.dumps(earlier))  # as versions wrote it that did not count
    found = record_files.write_records(short, encoder, tmp_path, "train", 1)
    assert (found.files, found.num_cut) == (written.files, None)
    assert not caplog.records


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(
    label=st.sampled_from(
        [
            ("regression", -2.25),
            ("regression", 3),
            ("regression", None),
            ("multi_label_classification", ("yes",)),
            ("multi_label_classification", ()),
            ("multi_label_classification", None),
            ("single_label_classification", None),
        ]
    ),
    ids=st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=9),
)
def test_round_trip_of_any_ids_and_every_kind_of_label(encoder, label, ids):
    kind, value = label
    labels = small_records.make_labels(kind, ["no", "yes"] if kind != "regression" else [])
    spec = dataclasses.replace(encoder, labels=labels).spec
    features = {
        "input_ids": np.array(ids, np.int32),
        "segment_ids": np.zeros(len(ids), np.int32),
        "example_index": np.int32(3),
    }
    if value is not None:
        features["label_ids"] = labels.to_array(value)
    parsed = batches.sort_by_length(batches.parse(tf.constant([record_files.serialize(features, spec)]), spec), spec)
    batch = {name: tensor[0].numpy() for name, tensor in batches.dense_batch(parsed, 0, 1, spec).items()}
    assert batch["input_ids"].tolist() == ids and batch["input_mask"].tolist() == [1] * len(ids)
    if value is None:
        assert (
            np.isnan(batch["label_ids"]) if batch["label_ids"].dtype == np.float32 else batch["label_ids"] == -1
        ).all()
    else:
        np.testing.assert_array_equal(batch["label_ids"], labels.to_array(value))


@pytest.mark.slow
@pytest.mark.parametrize("kind, labels", (("single_label_classification", ("no", "yes")), ("regression", ())))
def test_padded_records_are_what_the_originals_reader_parses(tmp_path, kind, labels):
    """The feature specification of run_classifier.py takes them; read by ours, batches are as those of others."""
    examples = small_records.examples(20)
    if kind == "regression":
        examples = [dataclasses.replace(example, label=i / 4) for i, example in enumerate(examples)]
    examples[3] = dataclasses.replace(examples[3], label=None)
    true = small_records.encoder(tmp_path, labels=labels, kind=kind)
    padded = dataclasses.replace(true, is_padded=True)
    one, other = (record_files.write_records(examples, encoder, tmp_path, "train", 1) for encoder in (true, padded))
    assert one.key == other.key and one.max_length == other.max_length and not set(one.files) & set(other.files)
    assert record_files.write_records(examples, padded, tmp_path, "train", 1) == other
    number = tf.float32 if kind == "regression" else tf.int64
    spec = {name: tf.io.FixedLenFeature([16], tf.int64) for name in ("input_ids", "input_mask", "segment_ids")}
    spec |= {"label_ids": tf.io.FixedLenFeature([], number), "is_real_example": tf.io.FixedLenFeature([], tf.int64)}
    expected = list(true.features(examples, 0))
    for record, features in zip(tf.data.TFRecordDataset(other.files), expected, strict=True):
        found = {name: value.numpy().tolist() for name, value in tf.io.parse_single_example(record, spec).items()}
        length = len(features["input_ids"])
        assert found["input_ids"] == [*features["input_ids"].tolist(), *[0] * (16 - length)]
        assert found["segment_ids"] == [*features["segment_ids"].tolist(), *[0] * (16 - length)]
        assert found["input_mask"] == [1] * length + [0] * (16 - length)
        assert found["label_ids"] == features.get("label_ids", 0) and found["is_real_example"] == 1
    ours, theirs = read_back(one), read_back(other)
    assert ours.keys() == theirs.keys()
    for i in set(ours) - {3}:
        for name, values in ours[i].items():
            np.testing.assert_array_equal(values, theirs[i][name])
    assert record_files.existing_records(",".join(other.files), true.spec, CONFIG, True).num_examples == 20


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(encoder, tmp_path):
    examples = small_records.examples(21)
    one = record_files.write_records(examples, encoder, tmp_path / "1", "train", num_processes=1)
    two = record_files.write_records(examples, encoder, tmp_path / "2", "train", num_processes=2)
    assert (len(one.files), len(two.files)) == (1, 2)
    assert contents(one) == contents(two)
    assert (one.key, one.num_examples, one.max_length) == (two.key, two.num_examples, two.max_length)


def test_same_content_is_not_written_again_other_content_is(encoder, tmp_path):
    examples = small_records.examples(8)
    first = record_files.write_records(examples, encoder, tmp_path, "train")
    times = {path: os.stat(path).st_mtime_ns for path in map(str, tmp_path.iterdir())}
    assert record_files.write_records(list(examples), encoder, tmp_path, "train") == first
    assert {path: os.stat(path).st_mtime_ns for path in map(str, tmp_path.iterdir())} == times

    text = [dataclasses.replace(examples[0], text_a=examples[0].text_a + " a"), *examples[1:]]
    second_text = [dataclasses.replace(examples[1], text_b="a"), *examples[2:], examples[0]]
    label = [dataclasses.replace(examples[0], label={"no": "yes", "yes": "no"}[examples[0].label]), *examples[1:]]
    vocabulary = small_records.encoder(tmp_path, tokens=[*small_records.TOKENS, "k"])
    length = small_records.encoder(tmp_path, max_seq_length=15)
    names = small_records.encoder(tmp_path, labels=("yes", "no"))
    keys = [first.key]
    for changed, with_encoder in (
        (text, encoder),
        (second_text, encoder),
        (label, encoder),
        (examples[::-1], encoder),
        (examples, vocabulary),
        (examples, length),
        (examples, names),
    ):
        made = record_files.write_records(changed, with_encoder, tmp_path, "train")
        assert all(os.path.exists(path) for path in made.files) and not set(made.files) & set(first.files)
        keys.append(made.key)
    assert len(set(keys)) == len(keys)
    assert {path: os.stat(path).st_mtime_ns for path in times} == times
    guid = [dataclasses.replace(example, guid=f"other-{example.guid}") for example in examples]
    assert record_files.content_key(guid, encoder) == first.key  # records hold no guid


@pytest.mark.parametrize("damage", ("truncated", "absent"))
def test_records_that_are_not_whole_are_written_anew(encoder, tmp_path, damage):
    examples = small_records.examples(8)
    first = record_files.write_records(examples, encoder, tmp_path, "train")
    shard, before = pathlib.Path(first.files[0]), contents(first)
    if damage == "truncated":
        shard.write_bytes(shard.read_bytes()[:-5])
    else:
        shard.unlink()
    assert contents(record_files.write_records(examples, encoder, tmp_path, "train")) == before
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("content, message", small_records.MALFORMED_MANIFESTS)
def test_records_whose_manifest_is_malformed_are_written_anew(encoder, tmp_path, caplog, content, message):
    examples = small_records.examples(8)
    first = record_files.write_records(examples, encoder, tmp_path, "train")
    before, manifest = contents(first), tmp_path / f"train-{first.key}.manifest.json"
    manifest.write_bytes(content(manifest.read_bytes()))
    caplog.clear()
    again = record_files.write_records(examples, encoder, tmp_path, "train")
    assert (again, contents(again)) == (first, before)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2 and said[0].startswith(str(manifest)) and message in said[0] and "are cut to" in said[1]


def test_nothing_is_left_of_a_shard_that_could_not_be_written(encoder, tmp_path, monkeypatch):
    class Full:
        def __init__(self, path):
            pathlib.Path(path).write_bytes(b"half")

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: None  # noqa: E731

        def write(self, record):
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.io, "TFRecordWriter", Full)
    with pytest.raises(InputError, match=r"train-.*\.tfrecord: cannot be written: No space left"):
        record_files.write_records(small_records.examples(3), encoder, tmp_path, "train", 1)
    assert not list(tmp_path.iterdir())


def test_no_example_and_no_folder(encoder, tmp_path):
    with pytest.raises(InputError, match="the dev split has no example"):
        record_files.write_records([], encoder, tmp_path, "dev")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        record_files.write_records(small_records.examples(3), encoder, tmp_path / "file" / "records", "dev", 1)


# Records of the original.


def original_rows(encoder, count=9, length=16):
    """(InputExamples, the records that the original would write of them)."""
    examples = small_records.examples(count, seed=5)
    features = list(encoder.features(examples, 0))
    return features, [
        small_records.original_record(f["input_ids"], f["segment_ids"], int(f["label_ids"]), length) for f in features
    ]


def test_records_of_the_original_are_read_as_they_are(encoder, tmp_path):
    features, rows = original_rows(encoder)
    for i in range(3):
        small_records.write(tmp_path / f"train.tf_record-{i}", rows[3 * i : 3 * i + 3])
    found = record_files.existing_records(f"{tmp_path}/train.tf_record*", encoder.spec, CONFIG, True, 2)
    assert (found.num_examples, found.max_length, len(found.files)) == (9, 16, 3)
    read = read_back(found)
    assert sorted(read) == list(range(9))  # their place in the files is their number
    for i, expected in enumerate(features):
        length = len(expected["input_ids"])
        assert read[i]["input_ids"][:length].tolist() == expected["input_ids"].tolist()
        assert read[i]["segment_ids"][:length].tolist() == expected["segment_ids"].tolist()
        assert read[i]["input_mask"].sum() == length and not read[i]["input_ids"][length:].any()
        assert read[i]["label_ids"] == expected["label_ids"]


def test_a_pattern_leaves_out_the_manifest(encoder, tmp_path):
    written = record_files.write_records(small_records.examples(9, seed=5), encoder, tmp_path / "a[1],b", "dev")
    found = record_files.existing_records(f"{tmp_path}/a[1],b/dev*", encoder.spec, CONFIG, True, 2)
    assert (found.files, found.num_examples) == (written.files, 9)
    with pytest.raises(InputError, match=r"no file matches .*\.json"):
        record_files.existing_records(f"{tmp_path}/a[1],b/*.json", encoder.spec, CONFIG)


@pytest.mark.slow
def test_rows_that_fill_up_batches_for_a_tpu_do_not_count(encoder, tmp_path):
    features, rows = original_rows(encoder)
    padding = small_records.original_record([], [], 0, 16, real=0)
    path = small_records.write(tmp_path / "eval.tf_record", [*rows, padding, padding])
    found = record_files.existing_records(path, encoder.spec, CONFIG, True, 2)
    assert found.num_examples == 9
    assert sorted(read_back(found)) == list(range(9))
    seen = [i for batch in batches.train_batches(found, 3, 1).take(3) for i in batch["example_index"].numpy()]
    assert sorted(seen) == list(range(9))


def test_a_record_of_the_original_with_one_more_bit_is_another_run(encoder, tmp_path):
    features, rows = original_rows(encoder)
    sets = []
    for name, records_of_it in (("a", rows), ("b", rows), ("c", [*rows[:-1], rows[0]])):
        path = small_records.write(tmp_path / name, records_of_it)
        sets.append(record_files.existing_records(path, encoder.spec, CONFIG, True, 2))
    assert sets[0].key == sets[1].key != sets[2].key


def test_pretraining_records_of_the_original(golden_dir):
    token, masked = Feature("int32", ("tokens",)), Feature("int32", (20,))
    spec = {
        "input_ids": token,
        "input_mask": token,
        "segment_ids": token,
        "masked_lm_positions": masked,
        "masked_lm_ids": masked,
        "masked_lm_weights": Feature("float32", (20,)),
        "next_sentence_labels": Feature("int32"),
    }
    path = str(golden_dir / "pretraining_original.tfrecord")
    found = record_files.existing_records(path, spec, BertConfig(vocab_size=30522, type_vocab_size=2))
    assert (found.num_examples, found.max_length) == (200, 128)
    plain = {
        name: tf.io.FixedLenFeature(
            [128 if f.named_axes else f.numbers], tf.int64 if f.dtype == "int32" else tf.float32
        )
        for name, f in spec.items()
    }
    pool = next(iter(tf.data.TFRecordDataset(path).batch(200)))
    expected = {name: tensor.numpy() for name, tensor in tf.io.parse_example(pool, plain).items()}
    parsed = batches.sort_by_length(batches.parse(pool, spec), spec)
    order = np.argsort(-expected["input_mask"].sum(axis=1), kind="stable")
    batch = batches.dense_batch(parsed, 0, 200, spec)
    for name, values in expected.items():
        values = values[order]
        values = values if spec[name].axes else values[:, 0]
        np.testing.assert_array_equal(
            batch[name].numpy(), values[:, : batch[name].shape[1]] if values.ndim > 1 else values
        )


# Bad records.


def flipped(path, offset):
    data = bytearray(pathlib.Path(path).read_bytes())
    data[offset] ^= 0xFF
    pathlib.Path(path).write_bytes(data)


def test_broken_files_are_named_with_the_place(encoder, tmp_path):
    _, rows = original_rows(encoder, 3)
    path = small_records.write(tmp_path / "x.tfrecord", rows)
    whole = pathlib.Path(path).read_bytes()
    second = 16 + len(rows[0])  # a record has 12 bytes before and 4 behind it

    def refused():
        with pytest.raises(InputError) as error:
            record_files.existing_records(path, encoder.spec, CONFIG)
        assert str(error.value).startswith(f"{path}: ")
        return str(error.value)

    flipped(path, second + 20)  # TensorFlow names the place behind the record's length
    assert f"corrupted record at byte {second + 12}, after 1 whole records" in refused()
    pathlib.Path(path).write_bytes(whole[:-7])
    third = second + 16 + len(rows[1])
    assert f"truncated record at byte {third}, after 2 whole records" in refused()
    pathlib.Path(path).write_text("guid\tlabel\ttext\n" * 5)
    assert "corrupted record at byte 0" in refused()
    pathlib.Path(path).write_bytes(b"")
    assert "no record in 1 file(s)" in refused()


def test_own_records_that_were_corrupted_later_are_found(encoder, tmp_path):
    written = record_files.write_records(small_records.examples(5), encoder, tmp_path, "train", 1)
    record_checks.find_corruption(written)
    flipped(written.files[0], 14)
    again = record_files.write_records(small_records.examples(5), encoder, tmp_path, "train", 1)
    assert again == written  # as long as it says: found only by reading
    with pytest.raises(tf.errors.DataLossError):
        list(batches.train_batches(again, 2, 0).take(1))
    with pytest.raises(InputError, match=r"\.tfrecord: corrupted record at byte 12, after 0 whole records"):
        record_checks.find_corruption(again)


def example_of(**features):
    example = tf.train.Example()
    for name, values in features.items():
        feature = example.features.feature[name]
        (feature.float_list if isinstance(values[0], float) else feature.int64_list).value.extend(values)
    return example.SerializeToString()


GOOD = {"input_ids": [2, 5, 3], "segment_ids": [0, 0, 0], "label_ids": [1]}


@pytest.mark.parametrize(
    "change, message",
    (
        ({"input_ids": [2, 15, 3]}, "input_ids has 15; 0 to 14 are allowed (the model's vocab_size is 15)"),
        ({"input_ids": [2, -1, 3]}, "input_ids has -1; 0 to 14 are allowed"),
        ({"segment_ids": [0, 2, 0]}, "segment_ids has 2; 0 to 1 are allowed (the model's type_vocab_size is 2)"),
        ({"label_ids": [2]}, "label_ids has 2; 0 to 1 are allowed (the number of labels is 2)"),
        ({"label_ids": [-1]}, "label_ids has -1; 0 to 1 are allowed"),
        ({"label_ids": [0.5]}, "label_ids is a float_list; this task needs int64_list"),
        ({"label_ids": [1, 1]}, "label_ids has 2 numbers; 1 are needed"),
        ({"label_ids": None}, "no label_ids; it has input_ids, segment_ids"),
        ({"input_ids": None}, "no input_ids; it has label_ids, segment_ids"),
        ({"segment_ids": [0, 0]}, "segment_ids has 2 numbers; 3 are needed"),
        ({"segment_ids": None}, "no segment_ids; it has input_ids, label_ids"),
        ({"input_mask": [1]}, "input_mask has 1 numbers; 3 are needed"),
        ({"input_mask": [1, 2, 0]}, "input_mask has 2; ones, one at least, then zeros are needed"),
        ({"input_mask": [1, -1, 0]}, "input_mask has -1; ones, one at least, then zeros are needed"),
        ({"input_mask": [1, 0, 1]}, "input_mask is 1 0 1; ones, one at least, then zeros are needed"),
        ({"input_mask": [0, 1, 1]}, "input_mask is 0 1 1; ones, one at least, then zeros are needed"),
        ({"input_mask": [0, 0, 0]}, "input_mask is 0 0 0; ones, one at least, then zeros are needed"),
        ({"is_real_example": [0.5]}, "is_real_example is a float_list; this task needs int64_list"),
    ),
)
def test_records_that_do_not_fit(encoder, tmp_path, change, message):
    features = {name: values for name, values in {**GOOD, **change}.items() if values}
    rows = [example_of(**row) for row in (GOOD, features, {"input_ids": [99]}, GOOD)]
    path = small_records.write(tmp_path / "x.tfrecord", rows)
    with pytest.raises(InputError) as error:
        record_files.existing_records(path, encoder.spec, CONFIG, True, 2)
    assert str(error.value).startswith(f"{path}, record 2: ") and message in str(error.value)


def test_scores_that_are_no_numbers(tmp_path):
    spec = small_records.encoder(tmp_path, labels=(), kind="regression").spec
    for score in (float("nan"), float("inf")):
        rows = [example_of(**{**GOOD, "label_ids": [value]}) for value in (-1.5, score)]
        path = small_records.write(tmp_path / "x.tfrecord", rows)
        with pytest.raises(InputError, match=f"record 2: label_ids has {score:g}; finite numbers are needed"):
            record_files.existing_records(path, spec, CONFIG, needs_labels=True)
        assert record_files.existing_records(path, spec, CONFIG, needs_labels=False).num_examples == 2


def test_rows_that_fill_up_batches_keep_no_rule(encoder, tmp_path):
    rows = [example_of(**GOOD), example_of(input_ids=[99], is_real_example=[0]), example_of(**GOOD)]
    found = record_files.existing_records(small_records.write(tmp_path / "x", rows), encoder.spec, CONFIG, True, 2)
    assert (found.num_examples, found.max_length, found.has_padding) == (2, 3, True)


@pytest.mark.parametrize("odd", (b"\xff\xff\xff no example", b"\x0a\x0f\x0a\x0d\x0a\x09input_ids\x22\x00"))
def test_records_of_something_else(encoder, tmp_path, odd):
    """The second has a field that the protocol leaves to later versions: Python skips it, TensorFlow cannot."""
    path = small_records.write(tmp_path / "x.tfrecord", [example_of(**GOOD), odd])
    with pytest.raises(InputError, match="record 2: not a tf.train.Example of"):
        record_files.existing_records(path, encoder.spec, CONFIG)
    with pytest.raises(InputError, match="no file matches .*nothing"):
        record_files.existing_records(f"{tmp_path}/nothing*", encoder.spec, CONFIG)


def test_unlabelled_records_are_good_for_prediction(encoder, tmp_path):
    path = small_records.write(
        tmp_path / "x.tfrecord", [example_of(**GOOD), example_of(input_ids=[2, 3], segment_ids=[0, 0])]
    )
    found = record_files.existing_records(path, encoder.spec, CONFIG, needs_labels=False, num_labels=2)
    assert found.num_examples == 2
    assert [int(row["label_ids"]) for _, row in sorted(read_back(found).items())] == [1, -1]


def test_the_manifest_moves_with_its_folder(encoder, tmp_path):
    first = record_files.write_records(small_records.examples(5), encoder, tmp_path / "a", "train", 1)
    shutil.move(tmp_path / "a", tmp_path / "b")
    again = record_files.write_records(small_records.examples(5), encoder, tmp_path / "b", "train", 1)
    assert contents(again) and again.key == first.key
    assert json.loads((tmp_path / "b" / f"train-{first.key}.manifest.json").read_text())["num_examples"] == 5
