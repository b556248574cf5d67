"""Streams of documents: what ends one, what is refused, what memory holds."""

import gzip
import io
import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertline.processors.corpora.making import instance_making
from bertline.processors.files import encodings
from bertline.processors.text import documents
from bertline.processors.text.documents import Corpus, blocks
from bertline.processors.tokenization import FullTokenizer


def write(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(path, unit="blank_line", split=None):
    return [sentences for _, sentences in Corpus([path], unit, split).documents()]


@pytest.mark.parametrize(
    "unit, wanted",
    [
        ("blank_line", [["a b", "c"], ["d"], ["e"]]),
        ("blank_line_or_file", [["a b", "c"], ["d"], ["e"]]),
        ("file", [["a b", "c", "d", "e"]]),
        ("line", [["a b"], ["c"], ["d"], ["e"]]),
    ],
)
def test_units(tmp_path, unit, wanted):
    path = write(tmp_path / "a.txt", "\n\n a b \nc\n\n \t \u3000\nd\r\n\r\ne")
    assert read(path, unit) == wanted


@pytest.mark.parametrize(
    "unit, wanted",
    [
        ("blank_line", [["a", "b", "c"], ["d", "e"]]),
        ("blank_line_or_file", [["a", "b"], ["c"], ["d"], ["e"]]),
        ("file", [["a", "b"], ["c", "d"], ["e"]]),
        ("line", [["a"], ["b"], ["c"], ["d"], ["e"]]),
    ],
)
@pytest.mark.parametrize("split", [None, list])
def test_where_a_document_ends_with_its_file(tmp_path, unit, wanted, split):
    texts = ["a\nb", "c\n\nd\n", "e"]
    files = [write(tmp_path / f"{i}.txt", text) for i, text in enumerate(texts)]
    found = list(Corpus(files, unit, split).documents())
    assert [sentences for _, sentences in found] == wanted
    assert len({number for number, _ in found}) == len(found)


ODD_LINES = st.text(st.sampled_from("ab .\0\t\r\x0b\x1c\x85\u3000\u200b\ufeff\ufffd\x01"), max_size=5)


@given(st.lists(st.tuples(st.lists(ODD_LINES, max_size=5), st.booleans()), min_size=1, max_size=3))
def test_documents_are_those_of_the_original(tmp_path_factory, files):
    """What create_pretraining_data.py reads, stated again; NUL and other characters are dropped by the tokenizer."""
    folder = tmp_path_factory.mktemp("files")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "ab", "."]))
    tokenizer, paths, wanted, nul_bytes = FullTokenizer(vocabulary), [], [[]], 0
    for number, (lines, ends) in enumerate(files):
        text = "\n".join(lines) + ("\n" if lines and ends else "")
        if text.replace("\r", "") != text and "\n" not in text or text.startswith("\ufeff"):
            text = "." + text.replace("\r", "")  # lines that end in CR alone are refused, a byte order mark is none
        if encodings.wide_encoding(text.encode()):
            text = text.replace("\0", "\0\0")  # NUL in every other place is UTF-16, which is refused
        paths.append(write(folder / f"{number}.txt", text))
        nul_bytes += text.count("\0")
        for line in io.StringIO(text, newline="\n"):
            line = line.strip()
            if not line:
                wanted.append([])
            tokens = tokenizer.tokenize(line)
            if tokens:
                wanted[-1].append(tokens)
    corpus, found = Corpus(paths), []
    for block in blocks(corpus.documents()):
        made = instance_making.tokenize_block(block, tokenizer)
        tokens = tokenizer.convert_ids_to_tokens(made.ids.tolist())
        sentences = [tokens[start:end] for start, end in itertools.pairwise(made.sentence_splits)]
        found += [sentences[start:end] for start, end in itertools.pairwise(made.document_splits)]
    assert found == [document for document in wanted if document]
    assert corpus.nul_bytes == nul_bytes


