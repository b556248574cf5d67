"""What --lint says of good and bad corpora."""

import random
import re

import numpy as np
import pytest

from bertline import registry
from bertline.processors.corpora.making import instance_making
from bertline.processors.text import documents, sentences
from bertline.processors.text.corpus_lint import CorpusLint
from bertline.processors.tokenization import FullTokenizer

WORDS = "the a cat dog man sees hears likes big small red house garden and then he she went home today".split()


def lint(tmp_path, text, unit="blank_line", split=None, cased=False, num_files=1, max_seq_length=64):
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *(word.capitalize() for word in WORDS if cased), "."]
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(vocab) + "\n")
    tokenizer = FullTokenizer(path, do_lower_case=not cased)
    kind = registry.get("corpus", "next_sentence")(tokenizer, max_seq_length, 1)
    files = [tmp_path / f"{i}.txt" for i in range(num_files)]
    for file in files:
        file.write_text(text, encoding="utf-8")
    found = CorpusLint(tokenizer, kind, unit, num_files, split is not None)
    for text_block in documents.blocks(documents.Corpus(map(str, files), unit, split).documents()):
        block = instance_making.tokenize_block(text_block, tokenizer)
        found.add(text_block, block)
    rows, warnings = found.report()
    return dict(rows), warnings


def sentence(rng, length=None):
    words = [rng.choice(WORDS) for _ in range(length or rng.randint(5, 12))]
    return " ".join([words[0].capitalize(), *words[1:]]) + "."


def corpus(num_documents=20, sentences=8, end="\n\n", between="\n", seed=0):
    rng = random.Random(seed)
    return end.join(between.join(sentence(rng) for _ in range(sentences)) for _ in range(num_documents)) + "\n"


def test_a_good_corpus_has_no_warning(tmp_path):
    rows, warnings = lint(tmp_path, corpus())
    assert warnings == []
    assert rows["documents"] == "20"
    assert rows["sentences per document"] == "mean 8.0, median 8, 90% up to 8, longest 8"
    assert rows["documents of one sentence"] == "0.0%"
    assert rows["unknown tokens"] == "0.000%"


def test_a_long_document_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK_BYTES", 1000)  # it is read in parts, and in several blocks
    rows, warnings = lint(tmp_path, corpus(num_documents=1, sentences=300))
    assert rows["documents"] == "1" and rows["sentences per document"].startswith("mean 300.0")
    assert any("one single document" in warning for warning in warnings)
    several = {"text": corpus(num_documents=1, sentences=300), "num_files": 3}
    rows, warnings = lint(tmp_path, **several)
    assert rows["documents"] == "1" and any("1 document(s) in 3 files: only blank lines" in one for one in warnings)
    rows, warnings = lint(tmp_path, **several, unit="blank_line_or_file")
    assert rows["documents"] == "3" and any("are blank lines missing" in warning for warning in warnings)


@pytest.mark.parametrize(
    "text, arguments, message",
    [
        (corpus(between="\n\n"), {}, "is there a blank line after every sentence"),
        (corpus(num_documents=1, sentences=50), {}, "one single document"),
        (corpus(end="\n"), {"num_files": 3}, "--documents=blank_line_or_file ends it with its file"),
        (corpus(end="\n"), {"num_files": 3, "unit": "blank_line_or_file"}, "are blank lines missing between documents"),
        (corpus(between=" "), {}, "a line holds 8.0 sentences on average"),
        (corpus(between=" "), {}, "--split_sentences finds the sentences in them: "),
        (corpus(end="\n", between="\n"), {"unit": "line"}, "--split_sentences makes several of it"),
        (corpus(), {"max_seq_length": 8}, "are longer than --max_seq_length=8"),
        (corpus().replace("cat", "zebra").replace("dog", "zebra"), {}, "are unknown"),
        (corpus(num_documents=60).lower(), {"cased": True}, "the text has no upper-case letters"),
        (corpus(num_documents=60).upper(), {"cased": True}, "the text is in capitals"),
        (corpus().replace("cat", "c\ufffdt"), {}, "replacement characters"),
        (corpus() + "\n\u200b\n\u200b\n", {}, "2 lines without a token"),
    ],
)
def test_mistakes(tmp_path, text, arguments, message):
    _, warnings = lint(tmp_path, text, **arguments)
    assert [warning for warning in warnings if message in warning], warnings


def test_unknown_words_are_named_by_frequency(tmp_path):
    text = corpus().replace("cat", "zebra zebra").replace("dog", "quagga")
    rows, _ = lint(tmp_path, text)
    assert rows["most frequent unknown words"] == "zebra quagga"
    words = text.replace(".", " .").split()
    unknown = sum(word.lower() in ("zebra", "quagga") for word in words)
    assert rows["unknown tokens"] == f"{unknown / len(words):.3%}"


def test_cut_off_and_random_are_those_of_the_instances(tmp_path):
    """One document of one long sentence each: every pair is random, and of each only what fits is left."""
    rng = random.Random(0)
    text = "\n\n".join(sentence(rng, 100) for _ in range(50))
    rows, _ = lint(tmp_path, text, max_seq_length=32)
    assert rows["random or swapped pairs"] == "100.0%"
    # 101 tokens and 101 of another document, 29 of which are left.
    assert rows["cut off to keep the length"].startswith(f"{1 - 29 / 202:.1%}")
    assert rows["instances"] == "500 (10 times through the corpus)"


def test_nothing_to_say(tmp_path):
    rows, warnings = lint(tmp_path, "\u200b\n")
    assert warnings == ["there is no text with a token"] and rows["sentences per document"] == "none"
    assert np.isfinite(float(rows["unknown tokens"].rstrip("%")))


def test_what_splitting_a_corpus_in_one_line_would_change(tmp_path):
    """The numbers are those of the same corpus, split."""
    text = corpus(num_documents=1, sentences=300, between=" ")
    rows, warnings = lint(tmp_path, text)
    split, _ = lint(tmp_path, text, split=sentences.split_paragraph)
    of_lines, of_sentences = (int(found["instances"].split(" (")[0].replace(",", "")) // 10 for found in (rows, split))
    cut = [float(found["cut off to keep the length"].split("%")[0]) for found in (rows, split)]
    [said] = [warning for warning in warnings if "--split_sentences" in warning]
    assert of_lines == 1 and of_sentences > 20
    assert "a line holds 300.0 sentences on average" in said
    found = re.search(r": (\d+) instances instead of (\d+) in .* (\d+)% .* instead of (\d+)%", said).groups()
    assert list(map(int, found[:2])) == [of_sentences, of_lines]
    np.testing.assert_allclose(list(map(float, found[2:])), cut[::-1], atol=0.6)


def test_lines_that_lose_nothing_are_no_matter(tmp_path):
    """Two sentences in each line of long documents: instances are as many, and as long."""
    rng = random.Random(0)
    lines = [[f"{sentence(rng)} {sentence(rng)}" for _ in range(60)] for _ in range(8)]
    text = "\n\n".join("\n".join(document) for document in lines)
    assert "a line holds" not in " ".join(lint(tmp_path, text, max_seq_length=256)[1])
    assert "a line holds 2.0" in " ".join(lint(tmp_path, text, max_seq_length=16)[1])
