"""Every way in which JSON can be wrong is one line that names the file."""

import pytest

from bertline.common import json_files
from bertline.errors import InputError


def test_value_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": [1, null]}')
    assert json_files.read(path) == {"a": [1, None]}


@pytest.mark.parametrize(
    "raw, words",
    [
        (b'{"a": 1', "a.json:1: not JSON"),
        (b'{\n"a": }', "a.json:2: not JSON"),
        (b'{"a": "\xff"}', "byte 0xff at offset 7 is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b"1" * 10_000, "not JSON that can be read"),
        (b"[1]", "a JSON object is needed, found a list"),
        (b"null", "a JSON object is needed, found null"),
        (b"1.5", "a JSON object is needed, found a number"),
        (b"", "a.json:1: not JSON"),
        (rb'{"a": ["x \ud83d y"]}', r"\ud83d without its other half is no character"),
        (rb'{"\uDC00": 1}', r"\udc00 without its other half is no character"),
        (rb'{"a": "\ude00\ud83d"}', r"\ude00 without its other half"),
    ],
)
def test_one_line(tmp_path, raw, words):
    path = tmp_path / "a.json"
    path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        json_files.read(path)
    assert words in str(caught.value) and str(path) in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        json_files.read(tmp_path / "none.json")


def test_characters_in_two_halves_are_whole():
    assert json_files.parse(rb'{"a": "\ud83d\ude00 \\ud83d"}', "x") == {"a": "\U0001f600 \\ud83d"}


@pytest.mark.parametrize("text", ['{"a": ', "[1]", '{"a": "\ud800"}', r'{"a": "\ud800"}', "[" * 100_000])
def test_a_line_of_a_file_is_named(text):
    with pytest.raises(InputError, match=r"^train\.jsonl:7: .*; one object a line is needed$"):
        json_files.parse(text, "train.jsonl", mend="one object a line is needed", line=7)


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "null"),
        (True, "true"),
        (0.5, "0.5"),
        ("a\ud800", '"a\\ud800"'),
        ([1, "b"], '[1, "b"]'),
        ({"a": 1}, '{"a": 1}'),
        ([[1]], "a list"),
        ({"a": {}}, "an object"),
        ("x" * 100, '"' + "x" * 59 + "..."),
    ],
)
def test_shown(value, text):
    assert json_files.excerpt(value) == text


def test_what_is_nested_as_deeply_as_can_be_read_is_shown():
    value = json_files.parse("[" * 900 + "]" * 900, "a.json", list)
    assert json_files.excerpt(value) == "a list"
