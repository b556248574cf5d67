"""WordPiece training against the algorithm re-stated, and its vocabulary against the library's whole tokenizer."""

import collections
import pathlib

import pytest
import tokenizers
from hypothesis import given, strategies

from bertline.errors import InputError
from bertline.processors.tokenizers.rules.normalization import BasicTokenizer
from bertline.processors.tokenizers.rules.wordpiece import WordpieceTokenizer
from bertline.processors.vocabulary import wordpiece
from bertline.processors.vocabulary.coverage import coverage
from bertline.processors.vocabulary.words import BasicWords, count_words

CORPUS = sorted((pathlib.Path(__file__).parents[3] / "samples" / "corpus").glob("*.txt"))
LINES = [line for path in CORPUS for line in path.read_text(encoding="utf-8").splitlines()]
MORE = ["Zoë's naïve café — 3,5 km²", "北京is big", "Κόσμοι", "don't [MASK] me", "ﬁne"]


def joined(words, entries, size, min_frequency):
    """Sennrich et al. 2016, algorithm 1, with "##" before what continues a word: slow and plain.

    The most frequent pair is joined; of equally frequent ones the pair whose pieces came first into the vocabulary.
    """
    entries = list(entries)
    split = {word: [word[0], *(f"##{char}" for char in word[1:])] for word in words}
    while len(entries) < size:
        pairs = collections.Counter()
        for word, pieces in split.items():
            for pair in zip(pieces, pieces[1:]):
                pairs[pair] += words[word]
        ranks = {entry: i for i, entry in enumerate(entries)}
        best = min(pairs, key=lambda pair: (-pairs[pair], ranks[pair[0]], ranks[pair[1]]), default=None)
        if best is None or pairs[best] < min_frequency:
            return entries
        new = best[0] + best[1].removeprefix("##")
        if new not in ranks:
            entries.append(new)
        for pieces in split.values():
            at = 0
            while at < len(pieces) - 1:
                if (pieces[at], pieces[at + 1]) == best:
                    pieces[at : at + 2] = [new]
                at += 1
    return entries


@pytest.fixture(scope="module")
def counts():
    return count_words([*LINES, *MORE * 3], BasicWords(True))


def test_it_is_the_algorithm(counts):
    found = wordpiece.train(counts, 400, min_frequency=3)
    fixed = [entry for entry in found if len(entry.removeprefix("##")) == 1 or entry.startswith("[") and entry != "["]
    assert found[: len(fixed)] == fixed
    assert found == joined(counts, fixed, 400, 3)
    assert len(found) == 400


def test_a_text_that_has_no_more_pieces_gives_fewer(counts):
    few = collections.Counter({word: count for word, count in counts.items() if count > 20})
    fixed = len(wordpiece.train(few, 120, min_frequency=10**9))
    found = wordpiece.train(few, 100_000, min_frequency=25)
    assert found == joined(few, found[:fixed], 100_000, 25)


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_the_library_tokenizes_as_we_do(tmp_path, do_lower_case):
    texts = [*LINES, *MORE]
    counts = count_words(texts, BasicWords(do_lower_case))
    ours = wordpiece.save(wordpiece.train(counts, 1500), str(tmp_path / "vocab.txt"), do_lower_case)
    theirs = tokenizers.BertWordPieceTokenizer(str(tmp_path / "vocab.txt"), lowercase=do_lower_case)
    for text in texts:
        # It makes [MASK] in a text a special token, the original does not.
        if "[MASK]" not in text:
            assert ours.tokenize(text) == theirs.encode(text, add_special_tokens=False).tokens
        assert "[UNK]" not in ours.tokenize(text)
    found = coverage(counts, ours)
    assert (
        found.unknown == 0
        and found.words == counts.total()
        and found.characters == sum(len(word) * count for word, count in counts.items())
    )
    assert found.pieces == sum(len(ours.tokenize(text)) for text in texts)


@given(strategies.text(strategies.sampled_from("theofbra ,.\n")))
def test_any_text_of_known_characters_is_known(text):
    vocabulary = wordpiece.train(collections.Counter({"the": 3, "of": 2, "bread": 1, ",": 1, ".": 1}), 40)
    wordpiece_tokenizer = WordpieceTokenizer({entry: i for i, entry in enumerate(vocabulary)})
    assert "[UNK]" not in wordpiece_tokenizer.tokenize(" ".join(BasicTokenizer(True).tokenize(text)))


def test_special_tokens_have_their_places(data_dir, counts):
    released = (data_dir / "bert_vocabs" / "google_uncased_en_vocab.txt").read_text(encoding="utf-8").splitlines()
    assert wordpiece.train(counts, 500, num_unused=99)[:104] == released[:104]
    assert wordpiece.train(counts, 500)[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_a_limited_alphabet_leaves_words_unknown(tmp_path, counts):
    tokenizer = wordpiece.save(wordpiece.train(counts, 500, limit_alphabet=26), str(tmp_path / "vocab.txt"), True)
    single = {entry for entry in tokenizer.vocab if len(entry) == 1}
    assert len(single) == 26 and "中" not in single
    assert tokenizer.tokenize("北 bread") == ["[UNK]", *tokenizer.tokenize("bread")]
    assert 0 < coverage(counts, tokenizer).unknown < 0.05 * counts.total()


def test_too_small_for_the_characters(counts):
    with pytest.raises(
        InputError, match=r"--vocab_size=60: the \d+ characters .* need \d+ entries; .*--limit_alphabet"
    ):
        wordpiece.train(counts, 60)


def test_an_ideograph_or_a_mark_continues_no_word(counts):
    vocabulary = set(wordpiece.train(counts, 500))
    assert {"北", ",", "e", "##e"} <= vocabulary and not {"##北", "##,"} & vocabulary


def test_words_beyond_the_limit_of_the_tokenizer_do_not_disturb():
    vocabulary = wordpiece.train(collections.Counter({"x" * 201: 9, "yz": 3}), 30)
    assert "yz" in vocabulary and "##xx" not in vocabulary
