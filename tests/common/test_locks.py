"""A lock of one process: refused to others, given back however the process ends."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from bertline.common.locks import Lock
from bertline.errors import InputError

ROOT = pathlib.Path(__file__).resolve().parents[2]

HOLD = """
import signal, sys, time
from bertline.common.locks import Lock
# A shell without job control lets what it starts in the background ignore SIGINT.
signal.signal(signal.SIGINT, signal.SIG_DFL)
lock = Lock(sys.argv[1], "busy")
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
def test_another_process_is_refused_until_the_first_ends(tmp_path, number):
    path = str(tmp_path / "a" / "b" / ".lock")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=-1, stderr=-3, env=env, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="^busy$"):
            Lock(path, "busy")
        holder.send_signal(number)
        holder.wait()
    Lock(path, "busy").release()


def test_what_was_made_is_removed(tmp_path):
    lock = Lock(str(tmp_path / "a" / "b" / ".lock"), "busy")
    with pytest.raises(InputError, match="busy"):  # of this process too
        Lock(lock.path, "busy")
    lock.release()
    lock.release()
    assert list(tmp_path.iterdir()) == []
    with Lock(str(tmp_path / "a" / "b" / ".lock"), "busy"):
        (tmp_path / "a" / "file").write_text("")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["file"]


def test_a_relative_path_and_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (".lock", "a/.lock"):
        with Lock(path, "busy"):
            assert os.path.exists(path)
        assert os.listdir(tmp_path) == []


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / ".lock").symlink_to(tmp_path / "victim")
    with pytest.raises(InputError, match=r"\.lock: cannot be made: "):
        Lock(str(tmp_path / ".lock"), "busy")


@pytest.mark.parametrize("again", (False, True))
def test_a_folder_that_is_removed_meanwhile_is_said(tmp_path, again):
    lock = Lock(str(tmp_path / "a" / ".lock"), "busy")
    lock.folder.check()
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    if again:
        (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="a: the folder was removed or moved"):
        lock.folder.check()
    lock.release()
