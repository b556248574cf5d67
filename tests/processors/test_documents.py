"""Streams of documents: what ends one, what is refused, what memory holds."""

import gzip
import itertools
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InputError
from processors import documents
from processors.documents import Corpus, blocks


def write(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(path, unit="blank_line", split=None):
    return [sentences for _, sentences in Corpus([path], unit, split).documents()]


@pytest.mark.parametrize(
    "unit, wanted",
    [
        ("blank_line", [["a b", "c"], ["d"], ["e"]]),
        ("file", [["a b", "c", "d", "e"]]),
        ("line", [["a b"], ["c"], ["d"], ["e"]]),
    ],
)
def test_units(tmp_path, unit, wanted):
    path = write(tmp_path / "a.txt", "\n\n a b \nc\n\n \t \u3000\nd\r\n\r\ne")
    assert read(path, unit) == wanted


def test_a_document_ends_with_its_file(tmp_path):
    files = [write(tmp_path / "a.txt", "a\nb"), write(tmp_path / "b.txt", "c\n")]
    assert list(Corpus(files).documents()) == [(0, ["a", "b"]), (1, ["c"])]


LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=8)


@given(st.lists(LINE, max_size=12), st.integers(1, 40), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_lines_whatever_the_chunks(tmp_path_factory, lines, chunk_bytes, end, bom, packed):
    data = (b"\xef\xbb\xbf" if bom else b"") + "".join(line + end for line in lines).encode()
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_CHUNK_BYTES", max(chunk_bytes, 3))
        corpus = Corpus([str(path)])
        found = [line.removesuffix("\r") for line in corpus.lines(str(path))]
    if lines and lines[0].startswith("\ufeff") and not bom:
        lines = [lines[0][1:], *lines[1:]]
        lines = lines if data[3:] else []
    assert found == lines
    assert corpus.bytes_read == path.stat().st_size


@pytest.mark.parametrize(
    "content, message",
    [
        (b"a\nb\xe9c\nd\n", r"a.txt:2: byte 0xe9 is not utf-8; convert the file, if it is Latin-1"),
        (b"a\n\nb\0\n", r"a.txt:3: NUL byte"),
        ("a\n".encode("utf-16"), r"a.txt:1: UTF-16 text; convert it"),
        (b"a\rb\rc", r"a.txt:1: lines end in CR alone"),
        (gzip.compress(b"some text\n" * 1000)[:-20], r"a.txt: broken gzip data"),
        (b"\x1f\x8bno", r"a.txt: broken gzip data"),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [3, 1 << 20])
def test_refused(tmp_path, monkeypatch, content, message, chunk_bytes):
    monkeypatch.setattr(documents, "_CHUNK_BYTES", chunk_bytes)
    with pytest.raises(InputError, match=message):
        read(write(tmp_path / "a.txt", content))


def test_line_numbers_go_on_over_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "_CHUNK_BYTES", 64)
    with pytest.raises(InputError, match=r"a.txt:501: byte 0xff"):
        read(write(tmp_path / "a.txt", b"some line\n" * 500 + b"\xff\n"))


def test_a_line_that_memory_should_not_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "_LONGEST_LINE_BYTES", 1000)
    monkeypatch.setattr(documents, "_CHUNK_BYTES", 100)
    with pytest.raises(InputError, match=r"a.txt:3: a line of more than"):
        read(write(tmp_path / "a.txt", "a\nb\n" + "c" * 2000))


def test_a_file_that_goes_away(tmp_path):
    with pytest.raises(InputError, match="gone: cannot be read"):
        read(str(tmp_path / "gone"))


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
