"""Documents as windows, against windows cut one by one from plain lists of tokens."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from plain_truncation import PLAIN, WORDS, letters

from bertline.errors import InputError
from bertline.processors.base import InputExample
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.document_windows import DocumentWindows, saved_windows
from bertline.processors.layouts.packed import Packed
from bertline.processors.layouts.truncation import Truncation
from bertline.processors.records import batches, record_files

settings = hypothesis.settings(max_examples=40, deadline=None)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return letters(tmp_path_factory.mktemp("vocab") / "vocab.txt")


def layout(tokenizer, length=8, truncation=None, **options):
    return DocumentWindows(Packed(tokenizer, length, truncation or Truncation()), **options)


def windows(tokenizer, row):
    """list of (tokens, segments) of each window of a row."""
    ends = np.cumsum(row["window_lengths"])
    assert ends[-1] == len(row["input_ids"]) == len(row["segment_ids"])
    places = [slice(start, end) for start, end in zip([0, *ends], ends)]
    tokens = [tokenizer.convert_ids_to_tokens(row["input_ids"][place].tolist()) for place in places]
    return [(one, row["segment_ids"][place].tolist()) for one, place in zip(tokens, places)]


def cut(tokens, room, stride, most, part):
    """The windows of a list of tokens, one after the other."""
    tokens = PLAIN[part](tokens, min(len(tokens), room + (most - 1) * stride))
    found = [tokens[:room]]
    while len(tokens) > room:
        tokens = tokens[stride:]
        found.append(tokens[:room])
    return found


texts = st.lists(st.sampled_from(WORDS), max_size=50)


@pytest.mark.parametrize("part", PLAIN)
@settings
@hypothesis.given(texts, st.integers(5, 14), st.integers(1, 12) | st.none(), st.integers(1, 5))
def test_windows_of_a_text(tokenizer, part, text, length, stride, most):
    room = length - 2
    stride = stride and min(stride, room)
    made = layout(tokenizer, length, Truncation(part), stride=stride, max_windows=most)
    [[row]] = made.features([InputExample("x", " ".join(text))])
    expected = cut(text, room, stride or room, most, part)
    assert windows(tokenizer, row) == [(["[CLS]", *one, "[SEP]"], [0] * (len(one) + 2)) for one in expected]
    is_cut = len(text) > room + (most - 1) * (stride or room)
    assert row.get("uncut_length", 0) == (len(text) + 2 if is_cut else 0)
    assert len(row["input_ids"]) <= made.max_row_tokens


@pytest.mark.parametrize("side", ("longest", "a", "b"))
@settings
@hypothesis.given(texts, texts.filter(len), st.integers(5, 14), st.integers(1, 12) | st.none(), st.integers(1, 5))
def test_windows_of_a_pair(tokenizer, side, first, second, length, stride, most):
    stride = stride and min(stride, length - 2)
    made = layout(tokenizer, length, Truncation("head", side), stride=stride, max_windows=most)
    [[row]] = made.features([InputExample("x", " ".join(first), " ".join(second))])
    is_second = side == "b" or (side == "longest" and len(second) >= len(first))
    moving, whole = (second, first) if is_second else (first, second)
    room = length - 3
    whole = whole[: max(room // 2, room - len(moving))]
    room -= len(whole)
    expected = []
    for one in cut(moving, room, min(stride or room, room), most, "head") if room else [[]]:
        a, b = (whole, one) if is_second else (one, whole)
        expected.append((["[CLS]", *a, "[SEP]", *b, "[SEP]"], [0] * (len(a) + 2) + [1] * (len(b) + 1)))
    assert windows(tokenizer, row) == expected


@settings
@hypothesis.given(texts.filter(lambda one: len(one) <= 8), texts.filter(lambda one: len(one) <= 8))
def test_what_fits_into_a_row_is_the_row_without_windows(tokenizer, first, second):
    example = InputExample("x", " ".join(first), " ".join(second) if second else None)
    [[plain]] = Packed(tokenizer, 19).features([example])
    [[row]] = layout(tokenizer, 19, stride=2).features([example])
    assert row.pop("window_lengths").tolist() == [len(plain["input_ids"])]
    assert {name: array.tolist() for name, array in row.items()} == {n: array.tolist() for n, array in plain.items()}


@pytest.mark.parametrize("truncation", (Truncation(), Truncation("tail", "a"), Truncation("head_tail", "b")))
@pytest.mark.parametrize("stride", (None, 3))
def test_the_graph_makes_the_same_windows(tokenizer, truncation, stride):
    import tensorflow as tf

    made = layout(tokenizer, 9, truncation, stride=stride, max_windows=3)
    draw = np.random.default_rng(0)
    first, second = (
        [list(draw.choice(WORDS, size)) for size in sizes] for sizes in ((0, 3, 9, 30, 12, 1), (4, 0, 30, 9, 12, 40))
    )
    for pair in ((first, None), (first, second)):
        ids = [None if one is None else [tokenizer.convert_tokens_to_ids(text) for text in one] for one in pair]
        found = made.graph_form()(*(one and tf.ragged.constant(one, dtype=tf.int32) for one in ids))
        examples = [InputExample("x", " ".join(first[i]), pair[1] and " ".join(pair[1][i])) for i in range(len(first))]
        for i, [row] in enumerate(made.features(examples)):
            row.pop("uncut_length", None)
            real = found["input_mask"][i].numpy() > 0
            for name, values in row.items():
                array = found[name][i].numpy()
                kept = array[array > 0] if name == "window_lengths" else array[real]
                assert kept.tolist() == values.tolist(), (i, name)


@pytest.mark.slow
def test_records_hold_windows_and_count_them(tokenizer, tmp_path):
    examples = [InputExample(f"x-{i}", " ".join("abcdefghij"[: i % 10] * 2), None, "l") for i in range(20)]
    encoder = record_files.ExampleEncoder(
        layout(tokenizer, 8, max_windows=2), make_labels("single_label_classification", ["l"])
    )
    found = record_files.write_records(examples, encoder, str(tmp_path), "train")
    again = record_files.write_records(examples, encoder, str(tmp_path), "train")
    lengths = [2 * (i % 10) for i in range(20)]  # tokens; 6 have room in a window
    counts = [min(2, max(1, -(-length // 6))) for length in lengths]
    for one in (found, again):
        assert (one.windows.total, one.windows.most, one.windows.long) == (sum(counts), 2, sum(c > 1 for c in counts))
        assert one.num_cut == sum(length > 12 for length in lengths)
    [*made] = batches.evaluation_batches(found, 64).as_numpy_iterator()
    assert {tuple(row[row > 0].tolist()) for batch in made for row in batch["window_lengths"]} == {
        (2,), (4,), (6,), (8,), (8, 4), (8, 6), (8, 8),
    }  # fmt: skip
    assert encoder.layout.cost("train", 20, found.windows, 10) == (
        f"train: {found.windows.long} of 20 documents are longer than 8 tokens; "
        f"{sum(counts) / 20:.1f} windows a document, at most 2; "
        f"a step of 10 documents encodes {sum(counts) / 2:.0f} windows"
    )


def test_a_folder_keeps_its_windows(tokenizer):
    made = layout(tokenizer, 8, Truncation("tail"), pooling="max", stride=3, max_windows=5)
    entries = made.config_entries()
    assert entries["text_truncation"] == {"part": "tail", "text": "longest"}
    assert DocumentWindows.saved_options(entries, 8) == {"pooling": "max", "stride": 3, "max_windows": 5}
    assert saved_windows({}) is None


@pytest.mark.parametrize(
    "entry",
    (
        "mean",
        {"pooling": "mean"},
        {"pooling": "sum", "stride": None, "max_windows": 2},
        {"pooling": "mean", "stride": 0, "max_windows": 2},
        {"pooling": "mean", "stride": None, "max_windows": True},
    ),
)
def test_a_damaged_folder_is_refused(entry):
    with pytest.raises(InputError, match="document_windows is"):
        saved_windows({"document_windows": entry})


@pytest.mark.parametrize("stride", (0, 7))
def test_a_stride_that_leaves_tokens_out_is_refused(tokenizer, stride):
    with pytest.raises(InputError, match=f"--window_stride={stride}: a number from 1 to 6"):
        layout(tokenizer, 8, stride=stride)


def test_a_row_that_is_too_short_for_windows_of_pairs_is_refused(tokenizer):
    with pytest.raises(InputError, match="--max_seq_length=4: windows need 5"):
        layout(tokenizer, 4)
