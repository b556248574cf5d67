"""Paths as people type them; what exists is taken as it is, whatever characters it has."""

import os

import pytest

from bertline.errors import InputError
from bertline.processors.files import paths


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("DATA", "/data")
    monkeypatch.delenv("NOT_SET", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    "path, wanted",
    [
        ("~", "/home/someone"),
        ("~/a b/c,d", "/home/someone/a b/c,d"),
        ("$HOME/x", "/home/someone/x"),
        ("${DATA}2/$DATA", "/data2//data"),
        ("gs://bucket/$DATA", "gs://bucket//data"),
        ("a~b/~", "a~b/~"),
        ("./~/x", "./~/x"),
        ("cost$5/a$", "cost$5/a$"),
        ("https://tfhub.dev/google/bert/1", "https://tfhub.dev/google/bert/1"),
    ],
)
def test_home_and_variables(here, path, wanted):
    assert paths.expand(path) == wanted
    assert paths.expand(here / "$DATA" / "x") == f"{here}//data/x"


def test_a_variable_that_is_not_set_is_named(here):
    with pytest.raises(InputError, match=r"--output_dir=\$NOT_SET/x: the environment variable NOT_SET is not set"):
        paths.expand("$NOT_SET/x", "--output_dir")
    (here / "$NOT_SET").write_text("")
    assert paths.expand("$NOT_SET") == "$NOT_SET"


def test_lists_are_expanded_part_by_part(here):
    assert paths.expand_list("~/a*, $DATA/b,c") == "/home/someone/a*, /data/b,c"
    assert paths.expand_list("sts-b=~/glue,mine=${DATA}/x.tsv") == "sts-b=/home/someone/glue,mine=/data/x.tsv"
    (here / "a,~").write_text("")
    assert paths.expand_list("a,~") == "a,~"


NAMES = ("b.txt", "a.txt", "c.gz", "[d].txt", "e,f.txt", "g h.txt", "i*.txt", "i1.txt", "j=k,l.txt", "a", "a,b")


@pytest.fixture
def folder(here):
    for name in NAMES:
        (here / name).write_text("x")
    for place in ("part[1]", "part1", "x,y"):
        (here / place).mkdir()
        (here / place / "one.txt").write_text("x")
    (here / "folder.txt").mkdir()
    return here


@pytest.mark.parametrize(
    "patterns, wanted",
    [
        ("c.gz, [ab].txt,a.txt", ["c.gz", "a.txt", "b.txt"]),
        *((name, [name]) for name in NAMES),
        (",".join(NAMES), list(NAMES)),
        ("e,f.txt,a,b,c.gz", ["e,f.txt", "a", "b.txt", "c.gz"]),
        ("g h.txt, e,f.txt", ["g h.txt", "e,f.txt"]),
        ("part[1]/*.txt", ["part[1]/one.txt"]),
        ("x,y/*.txt,x,y/one.txt,a", ["x,y/one.txt", "a"]),
        ("**/one.txt", ["part1/one.txt", "part[1]/one.txt", "x,y/one.txt"]),
        ("i?.txt", ["i*.txt", "i1.txt"]),
        ("a.txt,g h.txt", ["a.txt", "g h.txt"]),
    ],
)
def test_files_are_found(folder, patterns, wanted):
    if patterns == "e,f.txt,a,b,c.gz":
        (folder / "b").write_text("")
        wanted = ["e,f.txt", "a", "b", "c.gz"]
    assert paths.find_files(patterns) == wanted
    absolute = ",".join(f"{folder}/{part}" for part in paths.parts(patterns))
    assert paths.find_files(absolute) == [f"{folder}/{name}" for name in wanted]


@pytest.mark.parametrize(
    "pattern, message",
    [
        ("x*z", "no file matches x.z; correct the path or the pattern"),
        ("a.tx", "no such file .*did you mean a.txt"),
        ("a.txt,b.tx", "no such file .*did you mean b.txt"),
        ("folder.txt", r"folder.txt: a folder; name its files, as folder.txt/\*.txt"),
        (" , ", "no input file"),
        ("", "no input file"),
        (None, "no input file"),
        ("i*.json", "no file matches"),
    ],
)
def test_what_is_not_there(folder, pattern, message):
    (folder / "i.json").write_text("{}")
    with pytest.raises(InputError, match=message):
        paths.find_files(pattern, leave_out=[".json"])


def test_names_of_paths(folder):
    assert paths.parts("a.txt,one=a.txt,two=e,f.txt,three") == ["a.txt", "one=a.txt", "two=e,f.txt", "three"]


def test_many_names_are_quick_to_part(here):
    names = [f"{i}.txt" for i in range(2000)]
    for name in names:
        os.mknod(name)
    assert paths.parts(",".join(names)) == names
