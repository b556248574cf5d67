"""What new words of a vocabulary change, and what they leave alone."""

import collections
import random

import pytest

from bertline.processors.tokenization import FullTokenizer
from bertline.processors.vocabulary.extension import extend
from bertline.processors.vocabulary.wordpiece import save

LETTERS = "abcdefghijklmnopqrstuvwxyz"
ENTRIES = [
    "[PAD]",
    "[unused0]",
    "[unused1]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *LETTERS,
    *(f"##{c}" for c in LETTERS),
    "the",
    "vir",
    "##us",
    "cell",
    "##s",
    "",
    "the",
    *"0123456789",
]
COUNTS = collections.Counter(
    {
        "the": 90,
        "virus": 20,
        "viruses": 4,
        "genome": 9,
        "cells": 30,
        "2021": 50,
        "once": 1,
        "β": 15,
        "genomes": 1,
        "x": 8,
    }
)


def pieces(entries, tmp_path):
    return save(entries, str(tmp_path / "vocab.txt"), True).tokenize


def test_the_most_useful_words_come_first(tmp_path):
    before = pieces(ENTRIES, tmp_path)
    found = extend(ENTRIES, COUNTS, 10)
    words = [new.word for new in found.new_words]
    # Saved: genome 5 * 9, cells 30, virus 20, viruses 3 * 4, and the unknown sign 15 times. Not a number, not what
    # occurs once, not what is one piece.
    assert words == ["genome", "cells", "virus", "β", "viruses"]
    assert [new.id for new in found.new_words] == list(range(len(ENTRIES), len(ENTRIES) + 5))
    assert found.entries == [*ENTRIES, *words]
    for new in found.new_words:
        assert [ENTRIES[i] for i in new.piece_ids] == before(new.word) and new.count == COUNTS[new.word]
    assert extend(ENTRIES, COUNTS, 2).entries == [*ENTRIES, "genome", "cells"]
    assert [new.word for new in extend(ENTRIES, COUNTS, 9, min_frequency=16).new_words] == ["cells", "virus"]
    after = pieces(found.entries, tmp_path)
    assert all(after(word) == [word] for word in words)
    assert after("genomes") == ["genome", "##s"] and found.resplit == 1


def test_unused_entries_are_replaced_first():
    found = extend(ENTRIES, COUNTS, 3, use_unused=True)
    assert [(new.word, new.id) for new in found.new_words] == [("genome", 1), ("cells", 2), ("virus", len(ENTRIES))]
    expected = ["[PAD]", "genome", "cells", *ENTRIES[3:], "virus"]
    assert found.entries == expected


def test_nothing_becomes_unknown():
    # With "corona" as an entry, "coronary" would have to go on with "##ry", which there is not.
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cor", "##ona", "##onary", "hat", "##s"]
    counts = collections.Counter({"corona": 9, "coronary": 2, "hats": 3})
    assert [new.word for new in extend(entries, counts, 2, min_frequency=3).new_words] == ["hats"]
    del counts["coronary"]
    assert [new.word for new in extend(entries, counts, 2, min_frequency=3).new_words] == ["corona", "hats"]


def test_other_text_keeps_its_pieces(data_dir, tmp_path):
    """The released vocabulary with the words of a novel, on all words of another one."""
    novels = data_dir / "novels_a"
    released = data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt"
    entries = released.read_text(encoding="utf-8").splitlines()
    old = FullTokenizer(released)
    counts = collections.Counter(old.basic_tokenizer.tokenize((novels / "Conrad_Almayer_1895.txt").read_text("utf-8")))
    found = extend(entries, counts, 200)
    assert found.entries[:30522] == entries and len(found.entries) == 30722
    new = save(found.entries, str(tmp_path / "vocab.txt"), True)
    added = {word.word for word in found.new_words}
    assert "almayer" in added and all(new.tokenize(word) == [word] for word in added)
    words = set(old.basic_tokenizer.tokenize((novels / "Burnett_Garden_1911.txt").read_text("utf-8"))) - added
    beginning = {word for word in words if any(word.startswith(one) for one in added)}
    assert len(words) > 4000 and len(beginning) < 20
    kept = words - beginning
    assert [old.tokenize(word) for word in kept] == [new.tokenize(word) for word in kept]
    text = " ".join(random.Random(0).choices(sorted(kept), k=500))
    assert old.encode_batch([text])[0].tolist() == new.encode_batch([text])[0].tolist()


@pytest.mark.parametrize("use_unused", [False, True])
def test_nothing_to_add(use_unused):
    found = extend(ENTRIES, collections.Counter({"the": 5, "x": 9}), 10, use_unused=use_unused)
    assert found.entries == ENTRIES and found.new_words == [] and found.resplit == 0
