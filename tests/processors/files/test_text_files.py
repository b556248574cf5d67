"""Text files: any chunk size, any encoding; what is refused says what it is and what to do."""

import bz2
import gzip
import io
import os
import pickle
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertline.errors import InputError
from bertline.processors.files import text_files
from bertline.processors.files.text_files import TextLines, read_lines

LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0\ufeff"), max_size=8)
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be")
CUT = st.integers(1, 40)


def write(folder, data, name="a.txt"):
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


@given(
    st.lists(LINE, max_size=12),
    CUT,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("utf-8", "gb18030", *WIDE)),
)
def test_lines_whatever_the_chunks_and_the_encoding(tmp_path_factory, lines, chunk_bytes, end, mark, packed, encoding):
    text = "".join(line + end for line in lines)
    # An encoding that names its order of bytes has no mark of its own.
    data = ("\ufeff" * (mark and encoding not in ("utf-16", "utf-32")) + text).encode(encoding)
    path, read = tmp_path_factory.mktemp("lines") / "a", []
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_files, "_CHUNK_BYTES", chunk_bytes)
        found = list(TextLines(str(path), encoding, on_bytes=read.append))
    assert found == lines
    assert sum(read) == path.stat().st_size


def test_the_end_of_a_last_line_may_be_missing(tmp_path):
    assert list(TextLines(write(tmp_path, "a\nb"))) == ["a", "b"]
    assert list(TextLines(write(tmp_path, "a\r\nb\r"))) == ["a", "b"]
    assert list(TextLines(write(tmp_path, "a\x85b\u2028c\n\nd"))) == ["a\x85b\u2028c", "", "d"]
    assert list(TextLines(write(tmp_path, b""))) == []


@pytest.mark.parametrize(
    "content, message",
    [
        (
            b"the first line\nb\xe9c\nd\n",
            r"a.txt:2: byte 0xe9 at offset 16 is not utf-8; likely --encoding=cp1252 reads",
        ),
        (b"a\n\nb\0\n", r"a.txt:3: NUL byte at offset 4; plain text is needed"),
        (b"a\rb\rc", r"a.txt:1: lines end in CR alone"),
        (gzip.compress(b"some text\n" * 1000, mtime=0)[:-20], r"a.txt: broken gzip data"),
        (b"\x1f\x8bno", r"a.txt: broken gzip data"),
        (b"some line\n" * 500 + b"\xff\n", r"a.txt:501: byte 0xff at offset 5000 "),
        (b"some line\n" * 50 + b"\xe4\xb8", r"a.txt:51: byte 0xe4 at offset 500 "),
        ("a\tb\n".encode("utf-16"), "a.txt:1: UTF-16 text, not utf-8; --encoding=utf-16 reads it"),
        ("a\tb\n".encode("utf-32"), "a.txt:1: UTF-32 text, not utf-8; --encoding=utf-32 reads it"),
        ("some text\n".encode("utf-16-be"), "a.txt:1: UTF-16-BE text, not utf-8; --encoding=utf-16-be reads it"),
        ("房间很大，\n服务员也\n".encode("utf-16-le") * 2, "UTF-16-LE text, not utf-8; --encoding=utf-16-le reads it"),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [3, 1 << 20])
def test_refused(tmp_path, monkeypatch, content, message, chunk_bytes):
    monkeypatch.setattr(text_files, "_CHUNK_BYTES", chunk_bytes)
    with pytest.raises(InputError, match=message):
        list(TextLines(write(tmp_path, content), flag="--encoding"))


def test_what_cannot_be_chosen_is_converted(tmp_path):
    """A vocabulary is read as UTF-8 whatever --encoding says of the texts."""
    with pytest.raises(InputError, match="convert it: `iconv -f utf-16 -t utf-8`"):
        read_lines(write(tmp_path, "a\tb\n".encode("utf-16")))
    with pytest.raises(InputError, match=r"likely `iconv -f gb18030 -t utf-8` reads “房间很大”"):
        read_lines(write(tmp_path, "房间很大\n".encode("gb18030")))


def test_utf16_is_obeyed(tmp_path):
    for encoding in WIDE:
        assert read_lines(write(tmp_path, "中\tb\n".encode(encoding)), encoding) == ["中\tb"]
    for encoding in ("utf-16-le", "utf-16-be"):  # without a mark: by where the NUL bytes are
        assert read_lines(write(tmp_path, "中\tb\n".encode(encoding)), "utf-16") == ["中\tb"]
        assert read_lines(write(tmp_path, gzip.compress("\ufeffa\n".encode(encoding))), encoding) == ["a"]
    with pytest.raises(InputError, match="a.txt:1: not utf-16 but UTF-8"):
        read_lines(write(tmp_path, "plain text"), "utf-16")
    with pytest.raises(InputError, match=r"a.txt:2: byte 0x00 at offset 6 is not utf-16"):
        read_lines(write(tmp_path, "a\n".encode("utf-16") + b"\x00\xd8"), "utf-16")
    with pytest.raises(InputError, match=r"a.txt:2: NUL byte; plain text"):
        read_lines(write(tmp_path, "a\n\0".encode("utf-16")), "utf-16")


def test_an_encoding_that_fits_and_reads_nonsense_is_a_warning(tmp_path, caplog):
    path = write(tmp_path, "房间很大，服务员也很热情。\n".encode("gb18030"))
    assert len(read_lines(path, "latin-1", "--encoding")) == 1
    assert "a.txt: read as latin-1, it has “" in caplog.text
    assert "--encoding=gb18030 would read “房间很大，服务员也很热情。”" in caplog.text
    caplog.clear()
    assert read_lines(write(tmp_path, "Où est Genève ?\n".encode("latin-1")), "latin-1", "--encoding")
    assert not caplog.messages


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "idna", "unicode_escape", "undefined", "a\0b", ""])
def test_unknown_encodings(tmp_path, name):
    path = write(tmp_path, "a")
    if not name:
        assert read_lines(path, name) == ["a"]
        return
    with pytest.raises(InputError, match="--encoding=.*: unknown encoding; name one that Python knows"):
        TextLines(path, name, "--encoding")


