"""The characters of words, as bytes beside their tokens, through records and batches."""

import numpy as np
import pytest

from bertline.errors import InputError
from bertline.processors.base import InputExample, TaggedWords
from bertline.processors.labels.base import make_labels
from bertline.processors.layouts.base import check_gives, get, make
from bertline.processors.layouts.characters import LONGEST_WORD
from bertline.processors.records import batches, record_files
from bertline.processors.tokenization import load_tokenizer

WORDS = ["Häuser", "sind", "x" * 80, "xy", "字"]


@pytest.fixture(scope="module")
def vocab(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sind", "x", "##y"]) + "\n")
    return path


def expected(word):
    found = [257, *(byte + 1 for byte in word.encode()[: LONGEST_WORD - 2]), 258]
    return found + [0] * (LONGEST_WORD - len(found))


def test_each_piece_has_the_bytes_of_its_word(vocab):
    layout = make("words", get("packed_characters")(load_tokenizer(vocab), 10))
    [[row]] = layout.features([TaggedWords("s", tuple(WORDS), None)])
    plain = make("words", get("packed")(load_tokenizer(vocab), 10))
    [[same]] = plain.features([TaggedWords("s", tuple(WORDS), None)])
    assert all(np.array_equal(row[name], same[name]) for name in same)
    nothing = [0] * LONGEST_WORD
    of_words = [expected(word) for word in (*WORDS[:3], "xy", "xy", "字")]
    assert row["character_ids"].tolist() == [nothing, *of_words, nothing]


def test_they_come_through_records_and_windows(vocab, tmp_path):
    layout = make("words", get("plain_characters")(load_tokenizer(vocab), 4))
    encoder = record_files.ExampleEncoder(layout, make_labels("tags", ["O"]))
    examples = [TaggedWords("s", tuple(WORDS), ("O",) * 5), TaggedWords("t", ("sind",), ("O",))]
    found = record_files.write_records(examples, encoder, str(tmp_path), "train", 1)
    [batch] = batches.evaluation_batches(found, 1000)
    rows = {(int(i), int(p)): k for k, (i, p) in enumerate(zip(batch["example_index"], batch["part"]))}
    row = rows[1, 0]
    assert batch["character_ids"].shape[1:] == (4, LONGEST_WORD)
    assert batch["character_ids"][row, 0].numpy().tolist() == expected("sind")
    assert not np.any(batch["character_ids"][row, 1:])
    answered = []
    for part in range(len(rows) - 1):
        row = rows[0, part]
        places = batch["word_positions"][row][: int(np.sum(batch["word_mask"][row]))].numpy()
        answered += batch["character_ids"].numpy()[row, places].tolist()
    assert answered == [expected(word) for word in WORDS]


def test_texts_are_cut_into_words(vocab):
    layout = get("plain_characters")(load_tokenizer(vocab), 3)
    [row], [empty] = layout.features([InputExample("a", "sind xy, sind"), InputExample("b", "")])
    assert row["character_ids"].tolist() == [expected("sind"), expected("xy"), expected("xy")]
    assert row["uncut_length"] == 5 and empty["character_ids"].shape == (0, LONGEST_WORD)
    with pytest.raises(InputError, match="reads single texts"):
        list(layout.features([InputExample("a", "x", "y")]))
    with pytest.raises(InputError, match="^a: two texts, .*or give an encoder that reads no characters$"):
        layout.check([InputExample("a", "x", "y")])


def test_a_feature_that_no_layout_gives_is_told_before_a_step(vocab):
    layout = make("words", get("plain")(load_tokenizer(vocab), 8))
    check_gives(layout, ["input_ids"])
    with pytest.raises(InputError, match="reads short_input_ids, which rows of the layout words do not have"):
        check_gives(layout, ["input_ids", "short_input_ids"])
    with pytest.raises(InputError, match="reads character_ids"):
        check_gives(layout, ["character_ids"])
