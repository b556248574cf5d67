"""Cells come back as they were written: read by csv and by pandas."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertline.common import table_lines

# What separates lines or columns somewhere, quotes, and what a spreadsheet might trim.
ODD = [
    '"',
    '""',
    'say "no"',
    '"open',
    "a\tb",
    "a,b",
    "one\ntwo",
    "one\r\ntwo",
    "\r",
    "",
    " ",
    " a ",
    "'",
    "#",
    "\\",
    "a\u2028b",
    "a\x85b",
    "a\x0bb",
    "NA",
    "=1+1",
    "北京",
    "🙂",
]
texts = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
tables = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(texts, min_size=n + 1, max_size=n + 1), min_size=1))


def written(rows, delimiter):
    return "".join(table_lines.line(row, delimiter) + "\n" for row in rows)


@pytest.mark.parametrize("delimiter", ["\t", ","])
@given(rows=tables)
def test_csv_reads_them_back(delimiter, rows):
    assert list(csv.reader(io.StringIO(written(rows, delimiter), newline=""), delimiter=delimiter, strict=True)) == rows


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_pandas_reads_them_back(delimiter):
    pandas = pytest.importorskip("pandas")
    rows = [[text, "x", other] for text in ODD for other in ODD]
    found = pandas.read_csv(
        io.StringIO(written([["a", "label", 'b\t"c'], *rows], delimiter), newline=""),
        sep=delimiter,
        keep_default_na=False,
    )
    assert list(found.columns) == ["a", "label", 'b\t"c']
    assert found.values.tolist() == rows


def test_only_what_needs_quotes_has_them():
    assert table_lines.line(["plain text", "it's", "a,b", 1.5, None]) == "plain text\tit's\ta,b\t1.5\t"
    assert table_lines.line(['"', "a\tb"]) == '""""\t"a\tb"'


def test_columns_for_a_terminal():
    assert table_lines.align([["run", "score"], ["a-long-name", "0.5"], ["b", ""]]) == (
        "run          score\na-long-name  0.5\nb"
    )