def test_nul_characters_may_be_kept(tmp_path):
    assert list(TextLines(write(tmp_path, "some words\na\0b \0\n"), refuse_nul=False)) == ["some words", "a\0b \0"]


def packed(write_to):
    stream = io.BytesIO()
    write_to(stream)
    return stream.getvalue()


def a_tar(stream):
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train.tsv"))


def a_zip(stream, name="train.tsv"):
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "a\tb\n")


@pytest.mark.parametrize(
    "content, kind",
    [
        (packed(a_zip), "a .zip archive, text is needed; unpack it"),
        (packed(lambda stream: a_zip(stream, "xl/workbook.xml")), r"an Excel workbook \(.xlsx\), .*; save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"an Office file \(.xls, .doc\).*save it as CSV"),
        (b"PAR1\x15\x04\x15", "a parquet file, .*write it as CSV: pandas"),
        (bz2.compress(b"some text"), "a bzip2 file, .*bunzip2"),
        (packed(a_tar), "a tar archive"),
        (gzip.compress(packed(a_tar), mtime=0), "a tar archive"),
        (b"%PDF-1.7\n", "a PDF document"),
        (pickle.dumps({"a": 1}), "a pickle of Python"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
    ],
)
def test_what_is_no_text_says_what_it_is(tmp_path, content, kind):
    with pytest.raises(InputError, match=f"a.txt: {kind}"):
        read_lines(write(tmp_path, content))


@pytest.mark.parametrize("start", ["PK\n", "BZh", "Rar!", "PAR 1", "%PDF", "GIF", "{\\rt f", "7z"])
def test_text_that_begins_like_another_kind(tmp_path, start):
    assert read_lines(write(tmp_path, start)) == [start.removesuffix("\n")]


def test_a_line_that_memory_should_not_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "_LONGEST_LINE", 1000)
    monkeypatch.setattr(text_files, "_CHUNK_BYTES", 100)
    with pytest.raises(InputError, match=r"a.txt:3: a line of more than"):
        list(TextLines(write(tmp_path, "a\nb\n" + "c" * 2000)))


def test_a_file_that_goes_away(tmp_path):
    with pytest.raises(InputError, match="gone: no such file"):
        list(TextLines(tmp_path / "gone"))
    with pytest.raises(InputError, match="cannot be read"):
        list(TextLines(tmp_path))


def test_standard_input(monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, gzip.compress("é\nb".encode("cp1252")))
    os.close(writing)
    with open(reading, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert list(TextLines("-", "cp1252")) == ["é", "b"]
