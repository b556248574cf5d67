"""Tables of all kinds of files: what pandas writes is read as it was."""

import datetime
import decimal
import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertline.errors import InputError
from bertline.processors.tables.table_files import TableFile, ending_of, is_table

CELL = st.text(st.sampled_from("ab \",;\n\t中é'0"), max_size=6).filter(lambda text: text == text.strip() != "")


def read(path, **options):
    """(keys or None, rows) as plain lists."""
    table = TableFile(path, **options)
    return table.keys(), [list(row) for row in table.rows()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=5))
def test_text_of_pandas(tmp_path, rows):
    pandas = pytest.importorskip("pandas", reason="make tables")
    frame = pandas.DataFrame(rows, columns=["text", "label"])
    for name, options in (("a.csv", {}), ("a.tsv.gz", {"sep": "\t"}), ("a.csv.gz", {"encoding": "utf-16"})):
        frame.to_csv(tmp_path / name, index=False, **options)
        encoding = options.get("encoding", "utf-8")
        assert read(tmp_path / name, quoting="minimal", encoding=encoding) == (
            None,
            [["text", "label"], *map(list, rows)],
        )
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "a.jsonl.gz", orient="records", lines=True, force_ascii=False)
    frame.to_json(tmp_path / "a.json", orient="records", indent=1)
    for name in ("a.jsonl", "a.jsonl.gz", "a.json"):
        assert read(tmp_path / name) == (["text", "label"], [list(row) for row in rows])


def test_parquet(tmp_path):
    pandas = pytest.importorskip("pandas", reason="make tables")
    pytest.importorskip("pyarrow", reason="make tables")
    values = {
        "text": ["a", None, "é\n中"],
        "label": [1, 0, 1],
        "score": [0.5, float("nan"), 2.0],
        "yes": [True, False, True],
        "labels": [["x"], [], ["y", "z"]],
        "day": [datetime.date(2024, 1, 2)] * 3,
        "cost": [decimal.Decimal("1.5")] * 3,
    }
    pandas.DataFrame(values).to_parquet(tmp_path / "a.parquet")
    keys, rows = read(tmp_path / "a.parquet")
    assert keys == list(values)
    assert rows == [
        ["a", 1, 0.5, True, ["x"], "2024-01-02", "1.5"],
        [None, 0, None, False, [], "2024-01-02", "1.5"],
        ["é\n中", 1, 2.0, True, ["y", "z"], "2024-01-02", "1.5"],
    ]
    assert [row.source for row in TableFile(tmp_path / "a.parquet").rows()][-1] == f"{tmp_path}/a.parquet:3"


def test_excel(tmp_path, caplog):
    """Cells are what Excel itself writes into a CSV file."""
    openpyxl = pytest.importorskip("openpyxl", reason="make tables")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["text", "label", "day"])
    sheet.append(['said "a"\nb', 1, datetime.datetime(2024, 1, 2)])
    sheet.append(["é", 2.5, None])
    sheet.append([True, 3.0])
    sheet["A9"] = " "
    sheet["A9"] = None
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx") == (
        None,
        [
            ["text", "label", "day"],
            ['said "a"\nb', "1", "2024-01-02 00:00:00"],
            ["é", "2.5", ""],
            ["TRUE", "3", ""],
        ],
    )
    book.create_sheet("other")
    book.save(tmp_path / "a.xlsx")
    read(tmp_path / "a.xlsx")
    assert caplog.messages == [f"{tmp_path}/a.xlsx: 2 sheets; Sheet, the first one, is read"]


def test_json_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"b": null, "a": "x"}\n')
    assert read(path) == (["a", "b"], [[1, None], ["x", None]])
    (tmp_path / "a.json").write_text('[{"a": 1}, 2]')
    with pytest.raises(InputError, match="a.json: value 2 of the list is no object"):
        read(tmp_path / "a.json")


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
def test_damaged_and_missing_files(tmp_path, name, monkeypatch):
    library = {"a.parquet": "pyarrow", "a.xlsx": "openpyxl"}[name]
    pytest.importorskip(library, reason="make tables")
    with pytest.raises(InputError, match=f"{name}: no such file"):
        read(tmp_path / name)
    (tmp_path / name).write_bytes(b"PAR1PK\x03\x04 no table")
    with pytest.raises(InputError, match=rf"{name}: no (parquet|Excel) file that can be read \(.+\); copy it again"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.parquet", "a.xlsx"])
def test_what_to_do_without_the_library(tmp_path, name, monkeypatch):
    library = {"a.parquet": "pyarrow", "a.xlsx": "openpyxl"}[name]
    monkeypatch.setitem(__import__("sys").modules, {"pyarrow": "pyarrow.parquet"}.get(library, library), None)
    with pytest.raises(InputError, match=f"{name}: {library} is needed to read it: pip install {library} .*as CSV"):
        TableFile(tmp_path / name)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an Office file \(.xls, .doc\); save it as CSV"),
        ("a.zip", b"PK\x03\x04abc", "a .zip archive; unpack it"),
        ("a.feather", b"ARROW1\0\0", "an Arrow file; write it as CSV"),
        ("a.ods", b"text", "the ending .ods is none of .tsv, .txt, .csv, .jsonl, .json, .parquet, .xlsx; rename"),
        ("a", b"text", "a name without an ending; it is none of"),
        ("a.csv", b"PAR1abc", "a parquet file, text is needed; write it as CSV"),
        ("a.tsv", b"PK\x03\x04\x14[Content]xl/workbook", "an Excel workbook"),
    ],
)
def test_other_files_say_what_they_are(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: {message}"):
        read(tmp_path / name)


@pytest.mark.parametrize("options", [{"delimiter": "||"}, {"delimiter": ""}, {"delimiter": '"'}, {"quoting": "some"}])
def test_arguments(options):
    (name,) = options
    with pytest.raises(InputError, match=f"--{name}={options[name]}".replace("|", r"\|")):
        TableFile("a.tsv", **options)


def test_endings():
    assert [ending_of(name) for name in ("a.TSV", "a.csv.gz", "b/a.jsonl.GZ", "a", "a.gz")] == [
        ".tsv",
        ".csv",
        ".jsonl",
        "",
        "",
    ]
    assert is_table("a.tsv") and is_table("a.xlsx") and is_table("a.csv.gz")
    assert not is_table("a.txt") and not is_table("a.gz")


def test_quotes_that_enclose_cells_are_noticed(tmp_path):
    def noticed(text):
        (tmp_path / "a.tsv").write_text(text)
        return TableFile(tmp_path / "a.tsv").are_in_quotes()

    assert noticed('text\tlabel\n"a\nb"\tx\n')
    assert not noticed('text\tlabel\n"a b"\tx\n')
    assert not noticed('text\tlabel\n"a\tx\nb"\ty\n')  # rows of two widths
    assert not noticed('text\tlabel\n"a" b\tx\n"c\nd"\ty\n')  # no table by quotes


def test_many_rows_are_a_stream(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps({"a": i}) + "\n" for i in range(5000)).encode()))
    rows = TableFile(path).rows()
    assert next(rows) == [0] and sum(row[0] for row in rows) == sum(range(5000))
