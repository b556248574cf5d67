"""What extract_features.py reads: lines, or a column or two of a table."""

import json
import logging

import pytest

from bertline.errors import InputError
from bertline.serving.texts import input_lines
from bertline.settings.scripts.extract_features import ExtractionSettings

TABLE = 'id,text,other\n1,"a, b",x ||| y\n2," c\nd ",\n'


def read(path, **settings):
    run = ExtractionSettings(input_file=str(path), **settings)
    input_lines.check(run)
    return list(input_lines.read_texts(run))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TABLE)
    return path


def test_lines(tmp_path, caplog):
    path = tmp_path / "a.txt"
    path.write_text(" a b \n\nc ||| d\n")
    assert read(path) == [("a b", "a b"), ("", ""), (("c", "d"), "c ||| d")]
    assert input_lines.count_texts(ExtractionSettings(input_file=str(path))) == 3
    assert not caplog.messages


def test_columns_of_a_table(table):
    assert read(table, text_a_column="text") == [("a, b", "a, b"), ("c\nd", "c\nd")]
    assert read(table, text_a_column="2", has_header=True) == [("x ||| y", "x ||| y"), ("", "")]
    assert read(table, text_a_column="text", text_b_column="other")[0] == (("a, b", "x ||| y"), "a, b ||| x ||| y")
    assert read(table, text_b_column="other")[0][0] == ("a, b", "x ||| y")
    assert read(table, text_a_column="0", has_header=False)[0] == ("id", "id")
    assert input_lines.count_texts(ExtractionSettings(input_file=str(table), text_a_column="text")) is None


def test_other_tables(tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"t{i}", "n": i}) + "\n" for i in range(3)))
    assert [text for text, _ in read(tmp_path / "a.jsonl", text_a_column="text")] == ["t0", "t1", "t2"]
    pandas = pytest.importorskip("pandas", reason="make tables")
    frame = pandas.DataFrame({"text": ["a", "b"], "label": [1, 2]})
    for name, write in (("a.parquet", frame.to_parquet), ("a.xlsx", frame.to_excel)):
        write(tmp_path / name, index=False)
        assert [text for text, _ in read(tmp_path / name, text_a_column="text")] == ["a", "b"]
        with pytest.raises(InputError, match=f"{name}: a table: --text_a_column names the column to read"):
            read(tmp_path / name)


def test_a_table_that_is_read_as_lines_is_a_warning(table, caplog):
    with caplog.at_level(logging.WARNING):
        assert read(table)[0] == ("id,text,other", "id,text,other")
    assert "a.csv: each line is taken for a text, whatever its columns; --text_a_column=NAME" in caplog.text


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"text_a_column": "texts"}, r"a.csv:1: no column 'texts'; .* did you mean text\? --text_a_column=text"),
        ({"quoting": "minimal"}, "--quoting is for tables: --text_a_column names"),
        ({"delimiter": ";"}, "--delimiter is for tables"),
        ({"has_header": True}, "--has_header is for tables"),
        ({"text_a_column": "text", "delimiter": "||"}, "--delimiter=||: one character"),
    ],
)
def test_wrong_settings(table, settings, message):
    with pytest.raises(InputError, match=message.replace("||", r"\|\|")):
        read(table, **settings)


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("a.tsv", 'text\tlabel\n"a\nb"\tx\n', "cells are in double quotes .*--quoting=minimal reads them"),
        ("a.tsv", "text\tlabel\na\tb\tx\n", "a.tsv:2: 3 columns, the header has 2"),
        ("a.jsonl", '{"text": "a"}\n{"other": 1}\n', "a.jsonl:2: no text; a text is needed"),
        ("a.jsonl", '{"text": NaN}\n', "a.jsonl:1: no text; a text is needed"),
        ("a.md", "text\n", "the ending .md is none of"),
    ],
)
def test_wrong_tables(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / name, text_a_column="text")
