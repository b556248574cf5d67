"""Processes: order, errors, death, and what they do not import."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from patience import PATIENCE

from bertline.errors import InputError
from bertline.processors.corpora.making import instance_making
from bertline.processors.records.workers import Workers


def squared(number):
    time.sleep(0.02 * (number % 3))
    return number * number


def failing(number):
    raise ValueError(f"no {number}")


def killing(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def large(array):
    return array, os.getpid()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("num_processes", [1, 2, 5])
def test_results_come_in_order(num_processes):
    with Workers(squared, num_processes) as workers:
        assert list(workers.map(iter(range(12)))) == [number * number for number in range(12)]


def test_few_tasks_are_taken_ahead():
    taken = []

    def tasks():
        for number in range(40):
            taken.append(number)
            yield number

    with Workers(squared, 2) as workers:
        results = workers.map(tasks())
        next(results)
        assert len(taken) <= 4
        assert list(results)[-1] == 39 * 39


def test_tasks_and_results_that_fill_every_pipe():
    array = np.arange(1 << 20)
    with Workers(large, 2) as workers:
        results = list(workers.map(array + i for i in range(8)))
    assert all((found == array + i).all() for i, (found, _) in enumerate(results))
    assert len({pid for _, pid in results}) == 2
    assert not any(alive(pid) for _, pid in results)


def test_an_error_in_a_process_is_shown_with_its_traceback():
    with Workers(failing, 2) as workers, pytest.raises(RuntimeError, match=r"(?s)def|failing.*ValueError: no 0"):
        list(workers.map([0]))


def test_a_killed_process_is_named():
    with Workers(killing, 2) as workers, pytest.raises(InputError, match="was killed by SIGKILL"):
        list(workers.map(range(10)))


# What a script does: Workers of a function in a module of its own, which stands in for
# bertline.processors.corpora.making.instance_making.
FUNCTIONS = """
import os, sys, types
import numpy as np
from bertline import registry
from bertline.processors.corpora.making import instance_making
from bertline.processors.corpora.segments import Block

def made(number):
    block = Block(number, np.arange(40, dtype=np.int32), np.arange(0, 41, 4), np.array([0, 5, 10]), np.arange(2))
    ids = types.SimpleNamespace(special_id={"cls": 1, "sep": 2}.get, mask_id=3, vocab_size=50)
    kind = registry.get("corpus", "next_sentence")(ids, 16, 1)
    assert instance_making.block_records((block, 0, 1), kind).records
    return os.getpid(), {name.split(".")[0] for name in sys.modules}
"""
PROGRAM = """
import sys, time
sys.path.insert(0, {root!r})

if __name__ == "__main__":
    import tensorflow, functions
    from bertline.processors.records.workers import Workers
    with Workers(functions.made, 2) as workers:
        for pid, modules in workers.map(range(4)):
            print(pid, *modules, flush=True)
        time.sleep({seconds})
"""


def started(folder, seconds=0):
    root = os.path.dirname(os.path.dirname(os.path.abspath(instance_making.__file__)))
    (folder / "functions.py").write_text(FUNCTIONS)
    (folder / "program.py").write_text(PROGRAM.format(root=root, seconds=seconds))
    return subprocess.Popen([sys.executable, str(folder / "program.py")], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_processes_import_neither_tensorflow_nor_keras(tmp_path):
    process = started(tmp_path)
    lines = process.communicate(timeout=PATIENCE)[0].splitlines()
    assert process.returncode == 0 and len(lines) == 4
    for line in lines:
        assert "numpy" in line.split()
        assert {"tensorflow", "keras", "tensorflow_text", "google"}.isdisjoint(line.split())


@pytest.mark.slow
def test_processes_end_when_their_parent_is_killed(tmp_path):
    process = started(tmp_path, seconds=2 * PATIENCE)
    pids = {int(process.stdout.readline().split()[0]) for _ in range(4)}
    assert len(pids) == 2 and all(map(alive, pids))
    process.kill()
    process.communicate()
    end = time.monotonic() + PATIENCE
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(map(alive, pids))
