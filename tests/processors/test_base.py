"""Reading of text files, rows and labels."""

import csv
import io
import pathlib
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENCE

from bertline.errors import InputError
from bertline.processors.base import DataProcessor, InputExample, check_labels
from bertline.processors.files.folders import find_file
from bertline.processors.files.text_files import read_lines
from bertline.processors.tables.rows import read_rows

BOM = b"\xef\xbb\xbf"
# What a line of a text file may hold; NUL is refused, CR and LF are line ends.
TEXT = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=("Cs",)), max_size=20)
LINES = st.lists(TEXT, min_size=1, max_size=8).filter(lambda lines: lines[-1].strip() and lines[0][:1] != "\ufeff")
same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def write(folder, data, name="train.tsv"):
    path = folder / name
    path.write_bytes(data)
    return str(path)


@same_folder
@given(lines=LINES, bom=st.booleans(), end=st.sampled_from(["\n", "\r\n"]), ends=st.integers(0, 3))
def test_bom_crlf_and_last_empty_lines_do_not_matter(tmp_path, lines, bom, end, ends):
    data = BOM * bom + (end.join(lines) + end * ends).encode()
    assert read_lines(write(tmp_path, data)) == lines


@same_folder
@given(rows=st.lists(st.lists(TEXT, min_size=1, max_size=4), min_size=1, max_size=6))
def test_rows_equal_those_of_the_original(tmp_path, rows):
    """The original: csv.reader(file, delimiter=TAB, quotechar=None)."""
    text = "".join("\t".join(row) + "\n" for row in rows) + "end\n"
    expected = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", quotechar=None))
    if text.startswith("\ufeff"):
        expected[0][0] = expected[0][0][1:]
    assert DataProcessor()._read_tsv(write(tmp_path, text.encode())) == expected


@same_folder
@given(rows=st.lists(st.lists(st.text('a",; \n', max_size=6), min_size=2, max_size=3), min_size=1, max_size=6))
def test_quoted_rows_survive(tmp_path, rows):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(rows)
    read = read_rows(write(tmp_path, stream.getvalue().encode(), "train.csv"), ",", '"')
    assert read == rows
    starts = [1 + sum("".join(row).count("\n") + 1 for row in rows[:at]) for at in range(len(rows))]
    assert [int(row.source.rpartition(":")[2]) for row in read] == starts


@same_folder
@given(lines=LINES, data=st.data())
def test_nul_and_bad_utf8_are_named_with_line_and_offset(tmp_path, lines, data):
    text = "\n".join(lines).encode()
    at = data.draw(st.sampled_from([0] + [i + 1 for i, byte in enumerate(text) if byte == 0x0A]))
    byte = data.draw(st.sampled_from([b"\0", b"\xff", b"\xc3("]))
    where = rf"train\.tsv:{text[:at].count(10) + 1}: .*offset {at}\b"
    with pytest.raises(InputError, match=where):
        read_lines(
            write(tmp_path, text[:at] + byte + b"x" + text[at:] + b"\nand some words more, so that it is a text")
        )


@pytest.mark.parametrize("data", [b"", BOM, b"\n\n", b"\r\n", BOM + b" \r\n"])
def test_empty_file(tmp_path, data):
    with pytest.raises(InputError, match=r"train\.tsv: the file is empty"):
        read_lines(write(tmp_path, data))


def test_missing_files_name_the_nearest(tmp_path):
    write(tmp_path, b"x", "train_full.tsv")
    with pytest.raises(InputError, match=r"train\.tsv: no such file .*did you mean train_full\.tsv\?"):
        read_lines(tmp_path / "train.tsv")
    with pytest.raises(InputError, match=r"files found there: train_full\.tsv"):
        find_file(str(tmp_path), "x.csv", "y.csv")
    with pytest.raises(InputError, match="there is no folder .*nowhere"):
        read_lines(tmp_path / "nowhere" / "train.tsv")
    with pytest.raises(InputError, match="cannot be read"):
        read_lines(tmp_path)


def test_open_quote_is_named_where_it_begins(tmp_path):
    path = write(tmp_path, b'a,b\nc,"d\ne,f\ng,h\n', "train.csv")
    with pytest.raises(InputError, match=r"train\.csv:2: unexpected end of data; close the \""):
        read_rows(path, ",", '"')


def test_missing_columns_are_named_and_still_index_errors(tmp_path):
    row, empty, _ = read_rows(write(tmp_path, b"a\tb\tc\n\nd\n"))
    assert (row[0], row[-1], row[1:]) == ("a", "c", ["b", "c"])
    message = r"train\.tsv:1: 3 columns, column 4 \(sentence2\) is needed; is the file tab-separated\?"
    with pytest.raises(InputError, match=message):
        row.column(3, "sentence2")
    with pytest.raises(IndexError):
        row[3]
    with pytest.raises(InputError, match=r"train\.tsv:2: empty line, column 1 is needed; remove the line"):
        empty[0]


def test_a_path_with_a_scheme_is_read_by_tensorflow(tmp_path):
    pytest.importorskip("tensorflow")
    write(tmp_path, BOM + "é\tb\r\n".encode())
    assert read_lines(f"file://{tmp_path}/train.tsv") == ["é\tb"]
    with pytest.raises(InputError, match=r"did you mean train\.tsv\?"):
        read_lines(f"file://{tmp_path}/trian.tsv")


def test_processors_do_not_import_tensorflow():
    code = "import sys, registry; registry.names('processor'); import processors; sys.exit('tensorflow' in sys.modules)"
    root = pathlib.Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=PATIENCE).returncode == 0


def labelled(*labels):
    return [InputExample(f"dev-{i}", "x", label=label, source=f"dev.tsv:{i}") for i, label in enumerate(labels, 1)]


@pytest.mark.parametrize(
    "labels, allowed, split",
    [
        (("a", "b"), ["a", "b"], "train"),
        (("a", None), ["a", "b"], "test"),
        ((1.0, 0, -2.5), [], "dev"),
        ((("a", "b"), ()), ["a", "b"], "train"),
        ((0, 1), [0, 1], "train"),
    ],
)
def test_good_labels_pass(labels, allowed, split):
    check_labels(labelled(*labels), allowed, split)


@pytest.mark.parametrize(
    "labels, allowed, split, message",
    [
        (("a", "c"), ["a", "b"], "dev", r"dev\.tsv:2: label 'c' in dev; allowed: a, b; mend"),
        (("entailment", "entailmnt"), ["entailment", "neutral"], "test", r"dev\.tsv:2: .*did you mean 'entailment'\?"),
        (("a", None), ["a", "b"], "train", r"dev\.tsv:2: no label; every train row needs one"),
        ((1.0, float("nan")), [], "train", r"dev\.tsv:2: label nan; a finite number"),
        ((1.0, "2"), [], "train", r"dev\.tsv:2: label '2'; a finite number"),
        ((("a",), ("a", "z")), ["a", "b"], "train", r"dev\.tsv:2: label 'z'"),
        (("a",), ["a", "a"], "train", "a label stands twice"),
        (("x",), [str(i) for i in range(150)], "train", r"allowed: 0, 1, .*, 19, \.\.\. \(150 in all\)"),
    ],
)
def test_bad_labels_are_named(labels, allowed, split, message):
    with pytest.raises(InputError, match=message):
        check_labels(labelled(*labels), allowed, split)