def test_nul_bytes_are_dropped_and_it_is_said_where(tmp_path, caplog):
    path = write(tmp_path / "a.txt", b"a\nb\0c\n\0\0\n \0 \nd\n\n\0e\tf\0\n")
    corpus = Corpus([path])
    assert list(corpus.documents()) == [(0, ["a", "bc", "d"]), (1, ["e\tf"])]
    assert corpus.nul_bytes == 6
    assert [record.getMessage() for record in caplog.records] == [f"{path}:2: a NUL byte; they are dropped"]


def test_encoding_and_bytes_read(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(gzip.compress("房间\n很大\n".encode("gb18030")))
    corpus = Corpus([str(path)], encoding="gb18030")
    assert list(corpus.documents()) == [(0, ["房间", "很大"])]
    assert corpus.bytes_read == path.stat().st_size


def test_a_long_document_is_cut_at_a_sentence_and_it_is_said_once(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(documents, "BLOCK_BYTES", 2048)
    sentences = [f"sentence number {i} of a long document" for i in range(200)]
    path = write(tmp_path / "a.txt", "\n".join(sentences))
    with caplog.at_level(logging.INFO):
        found = read(path)
    assert len(found) > 3 and [sentence for document in found for sentence in document] == sentences
    assert all(sum(map(len, document)) < 1024 + 100 for document in found)
    assert caplog.text.count("are cut at the end of a sentence") == 1


SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.integers(0, 1), SIZES), max_size=20), st.integers(2, 100))
def test_blocks(parts, block_bytes):
    origins = list(itertools.accumulate(step for step, _ in parts))
    corpus = [(origin, ["x" * size for size in sizes]) for origin, (_, sizes) in zip(origins, parts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "BLOCK_BYTES", block_bytes)
        made = list(blocks(iter(corpus)))
    assert [part for block in made for part in zip(block.origins, block.documents)] == corpus
    assert [block.number for block in made] == list(range(len(made)))

    def is_full(parts):
        several = len({origin for origin, _ in parts}) >= documents.DOCUMENTS_IN_BLOCK
        length = sum(len(sentence) for _, document in parts for sentence in document)
        return length >= block_bytes * (1 if several else documents.MOST_BLOCKS_BYTES)

    for block in made[:-1]:  # each has all that it needs, and no more
        parts = list(zip(block.origins, block.documents))
        assert is_full(parts) and not is_full(parts[:-1])
    assert len(made) <= 1 or is_full(list(zip(made[-1].origins, made[-1].documents)))


def test_blocks_of_long_documents_have_several(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK_BYTES", 1000)
    line = "a line of some thirty letters.\n"
    files = [write(tmp_path / f"{i}.txt", line * 33 + "\n") for i in range(12)]
    whole = list(blocks(Corpus(files).documents()))
    assert len(whole) > 2 and all(len(set(block.origins)) >= documents.DOCUMENTS_IN_BLOCK for block in whole)
    endless = list(blocks(Corpus([write(tmp_path / "long.txt", line * 1000)]).documents()))
    sizes = [sum(len(sentence) for part in block.documents for sentence in part) for block in endless]
    assert len(endless) > 3 and max(sizes) < 2 * 5000


def test_blocks_are_made_as_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(documents, "BLOCK_BYTES", 100)
    taken = []

    def stream():
        for i in range(1000):
            taken.append(i)
            yield i, ["x" * 50]

    next(blocks(stream()))
    assert len(taken) <= 2 * documents.DOCUMENTS_IN_BLOCK


def test_splitting_gets_paragraphs(tmp_path):
    path = write(tmp_path / "a.txt", "a\nb\n\n\nc\nd")

    def split(lines):
        return ["+".join(lines)]

    assert read(path, "blank_line", split) == [["a+b"], ["c+d"]]
    assert read(path, "file", split) == [["a+b", "c+d"]]
    assert read(path, "line", split) == [["a"], ["b"], ["c"], ["d"]]
