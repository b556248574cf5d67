"""Counting words: against the original's tokenizer re-stated, and sampling against plain sums."""

import collections
import importlib.util
import pathlib

import pytest
from hypothesis import given, strategies

from bertline.errors import InputError
from bertline.processors.tokenizers.sentencepiece import prepare_text
from bertline.processors.vocabulary import words
from bertline.processors.vocabulary.alphabet import alphabet

_spec = importlib.util.spec_from_file_location(
    "tokenization_oracle", pathlib.Path(__file__).parents[1] / "tokenization_oracle.py"
)
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

ODD = " \t\x0b\x0c\x1c\x1f\x85\u2028\u3000\u200d\ufeff,.'`Aaéß中Σσςŉİ\u0301￥9"
LINES = strategies.lists(strategies.text(strategies.sampled_from(ODD) | strategies.characters(codec="utf-8")))


@given(LINES, strategies.booleans())
def test_words_are_the_originals(lines, do_lower_case):
    expected = collections.Counter(word for line in lines for word in oracle.words(line, do_lower_case))
    if expected:
        assert words.count_words(lines, words.BasicWords(do_lower_case)) == expected
    else:
        with pytest.raises(InputError, match="no word"):
            words.count_words(lines, words.BasicWords(do_lower_case))


@given(LINES, strategies.booleans())
def test_sentence_piece_words_are_those_of_the_prepared_line(lines, do_lower_case):
    expected = collections.Counter(
        w for line in lines for w in prepare_text(line, do_lower_case, not do_lower_case).split()
    )
    splitter = words.PreparedWords(do_lower_case)
    assert not expected or words.count_words(lines, splitter) == expected


def test_a_page_without_blanks_is_cut():
    assert set(words.count_words(["x" * 5000], words.BasicWords(True))) == {"x" * 201}
    assert words.count_words(["x" * 2500], words.PreparedWords(True)) == {"x" * 1000: 2, "x" * 500: 1}


def test_rare_words_are_sampled_without_bias(monkeypatch):
    monkeypatch.setattr(words, "_CHUNKS_AT_ONCE", 1000)  # so that it is done many times
    lines = [f"often {'a' if i % 4 else 'b'}{i}" for i in range(40_000)]
    counts = words.count_words(lines, words.BasicWords(True), max_characters=30_000)
    assert sum(map(len, counts)) <= 30_000 and counts["often"] == 40_000
    assert all(word == "often" or int(word[1:]) in range(40_000) for word in counts)
    for letter, expected in (("a", 30_000), ("b", 10_000)):
        found = sum(count for word, count in counts.items() if word[0] == letter)
        # One of count c, counted n times with probability c / n, has variance c * (n - c); n gets to 16 here.
        assert abs(found - expected) < 4 * (15 * expected) ** 0.5
    assert counts == words.count_words(lines, words.BasicWords(True), max_characters=30_000)


@pytest.mark.parametrize("bound", ["_CHUNKS_AT_ONCE", "_CHARACTERS_AT_ONCE"])
def test_few_words_are_counted_exactly(monkeypatch, bound):
    monkeypatch.setattr(words, bound, 3)
    lines = ["to be, or not to be", "that is", "the question: to be"] * 5
    expected = collections.Counter(word for line in lines for word in oracle.words(line, True))
    assert words.count_words(lines, words.BasicWords(True)) == expected


@given(
    strategies.dictionaries(strategies.text("abcdé中", min_size=1), strategies.integers(1, 99), min_size=1),
    strategies.none() | strategies.integers(1, 6),
    strategies.floats(0.01, 1.0),
)
def test_alphabet_is_the_fewest_characters_that_cover_the_share(counts, limit, coverage):
    running = collections.Counter("".join(word * count for word, count in counts.items()))
    found = alphabet(counts, limit, coverage)
    covered = sum(running[char] for char in found)
    assert [running[char] for char in found] == [n for _, n in running.most_common(len(found))]
    assert len(found) == limit or covered >= coverage * running.total() - 1e-5
    assert covered - running[found[-1]] < coverage * running.total()
