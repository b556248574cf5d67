"""PartFolder: what was committed is kept, what was not is cut off."""

import json

import pytest

from errors import InputError
from serving.part_folder import PartFolder
from serving.vector_options import output_format


def test_what_was_not_committed_is_cut_off(tmp_path):
    path, settings = str(tmp_path / "x.part"), {"layers": [-1]}
    part = PartFolder(path, settings)
    assert part.progress is None
    part.append("lines", b"one\n")
    part.commit({"texts": 1})
    part.append("lines", b"two\nhal")
    part.append("more", b"of a file that no state knows")
    part.close()
    part = PartFolder(path, settings)
    assert part.progress == {"texts": 1}
    part.append("lines", b"two\n")
    part.append("more", b"x")
    part.commit({"texts": 2})
    part.close()
    assert (tmp_path / "x.part" / "lines").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "x.part" / "more").read_bytes() == b"x"
    part.remove()
    assert not (tmp_path / "x.part").exists()


def test_killed_before_the_first_commit(tmp_path):
    part = PartFolder(str(tmp_path / "x"), {})
    part.append("lines", b"one\n")
    part.close()
    part = PartFolder(str(tmp_path / "x"), {})
    part.append("lines", b"uno\n")
    part.commit({})
    assert (tmp_path / "x" / "lines").read_bytes() == b"uno\n"


def test_refused(tmp_path):
    PartFolder(str(tmp_path / "x"), {"layers": [-1], "unit": "token"}).commit({})
    with pytest.raises(InputError, match=r"begun with layers \[-1\], now it is \[-2\]"):
        PartFolder(str(tmp_path / "x"), {"layers": [-2], "unit": "token"})
    (tmp_path / "x" / "state.json").write_text("{")
    with pytest.raises(InputError, match="state.json: not JSON"):
        PartFolder(str(tmp_path / "x"), {})
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        PartFolder(str(tmp_path / "file" / "x"), {})


@pytest.mark.parametrize(
    "path, wanted, expected",
    [
        ("a.jsonl", None, "jsonl"), ("a.jsonl.gz", None, "jsonl"), ("a.h5", None, "hdf5"), ("a.hdf5", None, "hdf5"),
        ("a.npz", None, "npz"), ("a.out", None, "jsonl"), ("a.out", "npz", "npz"), ("-", None, "jsonl"),
    ],
)  # fmt: skip
def test_formats(path, wanted, expected):
    assert output_format(path, wanted) == expected


def test_wrong_formats():
    with pytest.raises(InputError, match="did you mean hdf5"):
        output_format("a", "hdf")
    with pytest.raises(InputError, match="cannot be written to standard output"):
        output_format("-", "npz")


def test_the_state_is_readable(tmp_path):
    PartFolder(str(tmp_path / "x"), {"a": 1}).commit({"texts": 3})
    assert json.loads((tmp_path / "x" / "state.json").read_text())["progress"] == {"texts": 3}
