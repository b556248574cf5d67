"""samples/pretrain_demo.sh as `make pretrain-demo` runs it, up to where the work begins."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def demo(tmp_path):
    """demo(**variables) -> (exit status, stdout, stderr); text.txt and other.txt are there, the output is out/.

    The interpreter looks at the text and stands still for every other command, as one that made its files does.
    """
    for name in ("text", "other"):
        (tmp_path / f"{name}.txt").write_text(f"{name} of its own.\n", encoding="utf-8")
    stand_in = tmp_path / "python"
    stand_in.write_text(f'#!/bin/sh\n[ "$1" = -m ] || exit 3\nexec {sys.executable} "$@"\n')
    stand_in.chmod(0o755)
    given = {"PYTHON": stand_in, "CORPUS": tmp_path / "text.txt", "HELD_OUT": tmp_path / "other.txt"}

    def run(**variables):
        values = {**given, "OUTPUT_DIR": tmp_path / "out", **variables}
        environment = {**os.environ, **{name: str(value) for name, value in values.items()}}
        ran = subprocess.run(
            ["bash", str(ROOT / "samples" / "pretrain_demo.sh")], env=environment, capture_output=True, text=True
        )
        return ran.returncode, ran.stdout, ran.stderr

    return run


def test_held_out_text_is_no_part_of_the_corpus(demo, tmp_path):
    status, printed, said = demo(CORPUS=f"{tmp_path}/*.txt")
    assert status == 2 and printed == "" and said.count("\n") == 1
    assert said.startswith("error: HELD_OUT=") and f"{tmp_path}/other.txt is in CORPUS=" in said
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_kept_and_only_for_the_same_text(demo, tmp_path):
    status, printed, said = demo()
    assert status == 3 and "build_vocab.py" in printed and said == ""
    for name in ("vocabulary/tokenizer_config.json", "train.tfrecord.manifest.json"):
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("{}")
    status, printed, _ = demo()
    commands = [line for line in printed.splitlines() if line.startswith("+ ")]
    assert status == 3 and printed.count("kept: ") == 2
    assert len(commands) == 1 and f"--output_file={tmp_path}/out/held_out.tfrecord" in commands[0]
    assert "--overwrite" not in printed
    (tmp_path / "out" / "train.tfrecord.manifest.json").write_text('{"unfinished": true}')
    _, printed, _ = demo()
    assert printed.count("kept: ") == 1 and f"--output_file={tmp_path}/out/train.tfrecord" in printed
    with (tmp_path / "text.txt").open("a") as file:
        file.write("one more line\n")
    for changed in ({}, {"VOCAB_SIZE": 100}):
        status, printed, said = demo(**changed)
        assert status == 2 and printed == "" and said.count("\n") == 1 and "give another OUTPUT_DIR" in said
