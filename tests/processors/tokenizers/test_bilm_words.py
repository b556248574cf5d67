"""Vocabularies of bilm-tf: found by their first words, checked, cut at white space."""

import pytest

from bertline.errors import InputError
from bertline.processors.tokenization import load_tokenizer


def write(tmp_path, *words):
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return path


def test_words_between_white_space(tmp_path):
    tokenizer = load_tokenizer(write(tmp_path, "<S>", "</S>", "<UNK>", "the", "U.S."))
    ids, splits = tokenizer.encode_batch(["the  U.S. The", ""])
    assert ids.tolist() == [3, 4, 2] and splits.tolist() == [0, 3, 3]
    assert [tokenizer.special_id(role) for role in ("start", "end", "unk")] == [0, 1, 2]
    tokenizer.save(tmp_path)
    again = load_tokenizer(tmp_path)
    assert again.fingerprint() == tokenizer.fingerprint()


def test_a_word_of_a_vocabulary_that_is_there_twice(tmp_path):
    with pytest.raises(InputError, match="vocab.txt:5: 'the', which line 4 has too"):
        load_tokenizer(write(tmp_path, "<S>", "</S>", "<UNK>", "the", "the"))
    with pytest.raises(InputError, match="vocab.txt:4: no word"):
        load_tokenizer(write(tmp_path, "<S>", "</S>", "<UNK>", " ", "the"))


def test_special_words_that_are_missing(tmp_path):
    (tmp_path / "options.json").write_text("{}")
    write(tmp_path, "<S>", "the")
    with pytest.raises(InputError, match="vocab.txt: no </S> and no <UNK>"):
        load_tokenizer(tmp_path)


def test_it_keeps_case(tmp_path):
    with pytest.raises(InputError, match="keep their case"):
        load_tokenizer(write(tmp_path, "<S>", "</S>", "<UNK>", "the"), do_lower_case=True)
