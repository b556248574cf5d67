"""PartFolder: what was committed is kept, what was not is cut off."""

import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest
from running import ROOT

from bertline.errors import InputError
from bertline.serving.encoder.vector_options import output_format
from bertline.serving.files.part_folder import PartFolder

NAMES = ("lines", "more")


def test_what_was_not_committed_is_cut_off(tmp_path):
    path, settings = str(tmp_path / "x.part"), {"layers": [-1]}
    part = PartFolder(path, settings, NAMES)
    assert part.progress is None
    part.append("lines", b"one\n")
    part.commit({"texts": 1})
    part.append("lines", b"two\nhal")
    part.append("more", b"of a file that no state knows")
    part.close()
    part = PartFolder(path, settings, NAMES)
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
    (tmp_path / "x").mkdir()
    for name in ("lines", "lock", ".state.json.17.part"):
        (tmp_path / "x" / name).write_bytes(b"one\n")
    part = PartFolder(str(tmp_path / "x"), {}, NAMES)
    part.append("lines", b"uno\n")
    part.commit({})
    assert (tmp_path / "x" / "lines").read_bytes() == b"uno\n"
    assert sorted(os.listdir(tmp_path / "x")) == ["lines", "lock", "more", "state.json"]


def test_refused(tmp_path):
    PartFolder(str(tmp_path / "x"), {"layers": [-1], "unit": "token"}, NAMES).commit({})
    with pytest.raises(InputError, match=r"begun with layers \[-1\], now it is \[-2\]"):
        PartFolder(str(tmp_path / "x"), {"layers": [-2], "unit": "token"}, NAMES)
    (tmp_path / "x" / "state.json").write_text("{")
    with pytest.raises(InputError, match="state.json:1: not JSON"):
        PartFolder(str(tmp_path / "x"), {}, NAMES)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        PartFolder(str(tmp_path / "file" / "x"), {}, NAMES)


def test_what_no_job_wrote_is_never_removed(tmp_path):
    folder = tmp_path / "x.part"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    for other in (None, "lines", "state.json"):
        if other:
            (folder / other).write_text("{}")
        with pytest.raises(InputError, match="x.part: holds thesis.txt, which no job wrote") as error:
            PartFolder(str(folder), {}, NAMES)
        assert "\n" not in str(error.value)
        assert (folder / "thesis.txt").exists() and (other is None or (folder / other).read_text() == "{}")
    (folder / "thesis.txt").unlink()
    with pytest.raises(InputError, match="state.json: not the state of a job"):
        PartFolder(str(folder), {}, NAMES)
    shutil.rmtree(folder)
    (folder / "lines").mkdir(parents=True)
    with pytest.raises(InputError, match="holds lines, which no job wrote"):
        PartFolder(str(folder), {}, NAMES)
    part = PartFolder(str(tmp_path / "y"), {}, NAMES)
    part.commit({"texts": 1})
    (tmp_path / "y" / "put there meanwhile").write_text("x")
    part.remove()
    assert os.listdir(tmp_path / "y") == ["put there meanwhile"]


def test_one_job_at_a_time(tmp_path):
    first = PartFolder(str(tmp_path / "x"), {}, NAMES)
    first.append("lines", b"one\n")
    first.commit({"texts": 1})
    program = (
        "import sys; from bertline.serving.files.part_folder import PartFolder; "
        "PartFolder(sys.argv[1], {}, ('lines', 'more'))"
    )
    run = [sys.executable, "-c", program, str(tmp_path / "x")]
    ran = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert "x: another job is at work in it" in ran.stderr
    first.append("lines", b"two\n")
    first.commit({"texts": 2})
    first.close()
    assert PartFolder(str(tmp_path / "x"), {}, NAMES).progress == {"texts": 2}
    assert (tmp_path / "x" / "lines").read_bytes() == b"one\ntwo\n"


def test_a_job_that_begins_as_another_ends_has_a_folder_of_its_own(tmp_path, monkeypatch):
    first, lock = PartFolder(str(tmp_path / "x"), {}, NAMES), fcntl.flock
    first.commit({"texts": 1})

    def ended_meanwhile(file, how):
        monkeypatch.setattr(fcntl, "flock", lock)
        first.remove()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", ended_meanwhile)
    second = PartFolder(str(tmp_path / "x"), {}, NAMES)
    assert second.progress is None
    with pytest.raises(InputError, match="another job"):
        PartFolder(str(tmp_path / "x"), {}, NAMES)


def test_files_that_lost_something(tmp_path):
    part = PartFolder(str(tmp_path / "x"), {}, NAMES)
    part.append("lines", b"one\n")
    part.commit({"texts": 1})
    part.close()
    (tmp_path / "x" / "lines").write_bytes(b"on")
    with pytest.raises(InputError, match="lines: 2 bytes, 4 were written; remove .*x to start anew"):
        PartFolder(str(tmp_path / "x"), {}, NAMES)


def test_nothing_is_left_where_nothing_was_committed(tmp_path):
    part = PartFolder(str(tmp_path / "x"), {}, NAMES)
    part.append("lines", b"one\n")
    part.close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "path, wanted, expected",
    [
        ("a.jsonl", None, "jsonl"),
        ("a.jsonl.gz", None, "jsonl"),
        ("a.h5", None, "hdf5"),
        ("a.hdf5", None, "hdf5"),
        ("a.npz", None, "npz"),
        ("a.out", None, "jsonl"),
        ("a.out", "npz", "npz"),
        ("-", None, "jsonl"),
    ],
)
def test_formats(path, wanted, expected):
    assert output_format(path, wanted) == expected


def test_wrong_formats():
    with pytest.raises(InputError, match="did you mean hdf5"):
        output_format("a", "hdf")
    with pytest.raises(InputError, match="cannot be written to standard output"):
        output_format("-", "npz")


def test_the_state_is_readable(tmp_path):
    PartFolder(str(tmp_path / "x"), {"a": 1}, NAMES).commit({"texts": 3})
    assert json.loads((tmp_path / "x" / "state.json").read_text())["progress"] == {"texts": 3}
