"""Files that are whole or absent, and what killed processes leave of them."""

import os
import pathlib
import stat
import subprocess
import sys

import pytest

from bertline.common import files
from bertline.errors import InputError

ROOT = pathlib.Path(__file__).resolve().parents[2]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def killed(folder, program):
    """The process that ran `program` in a folder, until it killed itself."""
    ran = subprocess.run([sys.executable, "-c", program], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ran.returncode == -9


KILLED_IN_A_FILE = """
import os
import signal
from bertline.common import files
with files.replace_file("a.txt") as path, open(path, "w") as file:
    file.write("half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with files.replace_file(path) as temporary:
        assert os.path.dirname(temporary) == str(path.parent) and os.path.getsize(temporary) == 0
        open(temporary, "w").write("first")
    with pytest.raises(ZeroDivisionError):
        with files.replace_file(path) as temporary:
            open(temporary, "w").write("second")
            raise ZeroDivisionError
    assert path.read_text() == "first" and names(path.parent) == ["a.txt"]
    with pytest.raises(InputError, match=r"a.txt/b: cannot be written: "):
        with files.replace_file(path / "b"):
            pass


def test_rights_are_those_of_any_file_or_of_the_one_before(tmp_path):
    path = tmp_path / "a.txt"
    before = os.umask(0o027)
    try:
        for wanted in (0o640, 0o600):
            with files.replace_file(path) as temporary:
                assert stat.S_IMODE(os.stat(temporary).st_mode) == wanted
            assert stat.S_IMODE(path.stat().st_mode) == wanted
            path.chmod(0o600)
    finally:
        os.umask(before)


def test_a_temporary_name_cannot_be_guessed_nor_followed(tmp_path, monkeypatch):
    seen = set()
    for _ in range(2):
        with files.replace_file(tmp_path / "a.txt") as temporary:
            seen.add(temporary)
    assert len(seen) == 2
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr(files.secrets, "token_hex", lambda n: "0" * 2 * n)  # even where it is guessed
    (tmp_path / files._entry("a.txt", "part")).symlink_to(victim)
    monkeypatch.setattr(files, "_is_abandoned", lambda *_: False)
    with pytest.raises(InputError, match="File exists"):
        with files.replace_file(tmp_path / "a.txt") as temporary:
            open(temporary, "w").write("overwritten")
    assert victim.read_text() == "precious"


def test_long_names(tmp_path):
    path = tmp_path / ("ü" * 120 + ".txt")  # 244 of 255 bytes
    with files.replace_file(path) as temporary:
        open(temporary, "w").write("x")
    assert names(tmp_path) == [path.name]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    killed(tmp_path, KILLED_IN_A_FILE)
    (left,) = names(tmp_path)
    assert left.startswith(".a.txt.") and left.endswith(".part")
    others = [f".a.txt.{os.getppid()}.part", ".a.txt.old.part", ".b.txt.4194304.part", "notes.part"]
    for name in others:
        (tmp_path / name).write_text("")
    (tmp_path / f".a.txt.{os.getpid()}.part").write_text("")  # of a process that had this one's number
    (tmp_path / ".a.txt.4194304.part").write_text("")  # no process can have that number
    (tmp_path / ".a.txt.1-ffffffff-0123456789abcdef.part").write_text("")  # of another machine
    with files.replace_file(tmp_path / "a.txt") as outer:
        with files.replace_file(tmp_path / "a.txt"):
            assert os.path.exists(outer)
    assert names(tmp_path) == sorted(["a.txt", *others, ".a.txt.1-ffffffff-0123456789abcdef.part"])
    files.remove_abandoned(tmp_path)
    assert ".b.txt.4194304.part" not in names(tmp_path)


def test_a_folder_is_replaced(tmp_path):
    path = tmp_path / "model"
    for content in ("first", "second"):
        with files.replace_folder(path) as temporary:
            os.makedirs(os.path.join(temporary, "inner"))
            open(os.path.join(temporary, "inner", content), "w").write(content)
        assert names(path / "inner") == [content] and names(tmp_path) == ["model"]
    with pytest.raises(ZeroDivisionError):
        with files.replace_folder(path) as temporary:
            raise ZeroDivisionError
    assert names(path / "inner") == ["second"] and names(tmp_path) == ["model"]


def test_a_folder_between_its_two_places_is_not_lost(tmp_path):
    """Killed after the old folder has left its place and before the new one is in it."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("")
    killed(
        tmp_path,
        """
import os
import signal
from bertline.common import files
rename = os.rename
def once(*names):
    rename(*names)
    os.kill(os.getpid(), signal.SIGKILL)
os.rename = once
with files.replace_folder("model") as new:
    open(new + "/new", "w").close()
""",
    )
    assert not (tmp_path / "model").exists() and len(names(tmp_path)) == 2
    with pytest.raises(ZeroDivisionError):
        with files.replace_folder(tmp_path / "model"):
            raise ZeroDivisionError
    (old,) = names(tmp_path)
    assert names(tmp_path / old) == ["old"]
    with files.replace_folder(tmp_path / "model") as new:
        open(os.path.join(new, "new"), "w").close()
    assert names(tmp_path) == ["model"] and names(tmp_path / "model") == ["new"]
